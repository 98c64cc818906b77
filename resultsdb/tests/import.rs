//! `import` from the real resultsdbpy: everything that its API gives is there afterwards, the same, and once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{Cursor, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::packed;
use test_support::server::{Binary, Server};
use test_support::wait::until;
use test_support::{http, workspace};

const RESULTSDB: Binary = test_support::resultsdb!();
/// Finds all configurations in either server.
const EVERYTHING: &str = "recent=false&platform=Mac&limit=100000";
const DAY: i64 = 86_400;

/// resultsdbpy, with its stores in memory.
struct Reference {
    process: Child,
    url: String,
    begun: i64,
}

impl Reference {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(workspace::path("bench/peer/run.sh"))
            .args(["serve", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("scripts/fetch.sh tests installs it");
        let reference = Self { process, url: format!("http://127.0.0.1:{port}"), begun: now() - 200 * DAY };
        until("resultsdbpy listens", || http::agent().get(format!("{}/__health", reference.url)).call().is_ok());
        reference
    }

    fn commit(&self, number: i64, branch: &str) -> Value {
        let mut commit = json!({
            "repository_id": "webkit", "branch": branch, "timestamp": self.begun + number * DAY, "order": number % 3,
            "hash": format!("{number:040x}"), "message": "A change – ü", "author": "ada@example.org",
        });
        if branch == "main" {
            commit["identifier"] = json!(format!("{number}@main"));
        }
        let (status, text) = http::post(&self.url, "/api/commits", commit.to_string().as_bytes()).unwrap();
        assert_eq!(status, 200, "{text}");
        commit
    }

    fn upload(&self, suite: &str, configuration: &Value, commit: &Value, run: i64) {
        let document = json!({
            "suite": suite, "configuration": configuration, "commits": [commit],
            "timestamp": commit["timestamp"].as_i64().unwrap() + 60 + run,
            "test_results": {
                "details": {"link": format!("https://ci.example.org/{run}")}, "run_stats": {"tests_skipped": 1},
                "results": {"a b": {"c?d.html": {"actual": if run % 2 == 0 { "TEXT" } else { "PASS" }, "time": 1.50}}},
            },
        });
        let (status, text) = http::post(&self.url, "/api/upload", document.to_string().as_bytes()).unwrap();
        assert_eq!(status, 200, "{text}");
    }

    fn archive(&self, suite: &str, configuration: &Value, commit: &Value, run: i64) {
        let mut body = Vec::new();
        let timestamp = commit["timestamp"].as_i64().unwrap() + 60 + run;
        for (name, value) in [
            ("suite", suite.to_owned()),
            ("configuration", configuration.to_string()),
            ("commits", json!([commit]).to_string()),
            ("timestamp", timestamp.to_string()),
        ] {
            write!(body, "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
        }
        write!(body, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\n").unwrap();
        body.extend(packed("results.html", b"<p>results"));
        body.extend(b"\r\n--b--\r\n");
        let sent = http::agent()
            .post(format!("{}/api/upload/archive", self.url))
            .header("Content-Type", "multipart/form-data; boundary=b")
            .send(&body[..])
            .unwrap();
        assert_eq!(sent.status().as_u16(), 200);
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(members: Value) -> Value {
    let mut all = json!({"platform": "Mac", "version": "14.2.1", "is_simulator": false, "architecture": "arm64"});
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    all
}

fn import(from: &str, to: &Server, state: &Path, more: &[&str]) -> Command {
    let mut command = RESULTSDB.command();
    command.args(["import", "--from", from, "--url", &to.url, "--tries", "1", "--state"]).arg(state).args(more);
    command
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The list that a server answers, in an order that both share.
fn listed(url: &str, path: &str) -> Vec<String> {
    let (status, text) = http::get(url, path);
    assert_eq!(status, 200, "{url}{path}: {text}");
    let mut list: Vec<String> =
        serde_json::from_str::<Vec<Value>>(&text).unwrap().iter().map(|value| sorted(value).to_string()).collect();
    list.sort();
    list
}

/// The same value with the members of its objects in the order of their names.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[test]
fn everything_comes_over_once_even_if_it_is_broken_off() {
    let reference = Reference::start();
    let (release, debug, sdk) = (
        configuration(json!({"style": "Release"})),
        configuration(json!({"style": "Debug", "model": "Mac14,3", "version_name": "Sonoma"})),
        configuration(json!({"style": "Release", "sdk": "23C71"})),
    );
    let mut runs = 0;
    for number in 1..=30 {
        let commit = reference.commit(number, "main");
        for configuration in [&release, &debug, &sdk] {
            reference.upload("layout-tests", configuration, &commit, runs);
            runs += 1;
        }
    }
    // More runs of one commit than are asked for at once, a branch, an archive, which resultsdbpy does not keep for as long
    // as results, and commits without runs.
    let many = reference.commit(31, "main");
    for _ in 0..20 {
        reference.upload("layout-tests", &release, &many, runs);
        runs += 1;
    }
    let branch = reference.commit(190, "eng/x");
    reference.upload("api-tests", &debug, &branch, runs);
    reference.archive("api-tests", &debug, &branch, runs);
    runs += 1;
    reference.commit(33, "main");

    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(&folder.path().join("data"));
    let state = folder.path().join("state.json");
    let uploads = format!("/api/upload?suite=layout-tests&{EVERYTHING}");
    let mut broken_off = import(&reference.url, &server, &state, &["--archives", "--parallel", "1"]).spawn().unwrap();
    until("some uploads came over", || listed(&server.url, &uploads).len() > 5);
    broken_off.kill().unwrap();
    assert!(!broken_off.wait().unwrap().success(), "it came to its end before it was broken off");

    let output = import(&reference.url, &server, &state, &["--archives"]).output().unwrap();
    let rest: i64 = said(&output).split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(rest < runs && said(&output).contains("33 commits"), "{output:?}");
    let on_branch = format!("/api/upload?suite=api-tests&branch=eng/x&{EVERYTHING}");
    let test = format!("/api/results/layout-tests/a%20b/c$3Fd.html?{EVERYTHING}");
    let commits = "/api/commits?repository_id=webkit&branch=main&branch=eng/x&limit=1000".to_owned();
    for path in [&uploads, &on_branch, &test, &commits] {
        assert_eq!(listed(&server.url, path), listed(&reference.url, path), "{path}");
    }
    assert_eq!(listed(&server.url, &uploads).len() as i64, runs - 1);
    let archive = http::agent()
        .get(format!("{}/api/upload/archive?suite=api-tests&branch=eng/x&recent=false&platform=Mac", server.url))
        .call()
        .unwrap();
    let archive = archive.into_body().read_to_vec().unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    assert_eq!((archive.len(), archive.by_index(0).unwrap().name().unwrap().as_ref()), (1, "results.html"));

    // What came since is brought by the same command, without all that came before.
    let late = reference.commit(199, "main");
    reference.upload("layout-tests", &release, &late, runs);
    let output = import(&reference.url, &server, &state, &["--archives", "--suite", "layout-tests"]).output().unwrap();
    assert!(said(&output).starts_with("imported 34 commits, 1 upload and 0 archives from"), "{output:?}");
    assert_eq!(listed(&server.url, &uploads), listed(&reference.url, &uploads));
}

#[test]
fn labels_come_over_from_another_resultsdb() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (RESULTSDB.serve(&folder.path().join("from")), RESULTSDB.serve(&folder.path().join("to")));
    let commit = json!({"repository_id": "webkit", "branch": "main", "timestamp": now() - DAY, "hash": "ab"});
    let runs = ["3.12", "3.13"];
    for python in runs {
        let document = json!({
            "suite": "unit", "configuration": configuration(json!({"python": python})), "commits": [commit],
            "timestamp": now() - 60, "test_results": {"results": {"a": {"actual": "FAIL"}}},
        });
        assert_eq!(from.post("/api/upload", document.to_string().as_bytes()).unwrap().0, 200);
    }
    let output = import(&from.url, &to, &folder.path().join("state.json"), &[]).output().unwrap();
    assert!(said(&output).starts_with("imported 1 commit and 2 uploads from"), "{output:?}");
    for python in runs {
        let path = format!("/api/upload?suite=unit&recent=false&label.python={python}");
        let uploads = listed(&to.url, &path);
        assert_eq!((uploads.len(), &uploads), (1, &listed(&from.url, &path)));
    }
}

#[test]
fn what_cannot_be_imported_is_one_clear_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(&folder.path().join("data"));
    let state = folder.path().join("state.json");
    let away = import("http://127.0.0.1:9", &server, &state, &[]).output().unwrap();
    let text = String::from_utf8(away.stderr).unwrap();
    assert!(!away.status.success() && text.contains("http://127.0.0.1:9/api/commits/branches is away"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let same = import(&server.url, &server, &folder.path().join("other.json"), &[]).output().unwrap();
    assert_eq!(String::from_utf8(same.stderr).unwrap(), "Error: --from and --url are the same server\n");
    let elsewhere = import("http://127.0.0.1:8", &server, &state, &[]).output().unwrap();
    let text = String::from_utf8(elsewhere.stderr).unwrap();
    assert!(text.contains("is of an import from http://127.0.0.1:9 to") && text.lines().count() == 1, "{text}");
}
