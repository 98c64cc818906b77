//! A data directory that an earlier version left: opened, it answers as that version did.
//!
//! `fixtures/make.py` has filled it with runs, commits, links, bugs, archives and a dead letter, with merged and unmerged
//! parts, and has written down what that version answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use test_support::clock;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::server::{Binary, Server};
use test_support::workspace::{example, path};

const RESULTSDB: Binary = test_support::resultsdb!();
/// Half an hour after the recorded requests, in UTC; the answers are those that were the same before and after that.
const CLOCK: &str = "@2026-11-23 21:24:10";
/// The time of the recorded requests, in seconds since 1970.
const BASE: i64 = 1_795_467_250;

#[test]
fn a_data_directory_of_an_earlier_version_answers_as_it_did() {
    let folder = tempfile::tempdir().unwrap();
    unpack(&fixture("data.tar.zst"), folder.path());
    let server = start(folder.path());
    let expected: Vec<Value> = serde_json::from_slice(&std::fs::read(fixture("answers.json")).unwrap()).unwrap();
    assert!(expected.len() > 50, "hardly any answers to compare");
    let different: Vec<String> = expected.iter().filter_map(|answer| difference(&server, answer)).collect();
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), expected.len(), different.join("\n"));

    // What was there takes new runs.
    let results = json!({"new.html": {"actual": "TEXT"}});
    assert_eq!(server.post("/api/upload", &upload(BASE, BASE + 60, &results)).unwrap().0, 200);
    let shown = server.json("/api/results/layout-tests/new.html");
    assert_eq!(
        (&shown[0]["results"][0]["uuid"], &shown[0]["results"][0]["actual"]),
        (&json!(BASE * 100), &json!("TEXT"))
    );

    // Verdicts come from single results until a rebuild, and are the same after it.
    let paths =
        ["/api/triage?suite=layout-tests&days=14", "/api/flaky?suite=layout-tests", "/api/failures/layout-tests"];
    let before = paths.map(|path| told(server.json(path)));
    assert!(!before[0]["tests"].as_array().unwrap().is_empty());
    server.stop();
    let mut rebuild = RESULTSDB.command();
    rebuild.args(["rebuild", "--views", "runs,rosters", "--accept-differences", "--data-dir"]).arg(folder.path());
    clock::fake(&mut rebuild);
    let rebuilt = rebuild.env("FAKETIME", CLOCK).env("TZ", "UTC").output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let server = start(folder.path());
    assert_eq!(before, paths.map(|path| told(server.json(path))));
    server.stop();
}

/// An answer without the passes that nobody expected: that version did not keep them where it looked for failures.
fn told(mut answer: Value) -> Value {
    if let Some(tests) = answer.get_mut("tests").and_then(Value::as_array_mut) {
        tests.retain(|test| test["group"] != "surprising");
        answer["counts"] = Value::Null;
    }
    answer
}

fn fixture(name: &str) -> PathBuf {
    path("resultsdb/tests/fixtures").join(name)
}

fn unpack(archive: &Path, folder: &Path) {
    let mut tar = Command::new("tar").args(["-x", "-C"]).arg(folder).stdin(Stdio::piped()).spawn().unwrap();
    let file = std::fs::File::open(archive).unwrap();
    zstd::stream::copy_decode(file, tar.stdin.take().unwrap()).unwrap();
    assert!(tar.wait().unwrap().success());
}

fn start(data: &Path) -> Server {
    let mut command = RESULTSDB.command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
    command.arg("--config").arg(example("webkit.toml")).env("RUST_LOG", "error");
    clock::fake(&mut command);
    command.env("FAKETIME", CLOCK).env("TZ", "UTC");
    Server::run(command)
}

/// What is different from an answer of the earlier version, if anything is.
fn difference(server: &Server, expected: &Value) -> Option<String> {
    let url = expected["url"].as_str().unwrap();
    let mut answer = agent().get(format!("{}{url}", server.url)).call().unwrap();
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    let mut got = serde_json::json!({ "url": url, "status": status, "content_type": kind });
    if expected.get("json").is_some() {
        got["json"] = serde_json::from_slice(&body).unwrap_or_default();
    } else if expected.get("text").is_some() {
        got["text"] = String::from_utf8_lossy(&body).into();
    } else {
        got["sha256"] = test_support::contract::sha256(&body).into();
    }
    (got != *expected).then(|| format!("{url}\n  expected {expected}\n  got      {got}"))
}
