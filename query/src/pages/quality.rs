//! How good the verdicts were, and how soon failures were found.

use answers::suites;
use answers::verdicts::{self, Afterwards, Mistake, QualityRow, WrongAnswer};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::names::titled;
use super::time;
use crate::api::verdicts::QUALITY;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), QUALITY.parameters)?;
    let question = lists::quality(&parameters, parameters.first("suite"), &service.store.clock)?;
    let answer = verdicts::quality(&service.store, &question).await?;
    let rows = |rows: &[QualityRow]| rows.iter().map(row).collect::<Vec<Value>>();
    let lists = [
        context! { by => "suite", rows => rows(&answer.suites), more => answer.more_suites, is_timed => true },
        context! { by => "owner", rows => rows(&answer.owners), more => answer.more_owners, is_timed => true },
        context! { by => "rule", rows => rows(&answer.rules), more => 0, is_timed => false },
    ];
    let values = context! {
        page => "/quality", known, chosen => answer.suite, weeks => answer.weeks, is_cut => answer.is_cut,
        owner => parameters.first("owner").unwrap_or_default(), total => row(&answer.total), lists, rule => answer.rule,
        wrong => answer.wrong.iter().map(wrong).collect::<Vec<Value>>(), more_wrong => answer.more_wrong,
        export_query => parameters.with(&["format"], &[]),
    };
    service.pages.render(StatusCode::OK, "quality.html", Some(&titled("Quality of verdicts", &answer.suite)), values)
}

/// What a template shows of a row.
fn row(row: &QualityRow) -> Value {
    let QualityRow { name, given, open, convicted, wrongly_convicted, excused, wrongly_excused, .. } = row;
    let QualityRow { blamed, wrongly_blamed, began, timed, detect_median, detect_p95, .. } = row;
    let took = |seconds: Option<u64>| match seconds? {
        few @ 0..60 => Some(format!("{few} s")),
        seconds => Some(time::took(seconds.saturating_mul(1000))),
    };
    // The tests that nobody owns have a word of the search.
    let asked = name.as_deref().unwrap_or("none");
    context! {
        name, asked, given, open, began => began.unwrap_or(0), timed => timed.unwrap_or(0),
        convicted, wrongly_convicted, excused, wrongly_excused, blamed, wrongly_blamed,
        median => took(*detect_median), p95 => took(*detect_p95),
    }
}

/// What a template shows of a wrong answer.
fn wrong(one: &WrongAnswer) -> Value {
    let WrongAnswer { mistake, suite, test, owners, verdict, change, asked_at, rule, times, after, link, .. } = one;
    let after = told(*mistake, after);
    context! {
        key => format!("{} {suite} {test}", mistake.name()), suite, test, owners, verdict, change, asked_at, rule, times, after, link,
    }
}

/// What came after a wrong answer, in words.
fn told(mistake: Mistake, after: &Afterwards) -> String {
    let Afterwards { commits, failed, failed_last } = *after;
    let all = commits_of(commits);
    match mistake {
        Mistake::Flakiness => format!("failed on all {all} that came after"),
        Mistake::Excuse => format!("passed, and then failed on the last {failed_last} of {all}"),
        Mistake::Blame if failed == commits => {
            format!("failed on all {all} that came after: the change may have landed")
        }
        Mistake::Blame if failed == failed_last => {
            format!("passed, and failed on the last {failed} of {all}: the change may have landed")
        }
        Mistake::Blame => format!("failed on {failed} of {all} that came after"),
    }
}

fn commits_of(count: u32) -> String {
    if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_is_told_in_words() {
        let after = |mistake, commits, failed, failed_last| told(mistake, &Afterwards { commits, failed, failed_last });
        assert_eq!(after(Mistake::Flakiness, 4, 4, 4), "failed on all 4 commits that came after");
        assert_eq!(after(Mistake::Excuse, 9, 3, 3), "passed, and then failed on the last 3 of 9 commits");
        assert_eq!(after(Mistake::Blame, 5, 2, 0), "failed on 2 of 5 commits that came after");
        assert_eq!(
            after(Mistake::Blame, 3, 3, 3),
            "failed on all 3 commits that came after: the change may have landed"
        );
        assert_eq!(
            after(Mistake::Blame, 5, 2, 2),
            "passed, and failed on the last 2 of 5 commits: the change may have landed"
        );
    }
}
