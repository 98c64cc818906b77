//! A sender that tries again is given the receipt of its first try, and a run can still be taken back to what it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;

use serde_json::json;
use test_support::clock::now;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::server::{Binary, Server};

const RESULTSDB: Binary = test_support::resultsdb!();

fn receipt(server: &Server, document: &[u8], key: Option<&str>) -> Result<String, u16> {
    let mut request = agent().post(format!("{}/api/upload", server.url));
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = request.send(document).unwrap();
    if response.status() != 200 {
        return Err(response.status().as_u16());
    }
    Ok(response.headers()["resultsdb-receipt"].to_str().unwrap().to_owned())
}

#[test]
fn a_repetition_gets_the_first_receipt() {
    let directory = tempfile::tempdir().unwrap();
    let time = now() - 3600;
    let run = |state: &str, start: i64| upload(time, time + start, &json!({"t": {"actual": state}}));
    let (first, other) = (run("TEXT", 0), run("CRASH", 0));
    let mut receipts = Vec::new();
    {
        let server = RESULTSDB.serve(directory.path());
        let shown = || server.json("/api/results/layout-tests/t")[0]["results"][0]["actual"].clone();
        receipts.push(receipt(&server, &first, None).unwrap());
        assert_eq!(receipt(&server, &first, None).unwrap(), receipts[0]);
        // A run is replaced, and taken back to what it was.
        receipts.push(receipt(&server, &other, None).unwrap());
        assert_eq!(shown(), "CRASH");
        receipts.push(receipt(&server, &first, None).unwrap());
        assert_eq!(shown(), "TEXT");
        assert_eq!(receipt(&server, &first, None).unwrap(), receipts[2]);
        // A key names one upload for good, also where another has replaced its run since.
        receipts.push(receipt(&server, &run("PASS", 1), Some("a")).unwrap());
        receipts.push(receipt(&server, &run("FAIL", 1), None).unwrap());
        assert_eq!(receipt(&server, &run("PASS", 1), Some("a")).unwrap(), receipts[3]);
        assert_eq!(receipt(&server, &run("FAIL", 1), Some("a")), Err(422));
        assert_eq!(receipts.iter().collect::<BTreeSet<_>>().len(), receipts.len());
        // All at once.
        let same: BTreeSet<String> = std::thread::scope(|scope| {
            let senders: Vec<_> =
                (0..8).map(|_| scope.spawn(|| receipt(&server, &run("PASS", 2), None).unwrap())).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect()
        });
        assert_eq!(same.len(), 1);
    }
    // What a process forgets, the views know.
    let server = RESULTSDB.serve(directory.path());
    assert_eq!(receipt(&server, &first, None).unwrap(), receipts[2]);
    assert_eq!(receipt(&server, &run("PASS", 1), Some("a")).unwrap(), receipts[3]);
    assert_eq!(receipt(&server, &run("FAIL", 1), Some("a")), Err(422));
    assert_eq!(server.json(&format!("/api/receipts/{}", receipts[2]))["state"], "applied");
}
