//! One id leads from the request to the event that it appended and to where that was applied.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use test_support::clock::now;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::receiver::Receiver;
use test_support::server::Binary;
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();

/// The sender's own span.
const SENDER: &str = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";

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
    let collector = Receiver::start();
    let server = RESULTSDB.spawn(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &directory.path().display().to_string(),
        "--set",
        &format!("traces.collector={}", collector.url),
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
        let spans = spans(&collector.bodies());
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
