//! One id leads from the request to the event that it appended and to where that was applied.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use support::{Server, agent, now, until, upload};

/// The sender's own span.
const SENDER: &str = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";

/// Takes traces over OTLP/HTTP and keeps what was sent.
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

/// Spans by service and name.
fn spans(bodies: &[Vec<u8>]) -> Vec<(String, Span)> {
    let mut spans = Vec::new();
    for body in bodies {
        for resource in ExportTraceServiceRequest::decode(&body[..]).unwrap().resource_spans {
            let service = text(&resource.resource.unwrap().attributes, "service.name");
            let found = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(found.map(|span| (service.clone(), span)));
        }
    }
    spans
}

fn text(attributes: &[KeyValue], name: &str) -> String {
    let value = attributes.iter().find(|attribute| attribute.key == name).and_then(|found| found.value.clone());
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        _ => String::new(),
    }
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
            request = request.header("X-Request-Id", id).header("Traceparent", SENDER);
        }
        request.send(&document[..]).unwrap()
    };
    let response = post(Some("this-request-of-mine"));
    assert_eq!(response.headers()["x-request-id"], "this-request-of-mine");
    let receipt = response.headers()["resultsdb-receipt"].to_str().unwrap().to_owned();
    let event_id = receipt.splitn(3, '-').nth(2).unwrap().to_owned();
    // Whoever gives none is given one.
    assert_eq!(post(None).headers()["x-request-id"].len(), 36);

    let find = |name: &str, attribute: &str, wanted: &str| {
        let spans = spans(&kept.lock().unwrap());
        spans.into_iter().find(|(_, span)| span.name == name && text(&span.attributes, attribute) == wanted)
    };
    until("the spans are sent", || {
        find("request", "request_id", "this-request-of-mine").is_some()
            && find("event", "event_id", &event_id).is_some()
    });
    let (service, request) = find("request", "request_id", "this-request-of-mine").unwrap();
    assert_eq!((service.as_str(), text(&request.attributes, "path").as_str()), ("resultsdb-serve", "/api/upload"));
    let (_, event) = find("event", "event_id", &event_id).unwrap();
    assert_eq!(text(&event.attributes, "request_id"), "this-request-of-mine");
    assert_eq!((&event.trace_id, &event.parent_span_id), (&request.trace_id, &request.span_id));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(format!("00-{}-{}-01", hex(&request.trace_id), hex(&request.parent_span_id)), SENDER);
}
