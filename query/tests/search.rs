//! Search over names against a plain model: every name in a list, filtered.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod support;

use std::collections::BTreeSet;

use processor::rows::EventRows;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use support::{Service, engine, now, run, sample};

fn found(answer: &Value) -> BTreeSet<String> {
    answer["tests"].as_array().unwrap().iter().map(|test| test["test"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_by_parts_and_patterns() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(directory.path()).await;
    let mut runner = TestRunner::deterministic();
    let names: BTreeSet<String> = (0..300).map(|_| sample(&mut runner, "[aB%_\\\\]{1,4}")).collect();
    let results: Map<String, Value> = names.iter().map(|name| (name.clone(), json!({ "actual": "PASS" }))).collect();
    let time = now() - 600;
    let commit = json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0, "hash": "a" });
    let mut views = EventRows::default();
    views.add(run("s", json!({ "platform": "mac" }), &commit, time, &Value::Object(results)), 1);
    let service = Service::start(&engine, directory.path(), "search", std::iter::once(views)).await;
    let ask = async |text: &str| -> Value {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("q", text), ("suite", "s"), ("limit", "1000")])
            .finish();
        let (status, body) = service.get(&format!("/api/search?{query}")).await;
        assert_eq!(status, 200);
        serde_json::from_slice(&body).unwrap()
    };
    for _ in 0..200 {
        let part = sample(&mut runner, "[abB%_\\\\]{1,3}");
        let folded = part.to_lowercase();
        let expected: BTreeSet<String> =
            names.iter().filter(|name| name.to_lowercase().contains(&folded)).cloned().collect();
        assert_eq!(found(&ask(&part).await), expected, "{part}");
        // A star on both sides finds the same, one behind finds what starts with it.
        assert_eq!(found(&ask(&format!("*{part}*")).await), expected, "*{part}*");
        let starting = expected.iter().filter(|name| name.to_lowercase().starts_with(&folded)).cloned().collect();
        assert_eq!(found(&ask(&format!("{part}*")).await), starting, "{part}*");
    }
    let two: Vec<&String> = names.iter().take(2).collect();
    let listed = ask(&format!("{} [ Debug ] {} nothing", two[1], two[0])).await;
    assert_eq!(listed["kind"], "list");
    assert_eq!(listed["tests"][0]["test"].as_str(), Some(two[1].as_str()));
    assert_eq!(found(&listed).len(), 2);
}
