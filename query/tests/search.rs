//! Search over names against a plain model: every name in a list, filtered.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;

use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::sample::sample;
use test_support::{engine, rows};

fn found(answer: &Value) -> BTreeSet<String> {
    answer["tests"].as_array().unwrap().iter().map(|test| test["test"].as_str().unwrap().to_owned()).collect()
}

/// Whether a name is as a pattern describes it, both in lower case.
fn is_described(name: &str, pattern: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return name.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    let mut shorter = name.chars();
    let next = shorter.next();
    match first {
        '*' => is_described(name, rest) || next.is_some() && is_described(shorter.as_str(), pattern),
        '?' => next.is_some() && is_described(shorter.as_str(), rest),
        _ => next == Some(first) && is_described(shorter.as_str(), rest),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_by_parts_and_patterns() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let mut runner = TestRunner::deterministic();
    let names: BTreeSet<String> = (0..300).map(|_| sample(&mut runner, "[aB%_\\\\]{1,4}")).collect();
    // Names of tests also hold what means something in a pattern of a shell, or in an expression.
    let variants: BTreeSet<String> = (0..300).map(|_| sample(&mut runner, "[aB*?+&\\[\\]]{1,5}")).collect();
    let time = now() - 600;
    let commit = json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0, "hash": "a" });
    let run = |suite: &str, names: &BTreeSet<String>| {
        let results: Map<String, Value> =
            names.iter().map(|name| (name.clone(), json!({ "actual": "PASS" }))).collect();
        run(suite, json!({ "platform": "mac" }), &commit, time, &Value::Object(results))
    };
    let views = rows::of([run("s", &names), run("variants", &variants)]);
    let service = QueryService::start(&engine, directory.path(), "search", [views]).await;
    let ask_in = async |suite: &str, text: &str| -> Value {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("q", text), ("suite", suite), ("limit", "1000")])
            .finish();
        let (status, body) = service.get(&format!("/api/search?{query}")).await;
        assert_eq!(status, 200);
        serde_json::from_slice(&body).unwrap()
    };
    let ask = async |text: &str| ask_in("s", text).await;
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
    for _ in 0..200 {
        let pattern = sample(&mut runner, "[abB?*+&\\[\\]%_\\\\]{1,4}");
        let folded = pattern.to_lowercase();
        let is_meant = |name: &&String| {
            let name = name.to_lowercase();
            name.contains(&folded) || folded.contains(['*', '?']) && is_described(&name, &folded)
        };
        let expected: BTreeSet<String> = variants.iter().filter(is_meant).cloned().collect();
        assert_eq!(found(&ask_in("variants", &pattern).await), expected, "{pattern}");
    }
    let two: Vec<&String> = names.iter().take(2).collect();
    let listed = ask(&format!("{} [ Debug ] {} nothing", two[1], two[0])).await;
    assert_eq!(listed["kind"], "list");
    assert_eq!(listed["tests"][0]["test"].as_str(), Some(two[1].as_str()));
    assert_eq!(found(&listed).len(), 2);
}
