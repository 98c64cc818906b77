//! A change in Markdown: the comment that pipelines keep at it.

use std::collections::BTreeMap;
use std::fmt::Write;

use schema::markdown::{cell, code, counted, escape, more, shown};

use super::{ChangeUnderReview, FailureGroup, ReviewedFailure, ReviewedSuite, page};
use crate::news;

/// Bugs told of each failure.
const BUGS: usize = 3;

/// The text about a change; `site` is the server's address, without which links are paths.
pub(super) fn text(change: &ChangeUnderReview, site: Option<&str>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "### Change {}: {}\n", escape(&change.id), escape(&change.sentence));
    let runs: usize = change.suites.iter().map(|suite| suite.runs.len()).sum();
    let all = news::page(site, &page(&change.id), "");
    let _ = writeln!(text, "{}. [All of it]({all})\n", counted(runs as u64, "run"));
    for suite in &change.suites {
        of_suite(&mut text, suite, site);
    }
    text
}

fn of_suite(text: &mut String, suite: &ReviewedSuite, site: Option<&str>) {
    let mut groups: BTreeMap<FailureGroup, Vec<&ReviewedFailure>> = BTreeMap::new();
    for failure in &suite.failures {
        groups.entry(FailureGroup::of(failure)).or_default().push(failure);
    }
    if groups.is_empty() && suite.fixed.is_empty() {
        return;
    }
    let _ = writeln!(text, "#### {}\n", escape(&suite.suite));
    for (group, failures) in groups {
        let heading = format!("{} {}", failures.len(), group.words());
        let _ = writeln!(text, "**{heading}**\n\n| Test | Where | State | Why | Bugs |\n|---|---|---|---|---|");
        for failure in shown(&failures) {
            let link = news::page(site, &failure.link, "");
            let why = failure.reasons.as_ref().map_or("", |reasons| reasons.text.as_str());
            let bugs: Vec<String> = failure.bugs.iter().take(BUGS).map(|bug| cell(bug)).collect();
            let (test, on) = (code(&failure.test), cell(&failure.configuration.name()));
            let state = failure.state.name();
            let _ = writeln!(text, "| [{test}]({link}) | {on} | {state} | {} | {} |", cell(why), bugs.join(" "));
        }
        more(text, failures.len());
        text.push('\n');
    }
    if suite.fixed.is_empty() {
        return;
    }
    let _ = writeln!(text, "**{} fixed**\n\n| Test | Where | Was |\n|---|---|---|", suite.fixed.len());
    for fixed in shown(&suite.fixed) {
        let (test, on) = (code(&fixed.test), cell(&fixed.configuration.name()));
        let _ = writeln!(text, "| {test} | {on} | {} |", fixed.state.name());
    }
    more(text, suite.fixed.len());
    text.push('\n');
}
