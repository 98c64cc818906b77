//! Commits that nobody registered: found in a clone when an upload names them, or imported as a whole branch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::git::git;
use test_support::server::Binary;

const RESULTSDB: Binary = test_support::resultsdb!();

#[test]
fn a_clone_tells_of_commits_that_nobody_registered() {
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    std::fs::create_dir(&clone).unwrap();
    git(&clone, 0, &["init", "-q", "-b", "main"]);
    let base = now() - 100_000;
    for number in 0..250 {
        git(&clone, base + number * 10, &["commit", "-q", "--allow-empty", "-m", &format!("Change {number}")]);
    }
    let tip = git(&clone, 0, &["rev-parse", "HEAD"]);
    let config = folder.path().join("config.toml");
    let text = format!("[repositories.project.source]\nkind = \"git\"\npath = {:?}\n[repositories.other]\n", clone);
    std::fs::write(&config, text).unwrap();
    let server = RESULTSDB.serve_with(&folder.path().join("data"), &config);

    // An upload that only names its commit.
    let mut document: Value =
        serde_json::from_slice(&upload(base, base + 60, &json!({"a.html": {"actual": "TEXT"}}))).unwrap();
    document["commits"] = json!([{"repository_id": "project", "id": &tip[..12]}]);
    let (status, answer) = server.post("/api/upload", document.to_string().as_bytes()).unwrap();
    assert_eq!(status, 200, "{answer}");
    let found = server.json("/api/commits?ref=250@main");
    assert_eq!((found[0]["hash"].as_str(), found[0]["message"].as_str()), (Some(tip.as_str()), Some("Change 249")));
    let runs = server.json("/api/results/layout-tests/a.html?ref=250@main");
    assert_eq!(runs[0]["results"][0]["uuid"], json!((base + 2490) * 100));

    // A registration that does.
    let register = |body: Value| server.post("/api/commits", body.to_string().as_bytes()).unwrap();
    assert_eq!(register(json!({"repository_id": "project", "ref": "17@main"})).0, 200);
    assert_eq!(server.json("/api/commits?ref=17@main")[0]["message"], "Change 16");
    let (status, answer) = register(json!({"repository_id": "project", "ref": "251@main"}));
    assert!(status == 404 && answer.contains("'251@main' is not a commit that"), "{status} {answer}");
    assert_eq!(register(json!({"repository_id": "other", "ref": "17@main"})).0, 404);

    let import = |repository: &str| {
        RESULTSDB
            .command()
            .args(["commits", "import", "--repository", repository, "--url", &server.url, "--config"])
            .arg(&config)
            .output()
            .unwrap()
    };
    let output = import("project");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("registered 250 commits of project (main)"), "{said}");
    let all = server.json("/api/commits?repository_id=project&limit=1000");
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 250);
    for (index, commit) in all.iter().enumerate() {
        assert_eq!(commit["identifier"], json!(format!("{}@main", index + 1)));
    }
    for (repository, complaint) in [("other", "has no source"), ("third", "has no repository 'third'")] {
        let output = import(repository);
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(complaint));
    }
}
