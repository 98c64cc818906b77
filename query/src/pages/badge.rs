//! `/badge/<suite>.svg` and `/badge/<suite>/<test>.svg`: a verdict as a picture, for other pages to show.

use answers::ask::RunFilter;
use answers::renames;
use answers::timeline::{self, Standing, TimelineOf};
use answers::{suites, test_names};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;

use crate::error::ApiError;
use crate::layers::paths::Rest;
use crate::parameters::{CONFIGURATION, Parameters, name, runs};
use crate::service::{Service, Shared};

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
    let judged = timeline::verdicts(store, of, filter).await?;
    if !judged.is_empty() {
        return Ok(of_standings(judged.into_values().map(|judged| judged.standing)));
    }
    if let Some(test) = of.test
        && let Some(successor) = renames::other_names(store, of.suite, test).await?.successor
    {
        return Ok(Message::new("none", "renamed", format!("its history goes on as {}", printable(&successor))));
    }
    let is_known = suites::is_known(store, filter.branch.as_deref(), of.suite).await?
        && match of.test {
            Some(test) => test_names::is_known(store, of.suite, test).await?,
            None => true,
        };
    Ok(if is_known {
        Message::new("none", "not run lately", "no run in four weeks matches")
    } else {
        Message::new("none", "unknown", "nothing of that name was uploaded")
    })
}

/// How the configurations are doing, in a few words: the worst of them speaks.
fn of_standings(standings: impl Iterator<Item = Standing>) -> Message {
    let all: Vec<Standing> = standings.collect();
    let ran: Vec<Standing> =
        all.iter().copied().filter(|one| !matches!(one, Standing::NotRunLately | Standing::Removed)).collect();
    let failing = ran.iter().filter(|one| one.is_failing()).count();
    let flaky = ran.iter().filter(|one| **one == Standing::Flaky).count();
    let expected = ran.iter().filter(|one| **one == Standing::Expected).count();
    let detail = format!("{failing} failing, {flaky} flaky of {} configurations", ran.len());
    if ran.is_empty() && all.contains(&Standing::Removed) {
        Message::new("none", "removed", "the suite goes on without it")
    } else if ran.is_empty() {
        Message::new("none", "not run lately", "no run in a week")
    } else if failing > 0 {
        Message::new("bad", format!("{failing} failing"), detail)
    } else if flaky > 0 {
        Message::new("unsure", "flaky", detail)
    } else if expected > 0 {
        Message::new("none", "fails as expected", detail)
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
    use Standing::{Expected, Failing, Flaky, New, NotRunLately, Passing, Removed};

    use super::*;

    #[test]
    fn the_worst_verdict_speaks_and_retired_configurations_do_not() {
        for (standings, expected) in [
            (&[Passing][..], "passing"),
            (&[Failing, Passing, New], "2 failing"),
            (&[Flaky, Passing], "flaky"),
            (&[Flaky, Failing], "1 failing"),
            (&[Passing, NotRunLately], "passing"),
            (&[Passing, Expected, Removed], "fails as expected"),
            (&[NotRunLately, Removed], "removed"),
            (&[NotRunLately], "not run lately"),
        ] {
            assert_eq!(of_standings(standings.iter().copied()).words, expected, "{standings:?}");
        }
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
