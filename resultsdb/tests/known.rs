//! Bugs that explain failures, and hooks that are told of those that nobody explains yet: through HTTP, over restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use test_support::clock::{DAY, now};
use test_support::documents::upload;
use test_support::http::agent;
use test_support::receiver::Receiver;
use test_support::server::{Binary, Server};
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();

/// A dozen runs in six days, of which the newest `failed` failed.
fn upload_history(server: &Server, failed: i64) {
    for index in 0..12 {
        let time = now() - 3600 - (11 - index) * DAY / 2;
        let log = "\n  <b>3</b> is not 4\nat line 7";
        let outcome = json!({ "log": log, "actual": if index >= 12 - failed { "TEXT" } else { "PASS" } });
        let steady: serde_json::Map<String, Value> = (0..20).map(|it| (format!("{it}.html"), json!({}))).collect();
        let results = json!({ "css": { "grid.html": outcome, "flex.html": outcome }, "steady": steady });
        assert_eq!(server.post("/api/upload", &upload(time, time + 60, &results)).unwrap().0, 200);
    }
}

fn link(server: &Server, bug: &Value) -> (u16, String) {
    server.post("/api/bugs", bug.to_string().as_bytes()).unwrap()
}

/// The tests that triage lists for a question.
fn listed(server: &Server, q: &str) -> BTreeSet<String> {
    let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let answer = server.json(&format!("/api/triage?suite=layout-tests&q={q}"));
    answer["tests"].as_array().unwrap().iter().map(|test| test["test"].as_str().unwrap().to_owned()).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn a_linked_bug_stands_beside_the_failures_that_it_explains() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = RESULTSDB.serve(folder.path());
    upload_history(&server, 3);
    assert_eq!(listed(&server, "bug:none"), set(["css/flex.html", "css/grid.html"]));
    let bug = json!({ "suite": "layout-tests", "test": "css/grid.html", "url": "https://bugs.example.org/4711", "note": "a <font>" });
    assert_eq!(link(&server, &bug).0, 200);
    // On another platform: not these failures.
    let elsewhere = json!({ "suite": "layout-tests", "test": "css/*", "url": "https://bugs.example.org/1", "configuration": { "platform": "iOS" } });
    assert_eq!(link(&server, &elsewhere).0, 200);
    assert_eq!(listed(&server, "bug:4711"), set(["css/grid.html"]));
    assert_eq!(listed(&server, "bug:none"), set(["css/flex.html"]));
    assert_eq!(listed(&server, "css/* row:3 -bug:font"), set(["css/flex.html"]));
    assert_eq!(server.json("/api/bugs?suite=layout-tests&test=css/grid.html").as_array().unwrap().len(), 2);
    assert_eq!(server.json("/api/bugs?suite=&test="), server.json("/api/bugs"));
    let changes = server.json("/api/changes/layout-tests/css/grid.html");
    assert_eq!(changes["changes"][0]["bugs"][0], "https://bugs.example.org/4711");
    for page in ["/triage", "/investigate", "/?suite=layout-tests&test=css/grid.html"] {
        let (status, html) = server.get(page);
        let html = html.replace("&#x2f;", "/");
        assert!(status == 200 && html.contains("href=\"https://bugs.example.org/4711\""), "{page}: {html}");
        assert!(page.contains("test=") || html.contains("&lt;b&gt;3&lt;/b&gt; is not 4</small>"), "{page}: {html}");
        assert!(html.contains("a &lt;font&gt;") && !html.contains("a <font>"), "{page}");
    }
    // It outlives the process, and is taken back from there on.
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
    let server = RESULTSDB.serve(folder.path());
    assert_eq!(listed(&server, "bug:any"), set(["css/grid.html"]));
    let mut closed = bug.clone();
    closed["state"] = "closed".into();
    assert_eq!(link(&server, &closed).0, 200);
    assert_eq!(listed(&server, "bug:any"), set([]));
    let elsewhere = agent()
        .post(format!("{}/api/bugs", server.url))
        .header("sec-fetch-site", "cross-site")
        .send(bug.to_string().as_bytes())
        .unwrap();
    assert_eq!(elsewhere.status(), 400);
    assert_eq!(listed(&server, "bug:any"), set([]));
    let (status, text) = link(&server, &json!({ "suite": "layout-tests", "test": "a", "url": "javascript:alert(1)" }));
    assert!(status == 400 && text.contains("'url' must be"), "{text}");
}

#[test]
fn a_bug_about_what_failures_say_explains_whoever_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(folder.path());
    for index in 0..12 {
        let time = now() - 3600 - (11 - index) * DAY / 2;
        let said = |log: String| if index >= 9 { json!({ "actual": "TEXT", "log": log }) } else { json!({}) };
        let steady: serde_json::Map<String, Value> = (0..20).map(|it| (format!("{it}.html"), json!({}))).collect();
        let mut results = json!({ "alone.html": said("assertion failed".into()), "steady": steady });
        for test in 0..4 {
            results[format!("net/{test}.html")] =
                said(format!("connection to port {}{test} refused\nat <b>", 80 + index));
        }
        assert_eq!(server.post("/api/upload", &upload(time, time + 60, &results)).unwrap().0, 200);
    }
    let net = set(["net/0.html", "net/1.html", "net/2.html", "net/3.html"]);
    let cause = server.json("/api/causes?suite=layout-tests")["causes"][0].clone();
    assert_eq!((cause["pattern"].as_str(), cause["tests"].as_u64()), (Some("connection to port * refused"), Some(4)));
    let (url, message) = ("https://bugs.example.org/4711", &cause["pattern"]);
    // Without a test it is about all of them.
    let bug = json!({ "suite": "layout-tests", "url": url, "message": message });
    let crashes =
        json!({ "suite": "layout-tests", "url": "https://bugs.example.org/2", "message": message, "failure": "CRASH" });
    let others = json!({ "suite": "layout-tests", "url": "https://bugs.example.org/3", "message": "connection to port ? refused" });
    for bug in [&bug, &crashes, &others] {
        assert_eq!(link(&server, bug).0, 200, "{bug}");
    }
    assert_eq!(listed(&server, "bug:any"), net);
    assert_eq!(listed(&server, "bug:none"), set(["alone.html"]));
    assert_eq!(server.json("/api/causes?suite=layout-tests")["causes"][0]["bugs"], json!([url]));
    let flaky_or_not = server.json("/api/changes/layout-tests");
    let explained = |change: &&Value| change["bugs"] == json!([url]);
    assert!(flaky_or_not["changes"].as_array().unwrap().iter().any(|change| explained(&change)), "{flaky_or_not}");
    for (page, is_shown) in [
        ("/triage", true),
        ("/investigate", true),
        ("/?suite=layout-tests&test=net/1.html", true),
        ("/?suite=layout-tests&test=alone.html", false),
        (&format!("/causes?suite=layout-tests&cause={}", cause["cause"].as_str().unwrap()), true),
    ] {
        let (status, html) = server.get(page);
        let html = html.replace("&#x2f;", "/");
        assert!(status == 200 && html.contains(&format!("href=\"{url}\"")) == is_shown, "{page}: {html}");
    }
    let asked = |log: &str| {
        let tests = json!([{ "test": "alone.html", "state": "TEXT", "message": log }]);
        let (status, text) = server
            .post("/api/verdicts", json!({ "suite": "layout-tests", "tests": tests }).to_string().as_bytes())
            .unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["tests"][0]["bugs"].clone()
    };
    assert_eq!(asked("connection to port 7 refused"), json!([url]));
    assert_eq!(asked("assertion failed"), json!([]));
    let mut closed = bug.clone();
    closed["state"] = "closed".into();
    assert_eq!(link(&server, &closed).0, 200);
    assert_eq!(listed(&server, "bug:any"), set([]));
    let (status, text) = link(&server, &json!({ "suite": "layout-tests", "url": url, "message": "*" }));
    assert!(status == 400 && text.contains("would explain every failure"), "{text}");
}

#[test]
fn a_feed_has_what_broke_and_what_was_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(folder.path());
    upload_history(&server, 3);
    let (status, escaped) = server.get("/triage.atom?q=grid");
    assert_eq!(status, 200);
    let feed = escaped.replace("&#x2f;", "/");
    assert!(
        feed.contains("<title>layout-tests css/grid.html newly fails (text) on Mac 14.2.0 Release using arm64</title>"),
        "{feed}"
    );
    assert_eq!(feed.matches("<entry>").count(), 1);
    assert_eq!(server.get("/triage.atom?q=grid").1, escaped);
    assert_eq!(server.get("/triage.atom?group=fixed").1.matches("<entry>").count(), 0);
    assert_eq!(server.get("/triage.atom?q=stauts:new").0, 400);
}

/// Messages that a hook was sent so far.
fn messages(receiver: &Receiver) -> Vec<Value> {
    receiver.bodies().iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
}

fn with_hook(folder: &Path, hook: &str) -> Server {
    let config = format!(
        "title = \"Results\"\naddress = \"https://results.example.org/\"\n[outbound]\nallow = [\"127.0.0.1\"]\n[alerts]\nseconds = 1\n[[alerts.hooks]]\n{hook}"
    );
    let file = folder.join("config.toml");
    std::fs::write(&file, config).unwrap();
    RESULTSDB.serve_with(&folder.join("data"), &file)
}

#[test]
fn a_hook_is_told_once_of_what_its_question_begins_to_find() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    receiver.refuse(2);
    let hook = format!(
        "name = \"chat\"\nurl = \"{}/secret\"\nq = \"status:new row:>=3 bug:none\"\nstale_hours = 2\n",
        receiver.url
    );
    // A hook that looked while the history comes in would find a configuration silent for days.
    let mut server = RESULTSDB.serve(&folder.path().join("data"));
    let bug = json!({ "suite": "layout-tests", "test": "css/flex.html", "url": "https://bugs.example.org/1" });
    assert_eq!(link(&server, &bug).0, 200);
    upload_history(&server, 3);
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
    let mut server = with_hook(folder.path(), &hook);
    until("the hook is told, although it refused twice", || !receiver.findings().is_empty());
    let message = messages(&receiver)[0].clone();
    assert_eq!((message["hook"].as_str(), message["more"].as_u64()), (Some("chat"), Some(0)));
    let page = "https://results.example.org/?suite=layout-tests&test=css%2Fgrid.html";
    assert!(message["text"].as_str().unwrap().contains(page), "{message}");
    assert_eq!(message["findings"][0]["row"], 3);
    let grid = "layout-tests css/grid.html newly fails (text) on Mac 14.2.0 Release using arm64";
    assert_eq!(receiver.findings(), [grid]);
    let remembered = |server: &Server| server.get("/metrics").1.contains("resultsdb_alerts_total{hook=\"chat\"} 1");
    until("that is remembered", || remembered(&server));
    // Not again, not even by another process or after a rebuild; a test whose bug is taken back is news.
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
    let rebuilt =
        RESULTSDB.command().arg("rebuild").arg("--data-dir").arg(folder.path().join("data")).output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let server = with_hook(folder.path(), &hook);
    let mut closed = bug.clone();
    closed["state"] = "closed".into();
    assert_eq!(link(&server, &closed).0, 200);
    until("the hook is told again", || receiver.findings().len() > 1);
    assert_eq!(receiver.findings(), [grid, &grid.replace("grid", "flex")]);
    until("that is remembered", || remembered(&server));
}

#[test]
fn a_hook_is_told_of_configurations_that_do_not_run_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    let hook = format!("name = \"chat\"\nurl = \"{}/secret\"\nq = \"status:new\"\nstale_hours = 1\n", receiver.url);
    let server = with_hook(folder.path(), &hook);
    let time = now() - 3 * 3600 - 60;
    assert_eq!(server.post("/api/upload", &upload(time, time, &json!({ "a.html": {} }))).unwrap().0, 200);
    until("the hook is told", || !receiver.findings().is_empty());
    assert_eq!(receiver.findings(), ["layout-tests did not run on Mac 14.2.0 Release using arm64 for 3 hours"]);
}

#[test]
fn a_configuration_that_tests_old_commits_falls_silent_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    let hook = format!("name = \"chat\"\nurl = \"{}/secret\"\nq = \"status:new\"\nstale_hours = 1\n", receiver.url);
    let server = with_hook(folder.path(), &hook);
    let (commit, start) = (now() - 40 * DAY, now() - 3 * 3600 - 60);
    assert_eq!(server.post("/api/upload", &upload(commit, start, &json!({ "a.html": {} }))).unwrap().0, 200);
    until("the hook is told", || !receiver.findings().is_empty());
    assert_eq!(receiver.findings(), ["layout-tests did not run on Mac 14.2.0 Release using arm64 for 3 hours"]);
}

#[test]
fn a_hook_that_is_wrong_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[[alerts.hooks]]\nname = \"chat\"\nurl = \"https://chat.example.org/secret\"\nq = \"stauts:new\"\n";
    let file = folder.path().join("config.toml");
    std::fs::write(&file, config).unwrap();
    let output = RESULTSDB
        .command()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("did you mean 'status:'") && !text.contains("secret"), "{text}");
}

#[test]
fn a_link_that_is_closed_and_opened_again_keeps_its_note() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(folder.path());
    let bug = |note: &str, state: &str| {
        let url = "https://bugs.example.org/4711";
        json!({ "suite": "layout-tests", "test": "a", "url": url, "note": note, "state": state })
    };
    let notes = || -> Vec<Value> {
        let bugs = server.json("/api/bugs?suite=layout-tests");
        bugs.as_array().unwrap().iter().map(|bug| bug["note"].clone()).collect()
    };
    assert_eq!(link(&server, &bug("slow", "open")).0, 200);
    assert_eq!(link(&server, &bug("", "closed")).0, 200);
    assert!(notes().is_empty());
    assert_eq!(link(&server, &bug("", "open")).0, 200);
    assert_eq!(notes(), ["slow"]);
    assert_eq!(link(&server, &bug("fixed upstream", "open")).0, 200);
    assert_eq!(notes(), ["fixed upstream"]);
    server.stop();
}
