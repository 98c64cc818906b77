//! Every metric that a dashboard or an alert names is one that the services count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;

use serde_json::json;
use test_support::clock::now;
use test_support::documents::upload;
use test_support::server::{Binary, Server};
use test_support::stack::Stack;
use test_support::wait::until;
use test_support::workspace;

const RESULTSDB: Binary = test_support::resultsdb!();

fn named(text: &str) -> BTreeSet<String> {
    let word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let words = text.split(|it| !word(it)).filter(|it| it.starts_with("resultsdb_"));
    words
        .map(|it| it.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count").to_owned())
        .collect()
}

#[test]
fn every_metric_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(folder.path());
    let time = now() - 60;
    assert_eq!(server.post("/api/upload", &upload(time, time, &json!({ "a.html": {} }))).unwrap().0, 200);
    assert_eq!(server.post("/api/upload", b"{").unwrap().0, 400);
    server.json("/api/results/layout-tests/a.html");
    until("the lag is known", || server.get("/metrics").1.contains("resultsdb_lag_events"));
    let mut counted = named(&server.get("/metrics").1);
    // Only a server that asks for keys denies anything.
    let other = folder.path().join("other");
    let data_dir = other.to_str().unwrap();
    let asks = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir, "--set", "access.reading=open"];
    let keyed = RESULTSDB.spawn(&asks);
    assert_eq!(keyed.post("/api/bugs", b"{}").unwrap().0, 401);
    counted.extend(named(&keyed.get("/metrics").1));
    // Only a processor of a deployment archives.
    let stack = Stack::start(RESULTSDB);
    let processor = Server::run(stack.command("processor"));
    until("the lags are known", || processor.get("/metrics").1.contains("resultsdb_archive_lag_events"));
    counted.extend(named(&processor.get("/metrics").1));
    let folder = workspace::path("dashboards");
    for file in ["operations.json", "alerts.yml"] {
        let asked = named(&std::fs::read_to_string(folder.join(file)).unwrap());
        assert!(asked.len() > 3, "{file}");
        let unknown: Vec<&String> = asked.difference(&counted).collect();
        assert!(unknown.is_empty(), "{file} names what nobody counts: {unknown:?}; there are: {counted:?}");
    }
}
