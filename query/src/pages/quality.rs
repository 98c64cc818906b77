//! How good the verdicts were, and how soon failures were found.

use std::collections::BTreeSet;

use answers::suites;
use answers::verdicts::{self, Afterwards, Mistake, QualityRow, WrongAnswer};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::commit::branch_key;
use schema::markdown::counted;

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
    let thresholds = answer.suites.iter().filter_map(|row| row.name.as_deref());
    let thresholds: BTreeSet<u32> = thresholds.map(|suite| service.store.failures_in_a_row(suite)).collect();
    let values = context! {
        in_a_row => in_a_row(&thresholds),
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
    let WrongAnswer { mistake, suite, test, owners, verdict, change, branch, asked_at, rule, times, after, link } = one;
    let after = told(*mistake, after);
    let branch = Some(branch.as_str()).filter(|branch| *branch != branch_key(None));
    let key = format!("{} {suite} {} {test}", mistake.name(), branch.unwrap_or_default());
    context! { key, suite, test, owners, verdict, change, branch, asked_at, rule, times, after, link }
}

/// What came after a wrong answer, in words.
fn told(mistake: Mistake, after: &Afterwards) -> String {
    let Afterwards { commits, failed, failed_last } = *after;
    let counted = |count: u32| counted(u64::from(count), "commit");
    let of_all = counted(commits);
    let all = if commits == 1 { "the only commit".to_owned() } else { format!("all {of_all}") };
    let last = |count: u32| if count == 1 { "the last".to_owned() } else { format!("the last {count}") };
    match mistake {
        Mistake::Flakiness => format!("failed on {all} that came after"),
        Mistake::Excuse => format!("passed, and then failed on {} of {of_all}", last(failed_last)),
        Mistake::Blame if failed == commits => {
            format!("failed on {all} that came after: the change may have landed")
        }
        Mistake::Blame if failed == failed_last => {
            format!("passed, and failed on {} of {of_all}: the change may have landed", last(failed))
        }
        Mistake::Blame => format!("failed on {failed} of {of_all} that came after"),
    }
}

/// On how many commits in a row a test has to fail, by the thresholds of some suites, in words.
fn in_a_row(thresholds: &BTreeSet<u32>) -> String {
    match (thresholds.first(), thresholds.last()) {
        (Some(least), Some(most)) if least < most => {
            format!("as many commits in a row as the thresholds of its suite say, {least} to {most}")
        }
        // Where nothing is listed, nothing is told of failures.
        (least, _) => format!("{} or more in a row", counted(least.copied().unwrap_or(1).into(), "commit")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_of_suites_are_told_in_words() {
        let of = |thresholds: &[u32]| in_a_row(&thresholds.iter().copied().collect());
        assert_eq!((of(&[2]), of(&[1])), ("2 commits or more in a row".into(), "1 commit or more in a row".into()));
        assert_eq!(of(&[3, 2, 5, 2]), "as many commits in a row as the thresholds of its suite say, 2 to 5");
    }

    #[test]
    fn what_came_after_is_told_in_words() {
        let after = |mistake, commits, failed, failed_last| told(mistake, &Afterwards { commits, failed, failed_last });
        assert_eq!(after(Mistake::Flakiness, 4, 4, 4), "failed on all 4 commits that came after");
        assert_eq!(after(Mistake::Excuse, 9, 3, 3), "passed, and then failed on the last 3 of 9 commits");
        assert_eq!(after(Mistake::Blame, 5, 2, 0), "failed on 2 of 5 commits that came after");
        assert_eq!(
            after(Mistake::Blame, 1, 1, 1),
            "failed on the only commit that came after: the change may have landed"
        );
        assert_eq!(
            after(Mistake::Blame, 5, 1, 1),
            "passed, and failed on the last of 5 commits: the change may have landed"
        );
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
