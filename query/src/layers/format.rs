//! `format=csv`: the rows of an answer as a table for spreadsheets and scripts.
//!
//! Endpoints whose `OPERATION` knows `format` answer JSON as ever; [`shaped`] turns that answer into CSV. Each kind of
//! answer has fixed columns, so that a script can rely on them and an uploaded document cannot add any.

use axum::body::to_bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::error::{ApiError, bad, broken};
use crate::parameters::CONFIGURATION;

/// Answers that have rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Runs,
    Results,
    Failures,
    Flaky,
    Compare,
    Triage,
    Durations,
    Slowest,
}

/// Columns, and one value for each in every row.
type Table = (Vec<&'static str>, Vec<Vec<Value>>);

const RUN: [&str; 9] = [
    "uuid",
    "start_time",
    "tests_run",
    "tests_failed",
    "tests_timedout",
    "tests_crashed",
    "tests_unexpected_failed",
    "tests_unexpected_timedout",
    "tests_unexpected_crashed",
];
const RESULT: [&str; 5] = ["uuid", "start_time", "actual", "expected", "time"];
const FLAKY: [&str; 9] =
    ["test", "runs", "unexpected", "rate", "lower", "upper", "flips", "disagreements", "configurations"];

const TRIAGE: [&str; 6] = ["test", "group", "state", "since", "before", "impact"];
const PART: [&str; 5] = ["from", "runs", "p50", "p95", "longest"];
const SLOW: [&str; 4] = ["test", "time", "usual", "runs"];

/// The answer in the format that the question names.
pub(crate) async fn shaped(segments: &[&str], query: Option<&str>, answer: Response) -> Result<Response, ApiError> {
    let Some(kind) = kind(segments) else { return Ok(answer) };
    let named =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).filter(|(name, _)| name == "format").last();
    match named.as_ref().map(|(_, value)| value.as_ref()) {
        None | Some("json") => Ok(answer),
        Some("csv") if answer.status() == StatusCode::OK => {
            let body = to_bytes(answer.into_body(), usize::MAX).await.map_err(broken)?;
            let answer = serde_json::from_slice(&body).map_err(broken)?;
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"results.csv\""),
            ];
            Ok((headers, written(&table(kind, answer))?).into_response())
        }
        Some("csv") => Ok(answer),
        Some(other) => Err(bad(format!("The format is json or csv, not {other}"))),
    }
}

fn kind(segments: &[&str]) -> Option<Kind> {
    match segments {
        ["api", "results", _] | ["api", "results", _, ""] => Some(Kind::Runs),
        ["api", "results", _, ..] => Some(Kind::Results),
        ["api", "failures", _, ..] => Some(Kind::Failures),
        ["api", "flaky"] => Some(Kind::Flaky),
        ["api", "compare"] => Some(Kind::Compare),
        ["api", "triage"] => Some(Kind::Triage),
        ["api", "durations", _, ..] => Some(Kind::Durations),
        ["api", "slowest", _, ..] => Some(Kind::Slowest),
        _ => None,
    }
}

fn table(kind: Kind, answer: Value) -> Table {
    let of_configurations =
        |own: &[&'static str]| -> Vec<&'static str> { CONFIGURATION.into_iter().chain(own.iter().copied()).collect() };
    match kind {
        Kind::Runs => (of_configurations(&RUN), of_entries(&answer, |run| vec![cells(&RUN, &[run, &run["stats"]])])),
        Kind::Results => {
            let more = |result: &Value| {
                let others =
                    result.as_object().into_iter().flatten().filter(|(name, _)| !RESULT.contains(&name.as_str()));
                let others: Map<String, Value> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
                if others.is_empty() { Value::Null } else { json!(Value::Object(others).to_string()) }
            };
            let row = |result: &Value| vec![[cells(&RESULT, &[result]), vec![more(result)]].concat()];
            let mut columns = of_configurations(&RESULT);
            columns.push("more");
            (columns, of_entries(&answer, row))
        }
        // Names over all runs, or run by run.
        Kind::Failures if answer.as_array().is_some_and(|all| all.iter().all(Value::is_string)) => {
            (vec!["test"], rows(&answer).iter().map(|name| vec![name.clone()]).collect())
        }
        Kind::Failures => {
            let of_run = |run: &Value| {
                let tests = run.as_object().into_iter().flatten().filter(|(_, state)| state.is_string());
                let row = |(test, state): (&String, &Value)| {
                    vec![run["uuid"].clone(), run["start_time"].clone(), json!(test), state.clone()]
                };
                tests.map(row).collect()
            };
            (of_configurations(&["uuid", "start_time", "test", "state"]), of_entries(&answer, of_run))
        }
        Kind::Flaky => (FLAKY.to_vec(), rows(&answer["tests"]).iter().map(|test| cells(&FLAKY, &[test])).collect()),
        Kind::Compare => compared(&answer),
        Kind::Triage => (TRIAGE.into_iter().chain(CONFIGURATION).collect(), triaged(&answer)),
        Kind::Durations => (PART.to_vec(), rows(&answer["parts"]).iter().map(|part| cells(&PART, &[part])).collect()),
        Kind::Slowest => (SLOW.to_vec(), rows(&answer["tests"]).iter().map(|test| cells(&SLOW, &[test])).collect()),
    }
}

/// One row for each change on each configuration.
fn compared(answer: &Value) -> Table {
    let own = ["change", "test", "before", "after"];
    let mut table: Vec<Vec<Value>> = Vec::new();
    let runs = rows(&answer["runs"]);
    let on = |run: &Value, change: Vec<Value>| [change, cells(&CONFIGURATION, &[&run["configuration"]])].concat();
    for test in rows(&answer["tests"]) {
        let positions = rows(&test["runs"]).iter().filter_map(|run| runs.get(usize::try_from(run.as_u64()?).ok()?));
        table.extend(positions.map(|run| on(run, cells(&own, &[test]))));
    }
    if let [run] = runs {
        for change in ["added", "removed"] {
            let tests = rows(&answer["details"][change]).iter();
            table.extend(tests.map(|test| on(run, vec![json!(change), test.clone(), Value::Null, Value::Null])));
        }
        for one in rows(&answer["details"]["slower"]) {
            table.push(on(run, vec![json!("slower"), one[0].clone(), one[1].clone(), one[2].clone()]));
        }
    }
    (own.into_iter().chain(CONFIGURATION).collect(), table)
}

/// One row for each test on each configuration.
fn triaged(answer: &Value) -> Vec<Vec<Value>> {
    let of_test = |test: &Value| -> Vec<Vec<Value>> {
        let on = |one: &Value| [cells(&TRIAGE, &[test]), cells(&CONFIGURATION, &[one])].concat();
        rows(&test["configurations"]).iter().map(on).collect()
    };
    rows(&answer["tests"]).iter().flat_map(of_test).collect()
}

/// The rows of each run, after the members of its configuration.
fn of_entries(answer: &Value, of_run: impl Fn(&Value) -> Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let mut table = Vec::new();
    for entry in rows(answer) {
        let configuration = cells(&CONFIGURATION, &[&entry["configuration"]]);
        for run in rows(&entry["results"]) {
            table.extend(of_run(run).into_iter().map(|row| [configuration.clone(), row].concat()));
        }
    }
    table
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The members of these names, each from the first object that has it.
fn cells(names: &[&str], objects: &[&Value]) -> Vec<Value> {
    let found = |name: &&str| objects.iter().find_map(|object| object.get(*name)).cloned().unwrap_or_default();
    names.iter().map(found).collect()
}

fn written((columns, rows): &Table) -> Result<Vec<u8>, ApiError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).map_err(broken)?;
    for row in rows {
        writer.write_record(row.iter().map(cell)).map_err(broken)?;
    }
    writer.into_inner().map_err(broken)
}

/// A value as text. A spreadsheet would run what begins like a formula, so an apostrophe makes it text.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn csv(kind: Kind, answer: Value) -> String {
        String::from_utf8(written(&table(kind, answer)).unwrap()).unwrap()
    }

    #[test]
    fn failures_are_names_or_one_row_for_each_of_a_run() {
        assert_eq!(csv(Kind::Failures, json!(["a", "b,c"])), "test\na\n\"b,c\"\n");
        let run = json!({ "uuid": 7, "start_time": 8, "a.html": "TEXT", "b.html": "CRASH" });
        let text = csv(
            Kind::Failures,
            json!([{ "configuration": { "platform": "mac", "is_simulator": false }, "results": [run] }]),
        );
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines, ["mac,,,false,,,,,,7,8,a.html,TEXT", "mac,,,false,,,,,,7,8,b.html,CRASH"]);
    }

    #[test]
    fn what_an_uploader_adds_makes_no_column() {
        let result = json!({ "uuid": 7, "start_time": 8, "actual": "PASS", "expected": "PASS", "log": "=1+1" });
        let text = csv(Kind::Results, json!([{ "configuration": {}, "results": [result] }]));
        assert!(text.starts_with("platform,") && text.lines().next().unwrap().ends_with(",time,more"), "{text}");
        assert!(text.contains(r#""{""log"":""=1+1""}""#), "{text}");
    }

    #[test]
    fn a_comparison_has_a_row_for_each_configuration() {
        let run = |style: &str| json!({ "configuration": { "style": style } });
        let test = json!({ "test": "a", "change": "new", "before": "PASS", "after": "TEXT", "runs": [0, 1] });
        let two =
            csv(Kind::Compare, json!({ "runs": [run("Debug"), run("Release")], "tests": [test], "details": null }));
        assert_eq!(two.lines().skip(1).count(), 2);
        let details = json!({ "added": ["b"], "removed": [], "slower": [["c", 100, 900]] });
        let one = csv(Kind::Compare, json!({ "runs": [run("Debug")], "tests": [], "details": details }));
        assert!(one.contains("added,b,,,") && one.contains("slower,c,100,900,"), "{one}");
    }

    proptest! {
        #[test]
        fn no_cell_begins_like_a_formula_and_every_name_reads_back(names in prop::collection::vec("[-=+@\t\r\n\",'a-c]{1,6}", 1..5)) {
            let text = csv(Kind::Failures, json!(names));
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let read: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
            prop_assert!(read.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
            let without = |(cell, name): (&String, &String)| cell == name || cell.strip_prefix('\'') == Some(name);
            prop_assert!(read.len() == names.len() && read.iter().zip(&names).all(without));
        }
    }
}
