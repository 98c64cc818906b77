//! Recorded requests, sent again.

use std::path::Path;

use serde_json::Value;

use crate::http::agent;

/// An answer as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: ureq::http::HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Sends a request to a server. `request` is moved to today; names of files come from the `original`, and lie below
/// `folder`.
pub(super) fn send(url: &str, request: &Value, original: &Value, folder: &Path) -> Answer {
    let mut target = format!("{url}{}", request["path"].as_str().unwrap());
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    match &request["query"] {
        Value::String(raw) => target = format!("{target}?{raw}"),
        Value::Array(pairs) if !pairs.is_empty() => {
            let pair = |pair: &Value| {
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                format!("{}={}", encode(&text(&pair[0])), encode(&text(&pair[1])))
            };
            target = format!("{target}?{}", pairs.iter().map(pair).collect::<Vec<_>>().join("&"));
        }
        _ => {}
    }
    let method = request["method"].as_str().unwrap();
    let (body, kind) = encode_body(&request["body"], &original["body"], folder);
    let mut builder = ureq::http::Request::builder().method(method).uri(&target);
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        builder = builder.header(name, value.as_str().unwrap());
    }
    if let Some(kind) = kind {
        builder = builder.header("Content-Type", kind);
    }
    if method == "POST" && request["path"].as_str().unwrap().starts_with("/api/upload") {
        builder = builder.header("Prefer", "wait=30");
    }
    let agent = agent();
    let sent = match body {
        Some(body) => agent.run(builder.body(body).unwrap()),
        None => agent.run(builder.body(()).unwrap()),
    };
    let mut response = sent.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.body_mut().read_to_vec().unwrap(),
    }
}

/// The body and its type, from the form in which it was recorded.
fn encode_body(body: &Value, original: &Value, folder: &Path) -> (Option<Vec<u8>>, Option<String>) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if body.is_null() {
        return (None, None);
    }
    if let Some(document) = body.get("json") {
        return (Some(document.to_string().into_bytes()), Some("application/json".into()));
    }
    if let Some(raw) = body.get("text") {
        return (Some(text(raw).into_bytes()), None);
    }
    if let Some(form) = body.get("form") {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form.as_object().unwrap() {
            encoded.append_pair(name, &text(value));
        }
        return (Some(encoded.finish().into_bytes()), Some("application/x-www-form-urlencoded".into()));
    }
    let boundary = "a-boundary-that-no-file-holds";
    let mut bytes = Vec::new();
    for (name, value) in body["multipart"].as_object().unwrap() {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n", text(value));
        bytes.extend_from_slice(part.as_bytes());
    }
    for (name, path) in original["files"].as_object().into_iter().flatten() {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.zip\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&std::fs::read(folder.join(path.as_str().unwrap())).unwrap());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (Some(bytes), Some(format!("multipart/form-data; boundary={boundary}")))
}
