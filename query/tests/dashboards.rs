//! Every question that the Flakiness dashboard asks of the store is asked of the engine, and has an answer.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod support;

use processor::rows::EventRows;
use serde_json::{Value, json};
use support::{Service, engine, now, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_an_answer() {
    let board = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards/flakiness.json")).unwrap();
    let board: Value = serde_json::from_str(&board).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(directory.path()).await;
    let time = now() - 86_400;
    let commit = json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0, "hash": "abc" });
    let configuration =
        json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    let mut views = EventRows::default();
    views.add(run("s", configuration, &commit, time, &json!({ "a.html": { "actual": "TEXT" } })), 1);
    let service = Service::start(&engine, directory.path(), "dashboards", std::iter::once(views)).await;

    let mut questions: Vec<String> = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        questions
            .extend(panel["targets"].as_array().unwrap().iter().map(|it| it["rawSql"].as_str().unwrap().to_owned()));
    }
    questions.push(board["templating"]["list"][0]["query"].as_str().unwrap().to_owned());
    assert!(questions.len() > 5);
    for question in questions {
        // As the ClickHouse data source of Grafana writes its macros.
        let sql = question
            .replace("$__fromTime", &format!("toDateTime({})", time - 3600))
            .replace("$__toTime", &format!("toDateTime({})", now()))
            .replace("${suite}", "s");
        let rows: u64 = service.client.query(&format!("SELECT count() FROM ({sql})")).fetch_one().await.unwrap();
        assert!(rows > 0, "{sql}");
    }
    engine.shutdown().await;
}
