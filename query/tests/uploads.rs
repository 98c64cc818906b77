//! What became of the uploads of the last day.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use schema::event::{Event, Request};
use schema::intake_report::{IntakeProblem, IntakeReport, SlowUpload, UploadFault};
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::header;
use test_support::query_service::QueryService;
use test_support::rows::{EventRows, damaged_letter};

fn reported(until: i64, refused: u64, reason: &str, example: &str) -> Event {
    let problem = IntakeProblem {
        status: 400,
        fault: Some(UploadFault::Suite),
        reason: reason.into(),
        count: refused,
        example: example.into(),
        path: "/api/upload".into(),
        at: until,
    };
    let slow = SlowUpload {
        path: "/api/upload".into(),
        milliseconds: 12_345,
        status: 200,
        at: until,
        request_id: Some("<r>".into()),
    };
    let report = IntakeReport {
        intake: "one".into(),
        from: until - 60,
        until,
        taken: 10,
        refused,
        slow: 1,
        problems: vec![problem],
        slowest: vec![slow],
    };
    Event {
        header: header(until, Request::IntakeReport(report)),
        test_results: serde_json::value::to_raw_value(&()).unwrap(),
    }
}

fn views() -> EventRows {
    let mut views = EventRows::default();
    let said = "No test suite specified";
    views.add(reported(now() - 7200, 2, said, "older <i>"), 1);
    views.add(reported(now() - 60, 3, said, "newest <i>"), 2);
    views.add(reported(now() - 60, 3, said, "newest <i>"), 2);
    views.add(reported(now() - 90_000, 100, said, "yesterday"), 3);
    for (offset, age) in [(7, 100), (8, 100_000)] {
        views.dead_letters.push(damaged_letter(offset, now() - age));
    }
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_day_is_counted_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "uploads", [views()]).await;
    let (status, body) = service.get("/api/uploads/recent").await;
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let counts = ["taken", "refused", "dead", "slow"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(counts, [20, 5, 1, 2], "{answer}");
    let problems = answer["problems"].as_array().unwrap();
    let told: Vec<(&str, u64, &str)> = problems
        .iter()
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap();
            (text("outcome"), it["count"].as_u64().unwrap(), text("example"))
        })
        .collect();
    assert_eq!(told, [("refused", 5, "newest <i>"), ("dead", 1, "the event is damaged: <cause>")]);
    assert_eq!(
        (&problems[0]["advice"], &problems[1]["path"]),
        (&json!("Have the sender name the suite."), &json!("0-7"))
    );
    assert_eq!(answer["slowest"].as_array().unwrap().len(), 2);
    assert_eq!(service.get("/api/uploads/recent?hours=3").await.0, 400);

    let (status, page) = service.get("/uploads").await;
    let page = String::from_utf8(page).unwrap();
    assert_eq!(status, 200);
    for said in [
        "20 taken",
        "5 refused",
        "1 not processed",
        "2 slow",
        "newest &lt;i&gt;",
        "12.3",
        "Have the sender name the suite.",
        "&lt;r&gt;",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("<cause>") && !page.contains("yesterday"), "{page}");
    engine.shutdown().await;
}
