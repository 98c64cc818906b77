//! One id leads from the request to the event that it appended and to where that was applied.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::json;
use support::{Server, agent, now, until, upload};

/// Takes traces over OTLP/HTTP and keeps what was sent, in protobuf, in which texts stand as they are.
fn collector() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let kept: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let keeping = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, keeping) = (stream.unwrap(), Arc::clone(&keeping));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut length = 0;
                    let mut line = String::new();
                    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        line.clear();
                    }
                    let mut body = vec![0; length];
                    if length == 0 || reader.read_exact(&mut body).is_err() {
                        return;
                    }
                    keeping.lock().unwrap().push(body);
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            });
        }
    });
    (address, kept)
}

#[test]
fn an_id_leads_through_the_whole_line() {
    let directory = tempfile::tempdir().unwrap();
    let (address, kept) = collector();
    let server = Server::spawn(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &directory.path().display().to_string(),
        "--set",
        &format!("traces.collector={address}"),
    ]);
    let document = upload(now() - 600, now() - 600, &json!({"t": {"actual": "TEXT"}}));
    let post = |id: Option<&str>| {
        let mut request = agent().post(format!("{}/api/upload", server.url));
        if let Some(id) = id {
            request = request.header("X-Request-Id", id);
        }
        request.send(&document[..]).unwrap()
    };
    let response = post(Some("this-request-of-mine"));
    assert_eq!(response.headers()["x-request-id"], "this-request-of-mine");
    let receipt = response.headers()["resultsdb-receipt"].to_str().unwrap().to_owned();
    let event_id = receipt.splitn(3, '-').nth(2).unwrap().to_owned();
    // Whoever gives none is given one.
    assert_eq!(post(None).headers()["x-request-id"].len(), 36);

    let count = |text: &str| {
        let kept = kept.lock().unwrap();
        kept.iter().flat_map(|body| body.windows(text.len())).filter(|window| *window == text.as_bytes()).count()
    };
    until("the spans are sent", || count("this-request-of-mine") >= 2 && count(&event_id) >= 1);
    assert!(count("resultsdb-serve") > 0 && count("/api/upload") > 0);
}
