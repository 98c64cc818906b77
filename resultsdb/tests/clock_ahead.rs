//! A commit whose maker's clock is ahead exists now; one that lies far ahead is told to its sender.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use serde_json::json;
use test_support::clock::now;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::server::Binary;

const RESULTSDB: Binary = test_support::resultsdb!();
const HOUR: i64 = 3600;

#[test]
fn a_commit_whose_clock_is_ahead_exists_now() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let now = now();
    let warning = |commit: i64| {
        let document = upload(commit, now, &json!({"t": {"actual": "TEXT"}, "u": {}, "v": {}}));
        let response = agent().post(format!("{}/api/upload", server.url)).send(&document).unwrap();
        assert_eq!(response.status().as_u16(), 200);
        response.headers().get("resultsdb-warning").map(|value| value.to_str().unwrap().to_owned())
    };
    let (behind, ahead, far) = (now - HOUR, now + 8 * HOUR, now + 40 * 24 * HOUR + HOUR);
    assert_eq!((warning(behind), warning(ahead)), (None, None));
    let told = warning(far).unwrap();
    assert!(told.starts_with("The time of the newest commit lies 40 days ahead"), "{told}");

    let uuids = |path: &str| -> Vec<i64> {
        let answer = server.json(path);
        let rows = answer[0]["results"].as_array().unwrap().clone();
        rows.iter().map(|row| row["uuid"].as_i64().unwrap()).collect()
    };
    assert_eq!(uuids("/api/results/layout-tests/t"), [behind * 100, ahead * 100]);
    assert_eq!(uuids("/api/results/layout-tests"), [behind * 100, ahead * 100]);
    // It is the newest of its repository, and at the beginning of timelines.
    assert_eq!(uuids("/api/results/layout-tests?repository_id=webkit"), [ahead * 100]);
    let columns = server.json("/api/timeline/layout-tests/t")["columns"].clone();
    assert_eq!((columns[0]["uuid"].as_i64(), columns.as_array().unwrap().len()), (Some(ahead * 100), 2));
    let commits = server.json("/api/commits?repository_id=webkit");
    let times: Vec<i64> = commits.as_array().unwrap().iter().map(|it| it["timestamp"].as_i64().unwrap()).collect();
    assert_eq!(times, [behind, ahead]);
    let triage = server.json("/api/triage?suite=layout-tests");
    assert_eq!(triage["tests"].as_array().unwrap().len(), 1, "{triage}");
    // What lies further ahead is there for who asks.
    assert_eq!(uuids(&format!("/api/results/layout-tests?uuid={}", far * 100)), [far * 100]);
    server.stop();
}

/// A run whose machine's clock is ahead is counted, and within the time that an answer names; one that starts far ahead is a
/// mistake, which its sender is told, and counted nowhere until then.
#[test]
fn a_run_that_starts_ahead_is_counted_once_it_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let now = now();
    let warning = |start: i64, state: &str| {
        let document = upload(now - HOUR, start, &json!({"t": {"actual": state}, "u": {}, "v": {}}));
        let response = agent().post(format!("{}/api/upload", server.url)).send(&document).unwrap();
        assert_eq!(response.status().as_u16(), 200);
        response.headers().get("resultsdb-warning").map(|value| value.to_str().unwrap().to_owned())
    };
    let (ahead, far) = (now + 8 * HOUR, now + 40 * 24 * HOUR + HOUR);
    assert_eq!((warning(now - HOUR, "PASS"), warning(ahead, "PASS")), (None, None));
    let told = warning(far, "TEXT").unwrap();
    assert!(told.starts_with("The start of the run lies 40 days ahead"), "{told}");

    let trends = server.json("/api/trends?suite=layout-tests&weeks=2");
    let counted = |member: &str| -> i64 {
        trends["by_day"].as_array().unwrap().iter().map(|day| day[member].as_i64().unwrap()).sum()
    };
    assert_eq!((counted("runs"), counted("unexpected")), (2, 0), "{trends}");
    assert_eq!(trends["until"], ahead, "the time asked about holds all that is counted");
    let tests = |path: &str| server.json(path)["tests"].as_array().unwrap().len();
    assert_eq!((tests("/api/triage?suite=layout-tests"), tests("/api/flaky?suite=layout-tests")), (0, 0));
    let rows = server.json("/api/durations/layout-tests/t?weeks=2");
    assert!(!rows.to_string().contains(&far.to_string()), "{rows}");
    // It is there for who asks for results.
    let answer = server.json("/api/results/layout-tests/t");
    assert_eq!(answer[0]["results"].as_array().unwrap().len(), 3, "{answer}");
    server.stop();
}
