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

#[test]
fn not_everybody_makes_repositories_known() {
    let keyed = KeyedServer::start("");
    let (_, lane) = keyed.make(&["upload:lane=change"]);
    let (_, suite) = keyed.make(&["upload:suite=layout-tests"]);
    let of = |branch: &str, repositories: &[String]| {
        let mut document = document(branch, 1);
        let commit = document["commits"][0].clone();
        document["commits"] = repositories
            .iter()
            .map(|repository| {
                let mut commit = commit.clone();
                commit["repository_id"] = repository.as_str().into();
                commit
            })
            .collect();
        document
    };
    let send = |key: &str, document: &Value| keyed.status("POST", "/api/upload", Some(key), &document.to_string());
    let new = [String::from("new")];
    assert_eq!(send(&lane, &of("change/1", &new)), 404);
    assert_eq!(keyed.status("POST", "/api/commits", Some(&lane), &of("change/1", &new)["commits"][0].to_string()), 404);
    assert_eq!(send(&suite, &of("main", &new)), 200);
    assert_eq!(send(&lane, &of("change/1", &new)), 200);
    // A run is of a few repositories.
    let many: Vec<String> = (0..101).map(|number| format!("r{number}")).collect();
    assert_eq!(send(&suite, &of("main", &many)), 400);
    assert_eq!(send(&suite, &of("main", &many[..100])), 200);
    let found = keyed.ask("GET", "/api/commits/repositories", Some(&keyed.admin), String::new());
    assert!(found.contains("\"r99\"") && !found.contains("\"r100\""), "{found}");
    let named = keyed.ask("GET", &format!("/api/commits?ref={}", hash(1)), Some(&keyed.admin), String::new());
    assert_eq!(named.matches("\"repository_id\"").count(), 101, "{named}");
}

/// A run of a test that fails, of one commit that is only named.
fn of_reference(reference: &Value) -> Value {
    let mut document = document("main", 0);
    document["commits"] = json!([reference]);
    document
}

#[test]
fn a_commit_of_a_change_takes_no_name_from_a_branch() {
    let keyed = KeyedServer::start("");
    let (_, lane) = keyed.make(&["upload:lane=change"]);
    let (_, trunk) = keyed.make(&["upload", "read"]);
    let send = |path: &str, key: &str, document: &Value| keyed.status("POST", path, Some(key), &document.to_string());
    let named = of_reference(&json!({ "repository_id": "webkit", "id": hash(1) }));
    // A change has the commit first: the branch's is still not known, and the run does not become the change's.
    assert_eq!(send("/api/upload", &lane, &document("change/9", 1)), 200);
    assert_eq!(send("/api/upload", &trunk, &named), 404);
    assert_eq!(send("/api/commits", &trunk, &json!({ "repository_id": "webkit", "id": hash(1) })), 404);
    // Once it is on a branch, its name means that one, in uploads and in questions.
    assert_eq!(send("/api/upload", &trunk, &document("main", 1)), 200);
    assert_eq!(send("/api/upload", &trunk, &named), 200);
    let found =
        keyed.ask("GET", &format!("/api/commits?repository_id=webkit&ref={}", hash(1)), Some(&trunk), String::new());
    let found: Value = serde_json::from_str(&found).unwrap();
    let branches: Vec<&str> =
        found.as_array().unwrap().iter().map(|commit| commit["branch"].as_str().unwrap()).collect();
    assert_eq!(branches, ["main"]);
    // The change's own is named with its branch.
    let of_change = json!({ "repository_id": "webkit", "id": hash(1), "branch": "change/9" });
    assert_eq!(send("/api/upload", &lane, &of_reference(&of_change)), 200);
    assert_eq!(send("/api/upload", &lane, &named), 403);
}

#[test]
fn scopes_that_add_up_give_no_more_than_each() {
    let keyed = KeyedServer::start("");
    let (_, key) = keyed.make(&["upload:repository=tools", "upload:lane=change", "read"]);
    let mut both = document("main", 1);
    both["commits"][0]["message"] = "Forged".into();
    let mut of_change = document("change/1", 2)["commits"][0].clone();
    of_change["repository_id"] = "tools".into();
    both["commits"].as_array_mut().unwrap().push(of_change);
    let send = |document: &Value| keyed.status("POST", "/api/upload", Some(&key), &document.to_string());
    // The branch of another repository is not theirs: neither a new commit of it, nor what is known of one.
    assert_eq!(send(&both), 404);
    let trunk = document("main", 1)["commits"][0].to_string();
    assert_eq!(keyed.status("POST", "/api/commits", Some(&keyed.admin), &trunk), 200);
    assert_eq!(send(&both), 200);
    let commits = keyed.ask("GET", "/api/commits?repository_id=webkit&branch=main", Some(&key), String::new());
    assert!(commits.contains(&hash(1)) && !commits.contains("Forged"), "{commits}");
}
