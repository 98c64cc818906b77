//! `/badge/<suite>.svg` and `/badge/<suite>/<test>.svg`: a verdict as a picture, for other pages to show.

use answers::ask::RunFilter;
use answers::timeline::{self, STALE_SECONDS, TimelineOf, Verdict, Window};
use answers::{suites, test_names};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;
use schema::ids::CommitKey;

use crate::error::ApiError;
use crate::layers::paths::Rest;
use crate::parameters::{CONFIGURATION, Parameters, name, runs};
use crate::service::{Service, Shared};

/// Runs of each configuration, as many as a timeline shows first.
const RUNS: u64 = 100;
/// Characters of a name; of a longer one the end says more.
const LONGEST: usize = 40;
/// Width of a character at the size of the text, and the space around it.
const CHARACTER: usize = 7;
const SPACE: usize = 12;

/// What a badge says.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    /// Style of the right half.
    class: &'static str,
    words: String,
    /// Where, in full.
    detail: String,
}

impl Message {
    fn new(class: &'static str, words: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { class, words: words.into(), detail: detail.into() }
    }
}

/// The picture.
pub(crate) async fn picture(
    State(service): Shared,
    Rest(path): Rest,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query.as_deref(), &[&CONFIGURATION, &["branch"]])?;
    let named = path.strip_suffix(".svg").ok_or_else(ApiError::unknown_path)?;
    let (suite, test) = match named.split_once('/') {
        Some((suite, test)) => (name(suite), Some(name(test))),
        None => (name(named), None),
    };
    let of = TimelineOf { suite: &suite, test: test.as_deref() };
    let message = message(&service, &runs::lately(&parameters)?, of).await?;
    let full = test.as_deref().unwrap_or(&suite);
    let label = shortened(full);
    let width = |text: &str| text.chars().count() * CHARACTER + SPACE;
    let values = context! {
        label, full => printable(full), words => message.words, detail => message.detail, class => message.class,
        left => width(&label), right => width(&message.words),
    };
    let drawing = service.pages.text("badge.xml", values)?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("content-security-policy"), "default-src 'none'"),
    ];
    Ok((headers, drawing).into_response())
}

async fn message(service: &Service, filter: &RunFilter, of: TimelineOf<'_>) -> Result<Message, ApiError> {
    let store = &service.store;
    let window = timeline::lately(store, of, filter, RUNS).await?;
    if !window.columns.is_empty() {
        return Ok(of_window(&window, store.clock.commit_key()));
    }
    let is_known = suites::is_known(store, filter.branch.as_deref(), of.suite).await?
        && match of.test {
            Some(test) => test_names::is_known(store, of.suite, test).await?,
            None => true,
        };
    Ok(if is_known {
        Message::new("none", "not run lately", "no run in three weeks matches")
    } else {
        Message::new("none", "unknown", "nothing of that name was uploaded")
    })
}

/// The verdicts of a timeline in a few words: the worst of them speaks.
fn of_window(window: &Window, now: CommitKey) -> Message {
    let newest = window.columns.first().copied().unwrap_or_default();
    let verdicts = window.verdicts();
    let count = |kind: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| kind(verdict)).count();
    let failing = count(|verdict| matches!(verdict, Verdict::Failing { .. }));
    let flaky = count(|verdict| matches!(verdict, Verdict::Flaky { .. }));
    let ran = verdicts.len() - count(|verdict| matches!(verdict, Verdict::Stale));
    let detail = format!("{failing} failing, {flaky} flaky of {ran} configurations");
    if now.time().saturating_sub(newest.time()) > STALE_SECONDS {
        Message::new("none", "not run lately", "no run in a week")
    } else if failing > 0 {
        Message::new("bad", format!("{failing} failing"), detail)
    } else if flaky > 0 {
        Message::new("unsure", "flaky", detail)
    } else {
        Message::new("good", "passing", detail)
    }
}

/// Without what no XML may hold, and what would turn the text around it.
fn printable(text: &str) -> String {
    let is_odd = |character: char| {
        character.is_control()
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|character| if is_odd(character) { '\u{fffd}' } else { character }).collect()
}

fn shortened(text: &str) -> String {
    let text = printable(text);
    let excess = text.chars().count().saturating_sub(LONGEST);
    if excess == 0 { text } else { std::iter::once('…').chain(text.chars().skip(excess + 1)).collect() }
}

#[cfg(test)]
mod tests {
    use answers::timeline::{Outcome, Row};
    use schema::configuration::Configuration;
    use schema::seconds::DAY;
    use schema::state::State;

    use super::*;

    const NOW: u64 = 1000 * DAY;

    /// One run a day on each configuration, oldest first, the last one now: F failed.
    fn words(rows: &[&str], now: u64) -> String {
        let outcome = |age: usize, run: char| Outcome {
            commit: CommitKey::end_of(NOW - age as u64 * DAY),
            actual: State::CRASH,
            unexpected: if run == 'F' { State::CRASH } else { State::PASS },
            label: String::new(),
            failed: None,
            time: None,
        };
        let cells = |runs: &&str| {
            runs.chars().rev().enumerate().map(|(age, run)| (run != ' ').then(|| outcome(age, run))).collect()
        };
        let row = |runs| Row { configuration: Configuration::default(), cells: cells(runs) };
        let columns = (0..rows[0].len() as u64).map(|age| CommitKey::end_of(NOW - age * DAY)).collect();
        of_window(&Window { columns, rows: rows.iter().map(row).collect() }, CommitKey::end_of(now)).words
    }

    #[test]
    fn the_worst_verdict_speaks_and_retired_configurations_do_not() {
        for (rows, expected) in [
            (&["PPPP"][..], "passing"),
            (&["PPPF", "PPPP", "PFFF"], "2 failing"),
            (&["PFPFP", "PPPPP"], "flaky"),
            (&["PFPFP", "PPPPF"], "1 failing"),
            (&["PPPPPPPPPP", "F         "], "passing"),
        ] {
            assert_eq!(words(rows, NOW), expected, "{rows:?}");
        }
        assert_eq!(words(&["FFFF"], NOW + 8 * DAY), "not run lately");
    }

    #[test]
    fn of_a_long_name_the_end_stays() {
        let long = format!("{}/name.html", "folder".repeat(20));
        let short = shortened(&long);
        assert_eq!(short.chars().count(), LONGEST);
        assert!(short.starts_with('…') && short.ends_with("folder/name.html"));
        assert_eq!(shortened("a\u{202e}\u{1}b"), "a\u{fffd}\u{fffd}b");
    }
}
