//! What could not be processed is shown, can be replayed or discarded, and never stops the stream, unless nearly
//! everything fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use embedded::LocalLog;
use eventlog::{EventLog, TopicSpec};
use schema::blobs::Blobs;
use schema::event::{self, Header};
use schema::{DEAD_LETTER_TOPIC, EVENTS_PARTITIONS, EVENTS_TOPIC};
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::events;
use test_support::http::agent;
use test_support::server::Binary;
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();

/// Appends records to the log of a server that does not run.
fn append(data: &Path, records: Vec<Bytes>) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = LocalLog::open(&data.join("log")).unwrap();
        for (name, partitions) in [(EVENTS_TOPIC, EVENTS_PARTITIONS), (DEAD_LETTER_TOPIC, 1)] {
            let topic = TopicSpec { name: name.into(), partitions, retention: None, max_message_bytes: 1 << 20 };
            log.ensure_topic(&topic).await.unwrap();
        }
        for record in records {
            log.append(EVENTS_TOPIC, b"key", record).await.unwrap();
        }
    });
}

/// A run whose results lie in a blob.
fn event_with_blob(time: i64, digest: &str) -> Bytes {
    let document: Value = serde_json::from_slice(&upload(time, time, &json!({}))).unwrap();
    let mut configuration = document["configuration"].clone();
    configuration["version"] = json!(14_002_000);
    let request = events::upload("layout-tests", configuration, document["commits"][0].clone(), time, None);
    let header = Header { payload: Some(digest.to_owned()), ..events::header(now(), request) };
    event::encode(&header, "null").unwrap().into()
}

#[test]
fn dead_letters_are_shown_replayed_and_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let time = now() - 3600;
    let mut frame = tempfile::tempfile().unwrap();
    event::compress(r#"{"results":{"a.html":{"actual":"TEXT"}}}"#, &mut frame).unwrap();
    let mut bytes = Vec::new();
    frame.rewind().unwrap();
    frame.read_to_end(&mut bytes).unwrap();
    let digest = blake3::hash(&bytes).to_hex().to_string();
    append(folder.path(), vec![Bytes::from_static(b"\x07garbage <b>"), event_with_blob(time, &digest)]);

    let server = RESULTSDB.serve(folder.path());
    until("both are found dead", || server.json("/api/dead-letters").as_array().unwrap().len() == 2);
    let letters = server.json("/api/dead-letters?state=waiting");
    let with = |text: &str| {
        let is = |letter: &&Value| letter["cause"].as_str().unwrap().contains(text);
        letters.as_array().unwrap().iter().find(is).unwrap_or_else(|| panic!("{text}: {letters}"))["id"]
            .as_str()
            .unwrap()
    };
    let (garbage, lost) = (with("format 7"), with(&digest));
    assert_eq!(server.get(&format!("/api/dead-letters/{garbage}/event")).1, "\u{7}garbage <b>");
    let shown = server.json(&format!("/api/dead-letters/{lost}"));
    assert!(shown["text"].as_str().unwrap().contains("layout-tests"), "{shown}");
    let (status, page) = server.get("/dead-letters");
    assert!(status == 200 && page.contains(&format!("Replay {lost}")), "{page}");
    for missing in ["9-9", "x", "1-"] {
        assert_eq!(server.get(&format!("/api/dead-letters/{missing}")).0, 404, "{missing}");
        assert_eq!(server.post(&format!("/api/dead-letters/{missing}/replay"), b"").unwrap().0, 404, "{missing}");
    }
    assert_eq!(server.get("/api/dead-letters?state=gone").0, 400);

    // What comes after them is processed, and its receipt says so.
    let document = upload(time + 10, time + 10, &json!({"b.html": {"actual": "PASS"}}));
    let upload = agent().post(format!("{}/api/upload", server.url)).header("Prefer", "wait=30, return=representation");
    let mut answer = upload.send(&document).unwrap();
    let receipt = answer.headers()["resultsdb-receipt"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!((answer.status().as_u16(), &body["receipt"]), (200, &json!(receipt)));
    assert_eq!(server.json(&format!("/api/receipts/{receipt}"))["state"], "applied");
    let of_lost = format!("{lost}-{}", uuid::Uuid::nil());
    let told = server.json(&format!("/api/receipts/{of_lost}"));
    assert_eq!((told["state"].as_str(), told["dead_letter"].as_str()), (Some("dead-lettered"), Some(lost)));
    let later = format!("0-999999-{}", uuid::Uuid::nil());
    assert_eq!(server.json(&format!("/api/receipts/{later}"))["state"], "queued");
    assert_eq!(server.get("/api/receipts/nonsense").0, 404);

    let (status, metrics) = server.get("/metrics");
    assert_eq!(status, 200);
    let counted = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<f64>().ok()).unwrap_or_else(|| panic!("{name}: {metrics}"))
    };
    assert_eq!(counted("resultsdb_dead_letters_total "), 2.0);
    assert!(counted("resultsdb_appended_events_total{result=\"ok\"} ") >= 1.0);
    assert!(counted("resultsdb_inserted_rows_total{table=\"results\"} ") >= 1.0);
    assert!(counted("resultsdb_visible_seconds_count ") >= 1.0);
    let missed: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("resultsdb_requests_total{") && line.contains("status=\"404\""))
        .collect();
    assert!(missed.iter().any(|line| line.contains("endpoint=\"/api/receipts/{*receipt}\"")), "{missed:?}");

    // Once the blob is there, a replay shows the run.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    runtime.block_on(Blobs::in_folder(&folder.path().join("blobs")).unwrap().put(file)).unwrap();
    assert_eq!(server.post(&format!("/api/dead-letters/{lost}/replay"), b"").unwrap().0, 200);
    until("the run shows", || {
        let found = server.json(&format!("/api/results/layout-tests/a.html?uuid={}", time * 100));
        found[0]["results"][0]["actual"] == "TEXT"
    });
    assert_eq!(server.post(&format!("/api/dead-letters/{lost}/replay"), b"").unwrap().0, 404, "it waits no more");
    assert_eq!(server.post(&format!("/api/dead-letters/{garbage}/discard"), b"").unwrap().0, 200);
    assert_eq!(server.json("/api/dead-letters?state=waiting"), json!([]));
    assert_eq!(server.json("/api/dead-letters?state=discarded")[0]["id"], json!(garbage));

    // Decisions are events, so that a rebuild makes them again.
    let decided = server.json("/api/dead-letters");
    server.stop();
    let data_dir = folder.path().display().to_string();
    let rebuilt = RESULTSDB.command().args(["rebuild", "--data-dir", &data_dir]).output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let server = RESULTSDB.serve(folder.path());
    assert_eq!(server.json("/api/dead-letters"), decided);
}

#[test]
fn a_stream_of_nothing_but_dead_letters_stops_the_consumer() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), vec![Bytes::from_static(b"\x09from the future"); 60]);
    let output = RESULTSDB
        .command()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", &folder.path().display().to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("could not be processed, so nothing more is read"), "{said}");
}
