//! The recorded contract, and the right answers where the recorded server was wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use serde_json::Value;
use test_support::contract::Corpus;
use test_support::http::agent;
use test_support::server::{Binary, Server};

const RESULTSDB: Binary = test_support::resultsdb!();

#[test]
fn the_embedded_server_answers_as_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let outcome = Corpus::load().replay(&server.url, &server.url);
    assert!(outcome.failures.is_empty(), "{}", outcome.failures.join("\n"));
    assert!(outcome.passed > 500, "only {} cases were found", outcome.passed);
    right_where_the_recorded_server_was_wrong(&server);
}

/// Cases that are not in the recording, because the recorded server crashed or misled. They need its data.
fn right_where_the_recorded_server_was_wrong(server: &Server) {
    let status = |path: &str| server.get(path).0;
    for path in [
        "/api/commits?uuid=x",
        "/api/commits?timestamp=inf",
        "/api/results/layout-tests?version=1.x",
        "/api/commits?ref=",
    ] {
        assert_eq!(status(path), 400, "{path}");
    }
    let commit = server.json("/api/commits?ref=1006@main")[0].clone();
    let test = "fast/css/text.html";
    let at = |query: String| server.json(&format!("/api/results-summary/layout-tests/{test}?{query}"));
    assert_eq!(
        at(format!("timestamp={}", commit["timestamp"])),
        at(format!("uuid={}", commit["timestamp"].as_i64().unwrap() * 100)),
    );
    assert_eq!(status("/commit?ref=1004@main"), 200);
    let release = "suite=layout-tests&platform=Mac&style=Release&architecture=arm64";
    for path in ["/archive", "/archive/fast/"] {
        assert_eq!(status(&format!("{path}?{release}")), 200, "{path}");
    }
    assert_eq!(server.get("/archive/only.txt?platform=win&suite=api-tests").0, 200);
    let page = server.get(&format!("/archive/fast/css/text-pretty-diff.html?{release}")).1;
    assert!(page.contains("src=\"text-diff.png?platform=Mac"), "{page}");
    assert_eq!(server.get(&format!("/archive/fast/css/mentions.txt?{release}")).1, "see style.css\n");
    assert_eq!(server.json("/api/results/layout-tests?branch=main"), server.json("/api/results/layout-tests"));
    // All configurations without recency, filtered as asked.
    let devices = server.json("/api/suites?recent=false&is_simulator=false");
    let simulated = |entry: &Value| entry[0]["is_simulator"] == true;
    assert!(!devices.as_array().unwrap().is_empty() && !devices.as_array().unwrap().iter().any(simulated), "{devices}");
    let all = server.json("/api/suites?recent=false").as_array().unwrap().len();
    let simulators = server.json("/api/suites?recent=false&is_simulator=true").as_array().unwrap().len();
    assert_eq!(devices.as_array().unwrap().len() + simulators, all);
    // Naming the four required members does not make the others exact.
    let styled = devices.as_array().unwrap().iter().find(|entry| entry[0]["style"].is_string()).unwrap()[0].clone();
    let required = format!(
        "platform={}&version={}&is_simulator=false&architecture={}&recent=false",
        styled["platform"].as_str().unwrap(),
        styled["version"],
        styled["architecture"].as_str().unwrap(),
    );
    let found = server.json(&format!("/api/suites?{required}"));
    assert!(found.as_array().unwrap().iter().any(|entry| entry[0]["style"].is_string()), "{found}");
    assert_eq!(agent().head(format!("{}/api/suites", server.url)).call().unwrap().status(), 200);
    for body in ["[]", "3", "{\"configuration\":{},\"suite\":\"s\",\"commits\":{\"a\":1}}"] {
        assert_eq!(server.post("/api/upload", body.as_bytes()).unwrap().0, 400, "{body}");
    }
    let repository = server.post("/api/commits", br#"{"repository_id":"nope","id":"ffffffffffff"}"#).unwrap();
    assert!(repository.0 == 404 && repository.1.contains("'nope'"), "{repository:?}");
}
