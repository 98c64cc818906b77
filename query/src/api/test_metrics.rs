//! How many tests of each suite fail, are flaky or are new failures, for dashboards that scrape (OpenMetrics 1.0):
//! `GET /api/metrics`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use answers::suites;
use answers::triage::{self, Group};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use web::openapi::{Operation, text};

use crate::error::{ApiError, bad};
use crate::parameters::{CONFIGURATION, Parameters, lists};
use crate::service::Shared;

const MEDIA: &str = "application/openmetrics-text";
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Suites that one question may name: each costs as much as a question to triage.
const MOST_SUITES: usize = 100;
const HEAD: &str =
    "# TYPE resultsdb_tests gauge\n# HELP resultsdb_tests Tests that triage lists, by suite and group.\n";

const QUARANTINED: &str = "# TYPE resultsdb_quarantined_tests gauge\n# HELP resultsdb_quarantined_tests Those of them that are in quarantine.\n";

pub(crate) const OPERATION: Operation = Operation {
    media: MEDIA,
    ..Operation::get(
        "/api/metrics",
        "How many tests of each suite triage lists, by group, as OpenMetrics; of every suite that ran lately if none is named",
        &[&CONFIGURATION, &["suite", "days", "recent", "branch"]],
        text,
    )
    .with_lists(&["suite"])
};

/// One line for each group of each suite.
pub(crate) async fn scrape(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let mut suites: BTreeSet<String> = parameters.texts("suite").into_iter().collect();
    if suites.len() > MOST_SUITES {
        return Err(bad(format!("{} suites are too many for one question; name {MOST_SUITES} at most", suites.len())));
    }
    if suites.iter().any(|suite| suite.contains(char::is_control)) {
        return Err(bad("No suite has control characters in its name"));
    }
    if suites.is_empty() {
        suites = suites::recent(&service.store).await?.into_iter().collect();
    }
    let (mut lines, mut quarantined) = (HEAD.to_owned(), QUARANTINED.to_owned());
    for suite in &suites {
        let mut question = lists::triage(&parameters, suite, &service.store.clock)?;
        // All are counted, however few are listed.
        question.runs.limit = Some(1);
        question.with_messages = false;
        let triage = triage::find(&service.store, &question).await?;
        let counts = triage.counts;
        let count = triage.quarantined;
        let _ = writeln!(quarantined, "resultsdb_quarantined_tests{{suite=\"{}\"}} {count}", escaped(suite));
        for group in Group::ALL {
            let count = counts.get(&group).copied().unwrap_or_default();
            // Writing to a string cannot fail.
            let _ =
                writeln!(lines, "resultsdb_tests{{suite=\"{}\",group=\"{}\"}} {count}", escaped(suite), group.name());
        }
    }
    lines.push_str(&quarantined);
    lines.push_str("# EOF\n");
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], lines).into_response())
}

/// A text as the value of a label: a backslash, a quote and the end of a line would end it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_suite_cannot_end_its_label() {
        assert_eq!(super::escaped("a\"} 7\nb\\"), "a\\\"} 7\\nb\\\\");
    }
}
