//! Uploads that retention drops say so, in their answers and receipts; archives live from the start of their run on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::{self, ARCHIVE_TYPE, upload};
use test_support::http::agent;
use test_support::server::{Binary, Server};

const RESULTSDB: Binary = test_support::resultsdb!();
const DAY: i64 = 86_400;

/// Status, receipt, warning and body of an answer to an upload.
struct Answer {
    status: u16,
    receipt: String,
    warning: Option<String>,
    body: Value,
}

fn post(server: &Server, path: &str, media: &str, body: &[u8]) -> Answer {
    let request = agent().post(format!("{}{path}", server.url)).header("content-type", media);
    let mut response = request.header("prefer", "wait=30").send(body).unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (receipt, warning) = (header("resultsdb-receipt").unwrap(), header("resultsdb-warning"));
    let status = response.status().as_u16();
    let body = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    Answer { status, receipt, warning, body }
}

fn run(server: &Server, commit_time: i64, start: i64) -> Answer {
    post(server, "/api/upload", "application/json", &upload(commit_time, start, &json!({"t": {"actual": "TEXT"}})))
}

/// Uploads the files of the run that [`run`] uploads.
fn archive(server: &Server, commit_time: i64, start: i64) -> Answer {
    let packed = documents::packed("log.txt", b"hello");
    post(server, "/api/upload/archive", ARCHIVE_TYPE, &documents::archive(commit_time, start, &packed))
}

fn state_of(server: &Server, answer: &Answer) -> (Value, Value) {
    let receipt = server.json(&format!("/api/receipts/{}", answer.receipt));
    (receipt["state"].clone(), receipt["kept_days"].clone())
}

fn rebuild(data_dir: &std::path::Path) {
    let output = RESULTSDB.command().arg("rebuild").arg("--data-dir").arg(data_dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_retention_drops_is_told_and_archives_live_by_their_run_s_start() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let now = now();
    let (old, quiet, recent) = (now - 2000 * DAY, now - 60 * DAY, now - 10 * DAY);

    let expired = run(&server, old, now - 3600);
    assert_eq!((expired.status, &expired.body["status"]), (200, &json!("ok")), "the reference takes it, too");
    for step in ["ci-urls", "test-failures", "suite-results", "test-results"] {
        let step = &expired.body["processing"][step];
        let description = step["description"].as_str().unwrap();
        assert_eq!(step["status"], "expired");
        assert!(description.contains("kept for 1826 days") && description.contains("2000 days old"), "{description}");
        assert_eq!(expired.warning.as_deref(), Some(description));
    }
    assert_eq!(expired.body["processing"]["commit-identifiers"], json!({"status": "ok"}));
    assert_eq!(state_of(&server, &expired), (json!("expired"), json!(1826)));
    assert_eq!(server.json("/api/results/layout-tests"), json!([]));
    assert_eq!(
        server.json(&format!("/api/commits?ref={old:040x}")).as_array().unwrap().len(),
        1,
        "the commit is known"
    );

    let kept = run(&server, quiet, now - 3600);
    assert_eq!((state_of(&server, &kept), kept.warning), ((json!("applied"), Value::Null), None));

    // A branch that is quiet for two months has files, and so has one that is older than any results.
    for (commit, start) in [(recent, now - 3600), (quiet, now - 3600), (old, now - 3600)] {
        let stored = archive(&server, commit, start);
        assert_eq!((stored.status, &stored.body), (200, &json!({"status": "ok"})));
        assert_eq!((state_of(&server, &stored), &stored.warning), ((json!("applied"), Value::Null), &None));
        let (status, text) = server.get(&format!("/archive/log.txt?suite=layout-tests&ref={commit:040x}"));
        assert_eq!((status, text.as_str()), (200, "hello"), "{commit}");
    }
    let late = archive(&server, recent, now - 57 * DAY);
    let warning = late.warning.clone().unwrap();
    assert!(warning.contains("kept for 56 days") && warning.contains("57 days before the upload"), "{warning}");
    assert_eq!((late.status, state_of(&server, &late)), (200, (json!("expired"), json!(56))));
    server.stop();

    rebuild(directory.path());
    let server = RESULTSDB.serve(directory.path());
    for (answer, state) in [(&expired, "expired"), (&late, "expired")] {
        assert_eq!(state_of(&server, answer).0, state, "a rebuild says the same");
    }
    let (status, text) = server.get(&format!("/archive/log.txt?suite=layout-tests&ref={quiet:040x}"));
    assert_eq!((status, text.as_str()), (200, "hello"));
    server.stop();
}
