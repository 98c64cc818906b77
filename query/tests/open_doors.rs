//! What other programs get: files of columns, and metrics of tests.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::path::Path;

use axum::http::StatusCode;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const SUITE: &str = "unit \"tests\"";

fn views() -> EventRows {
    let begin = now() - 3600;
    let mut views = EventRows::default();
    for number in 0..6 {
        let start = begin + number * 60;
        let commit = json!({ "repository_id": "app", "branch": "main", "timestamp": start, "order": 0 });
        let configuration = json!({ "platform": "linux", "version": 1_000_000, "is_simulator": false, "job": "=1+1" });
        let actual = if number < 3 { "PASS" } else { "FAIL" };
        let results = json!({
            "test_a": { "actual": actual, "time": 7 }, "test_b": { "actual": "PASS" }, "test_s": { "actual": "SKIP" },
            "test_u": { "actual": "PASS bogus", "expected": "SKIP" },
        });
        views.add(run(SUITE, configuration, &commit, start, &results), number as u64 + 1);
    }
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_files_of_columns_and_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "open_doors", [views()]).await;
    let suite = "unit%20%22tests%22";

    for test in ["test_a", "none"] {
        let (status, parquet) = service.get(&format!("/api/results/{suite}/{test}?format=parquet")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"), "{test}");
        // A stream of Arrow begins with a mark of continuation, and ends with one and no length.
        let (status, arrow) = service.get(&format!("/api/results/{suite}/{test}?format=arrow")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(arrow.starts_with(&[255; 4]) && arrow.ends_with(&[255, 255, 255, 255, 0, 0, 0, 0]), "{test}");
        let names = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("is_simulator");
        assert!(names(&parquet) && names(&arrow), "{test}");
    }
    what_did_not_run_is_no_pass(&service, directory.path(), suite).await;

    let (status, told) = service.get(&format!("/api/results/{suite}?format=excel")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(String::from_utf8_lossy(&told).contains("json, csv, parquet or arrow, not excel"));

    let counts = service.json(&format!("/api/triage?suite={suite}")).await["counts"].clone();
    assert_eq!(counts, json!({ "new": 1 }));
    let (status, metrics) = service.get("/api/metrics").await;
    let metrics = String::from_utf8(metrics).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(metrics.ends_with("\n# EOF\n"), "{metrics}");
    let line = |group: &str, count: u64| {
        format!("\nresultsdb_tests{{suite=\"unit \\\"tests\\\"\",group=\"{group}\"}} {count}\n")
    };
    assert!(metrics.contains(&line("new", 1)) && metrics.contains(&line("flaky", 0)), "{metrics}");
    let lines = service.text("/api/metrics?suite=unit+%22tests%22&branch=other").await;
    assert!(lines.lines().filter(|line| !line.starts_with('#')).all(|line| line.ends_with(" 0")), "{lines}");
    let unknown: Value = service.json("/api/results/none").await;
    assert_eq!(unknown, json!([]));
}

/// The reference's JSON has no state for it; whatever is our own has.
async fn what_did_not_run_is_no_pass(service: &QueryService, folder: &Path, suite: &str) {
    for (test, of_reference, own) in
        [("test_s", ["PASS", "PASS"], ["SKIP", "PASS"]), ("test_u", ["PASS", "PASS"], ["PASS UNKNOWN", "SKIP"])]
    {
        let states = |result: &Value| [result["actual"].clone(), result["expected"].clone()];
        let answer = service.json(&format!("/api/results/{suite}/{test}")).await;
        assert_eq!(states(&answer[0]["results"][0]), of_reference, "{test}");
        let told = service.tool("history", json!({ "suite": SUITE, "test": test })).await;
        assert_eq!(states(&told["structuredContent"]["data"][0]["results"][0]), own, "{told}");

        let csv = service.text(&format!("/api/results/{suite}/{test}?format=csv")).await;
        let (head, rows) = csv.split_once('\n').unwrap();
        let place = head.split(',').position(|column| column == "actual").unwrap();
        assert_eq!(rows.lines().count(), 6, "{csv}");
        for row in rows.lines() {
            let cells: Vec<&str> = row.split(',').collect();
            assert_eq!(cells[place..place + 2], own, "{csv}");
        }
        for (format, of_engine) in [("parquet", "Parquet"), ("arrow", "ArrowStream")] {
            let (_, bytes) = service.get(&format!("/api/results/{suite}/{test}?format={format}")).await;
            let file = folder.join(format!("{test}.{format}"));
            std::fs::write(&file, bytes).unwrap();
            let sql = format!(
                "SELECT arrayStringConcat(groupUniqArray(assumeNotNull(concat(actual, ',', expected))), ';') \
                 FROM file('{}', {of_engine})",
                file.display()
            );
            let found: String = service.client.query(&sql).fetch_one().await.unwrap();
            assert_eq!(found, own.join(","), "{format}");
        }
    }
}
