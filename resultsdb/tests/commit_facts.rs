//! What is known of commits: nobody who knows less erases it, and commits of one second stay apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::server::{Binary, Server};

const RESULTSDB: Binary = test_support::resultsdb!();

fn run(commit: &Value, start: i64, state: &str) -> Vec<u8> {
    json!({
        "suite": "layout-tests", "timestamp": start, "commits": [commit],
        "configuration": {"platform": "mac", "version": "14.2", "is_simulator": false, "architecture": "arm64"},
        "test_results": {"results": {"t": {"actual": state}}},
    })
    .to_string()
    .into_bytes()
}

fn posted(server: &Server, path: &str, body: &[u8]) {
    let (status, text) = server.post(path, body).unwrap();
    assert_eq!(status, 200, "{text}");
}

/// The answers about commits and runs that this file looks at.
fn answers(server: &Server, questions: &[String]) -> Vec<(u16, String)> {
    questions.iter().map(|question| server.get(question)).collect()
}

fn rebuild(data_dir: &std::path::Path) {
    let mut command = RESULTSDB.command();
    let output = command.arg("rebuild").arg("--data-dir").arg(data_dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn who_knows_less_of_a_commit_erases_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let at = now() - 7200;
    let hash = format!("{at:040x}");
    let full = json!({
        "repository_id": "webkit", "branch": "main", "timestamp": at, "order": 0, "hash": hash,
        "identifier": "1000@main", "message": "Make it faster", "author": {"name": "Ada", "emails": ["ada@example.org"]},
    });
    let short = json!({"repository_id": "webkit", "branch": "main", "timestamp": at, "hash": hash[..36]});
    let questions = ["ref=1000@main".to_owned(), format!("ref={hash}"), format!("ref={}", &hash[..36])]
        .map(|query| format!("/api/commits?{query}"));
    let before = {
        let server = RESULTSDB.serve(directory.path());
        // The order in which they come does not matter.
        posted(&server, "/api/upload", &run(&short, at + 50, "PASS"));
        posted(&server, "/api/commits", full.to_string().as_bytes());
        posted(&server, "/api/upload", &run(&short, at + 60, "TEXT"));
        for question in &questions {
            assert_eq!(server.json(question), json!([full]), "{question}");
        }
        // The words of its message find it.
        let page = server.get("/commits?repository_id=webkit&q=faster").1;
        assert!(page.contains("1000@main"), "{page}");
        // What is given anew replaces.
        let mut anew = full.clone();
        anew["message"] = json!("Make it right");
        let said = json!({"repository_id": "webkit", "branch": "main", "timestamp": at, "hash": hash, "message": "Make it right"});
        posted(&server, "/api/commits", said.to_string().as_bytes());
        assert_eq!(server.json(&questions[0]), json!([anew]));
        let before = answers(&server, &questions);
        server.stop();
        before
    };
    rebuild(directory.path());
    let server = RESULTSDB.serve(directory.path());
    assert_eq!(answers(&server, &questions), before, "a rebuild says the same");
    server.stop();
}

#[test]
fn two_hashes_of_one_second_are_two_commits() {
    let directory = tempfile::tempdir().unwrap();
    let at = now() - 7200;
    let commit = |hash: &str| json!({"repository_id": "webkit", "branch": "main", "timestamp": at, "hash": hash});
    let (good, bad, registered) = ("a1".repeat(20), "b2".repeat(20), "c3".repeat(20));
    let uuid = |order: i64| json!(at * 100 + order);
    let questions = [
        "/api/results/layout-tests/t".to_owned(),
        format!("/api/commits?ref={good}"),
        format!("/api/commits?ref={bad}"),
        format!("/api/commits?ref={registered}"),
        format!("/api/results/layout-tests?ref={bad}"),
    ];
    let before = {
        let server = RESULTSDB.serve(directory.path());
        posted(&server, "/api/upload", &run(&commit(&good), at + 100, "PASS"));
        posted(&server, "/api/upload", &run(&commit(&bad), at + 200, "TEXT"));
        posted(&server, "/api/commits", commit(&registered).to_string().as_bytes());
        // Each hash is found, in its own place, and stays there.
        for (order, hash) in [(0, &good), (1, &bad), (2, &registered)] {
            posted(&server, "/api/commits", commit(hash).to_string().as_bytes());
            let found = server.json(&format!("/api/commits?ref={hash}"));
            assert_eq!((found.as_array().unwrap().len(), &found[0]["order"]), (1, &json!(order)), "{found}");
        }
        let results = server.json(&questions[0])[0]["results"].clone();
        let runs: Vec<(&Value, &Value)> =
            results.as_array().unwrap().iter().map(|result| (&result["uuid"], &result["actual"])).collect();
        assert_eq!(runs, [(&uuid(0), &json!("PASS")), (&uuid(1), &json!("TEXT"))]);
        let before = answers(&server, &questions);
        server.stop();
        before
    };
    {
        // A process that has placed nothing knows the places.
        let server = RESULTSDB.serve(directory.path());
        posted(&server, "/api/upload", &run(&commit(&bad), at + 300, "PASS"));
        let results = server.json(&format!("/api/results/layout-tests/t?ref={bad}"))[0]["results"].clone();
        let starts: Vec<&Value> = results.as_array().unwrap().iter().map(|result| &result["start_time"]).collect();
        assert_eq!(starts, [&json!(at + 200), &json!(at + 300)], "both runs are of the second commit");
        // A repetition is recognised, though it names no order.
        posted(&server, "/api/upload", &run(&commit(&bad), at + 300, "PASS"));
        posted(&server, "/api/upload", &run(&commit("d4d4"), at + 400, "PASS"));
        assert_eq!(server.json("/api/commits?ref=d4d4")[0]["order"], 3);
        server.stop();
    }
    let questions = &questions[1..4];
    rebuild(directory.path());
    let server = RESULTSDB.serve(directory.path());
    assert_eq!(answers(&server, questions), before[1..4], "a rebuild says the same");
    server.stop();
}
