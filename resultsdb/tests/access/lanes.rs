//! What is uploaded for changes under review is never evidence about a branch.

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;

use super::keyed::KeyedServer;

/// A hash; one of digits alone would be taken for a revision.
fn hash(number: i64) -> String {
    format!("abc{number:037x}")
}

fn document(branch: &str, hash: i64) -> Value {
    let time = now() - 3600;
    let mut document: Value =
        serde_json::from_slice(&upload(time - 60, time, &json!({ "a.html": { "actual": "FAIL" } }))).unwrap();
    document["commits"][0]["branch"] = branch.into();
    document["commits"][0]["hash"] = self::hash(hash).into();
    document
}

#[test]
fn a_key_of_the_change_lane_writes_to_no_branch() {
    let keyed = KeyedServer::start("");
    let (_, key) = keyed.make(&["upload:lane=change", "read"]);
    let key = Some(key.as_str());
    let send = |path: &str, document: &Value| keyed.status("POST", path, key, &document.to_string());
    assert_eq!(send("/api/upload", &document("change/7", 1)), 200);
    // A commit of a branch is not registered by it, and a run of one not taken, whoever registered it.
    assert_eq!(send("/api/upload", &document("main", 2)), 404);
    assert_eq!(send("/api/upload", &document("release", 3)), 404);
    assert_eq!(send("/api/commits", &document("main", 2)["commits"][0]), 403);
    let trunk = document("main", 4);
    assert_eq!(keyed.status("POST", "/api/commits", Some(&keyed.admin), &trunk["commits"][0].to_string()), 200);
    assert_eq!(send("/api/upload", &trunk), 403);
    // Beside a commit of the change, one of the trunk may be named: the run is the change's.
    let mut both = document("change/7", 1);
    let of_trunk = trunk["commits"][0].clone();
    both["commits"].as_array_mut().unwrap().push(of_trunk);
    both["commits"][1]["repository_id"] = "webkit".into();
    both["commits"][1]["message"] = "Forged".into();
    assert_eq!(send("/api/upload", &both), 200);
    let commits = keyed.ask("GET", "/api/commits?repository_id=webkit&branch=main", key, String::new());
    assert!(commits.contains(&hash(4)) && !commits.contains("Forged"), "{commits}");
    // Results of changes have a place of their own for a trunk's commit, too.
    let mut results = trunk.clone();
    results["test_results"] = json!({ "results": { "a.html": { "actual": "FAIL" } } });
    assert_eq!(send("/api/upload/ews", &results), 200);
    results["commits"][0]["hash"] = hash(5).into();
    assert_eq!(send("/api/upload/ews", &results), 404);
    let runs = keyed.ask("GET", "/api/results/layout-tests?branch=change/7", key, String::new());
    assert!(runs.contains("\"uuid\""), "{runs}");
    let runs = keyed.ask("GET", "/api/results/layout-tests", key, String::new());
    assert_eq!(runs, "[]");
}
