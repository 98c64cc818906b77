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
