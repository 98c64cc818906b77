//! Replays recorded requests and compares the answers with the recorded ones.
//!
//! Every recorded time lies shortly before a base; all of them, and the commit uuids that are a hundred times a time,
//! are moved so that the base becomes now. `tests/contract/corpus/README.md` describes the format.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{agent, now};

const DAY: i64 = 86_400;
/// Recorded times lie at most this long before the base, and after it.
const WINDOW: (i64, i64) = (40 * DAY, 2 * DAY);

pub struct Corpus {
    folder: PathBuf,
    base: i64,
    now: i64,
}

pub struct Outcome {
    pub passed: usize,
    pub failures: Vec<String>,
}

impl Corpus {
    pub fn load() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/corpus");
        let meta = read(&folder.join("meta.json"));
        Self { base: meta["base_time"].as_i64().unwrap(), now: now(), folder }
    }

    /// Fills an empty server, then asks everything. Cases that record a bug of the recorded server are left out:
    /// `tests/contract.rs` says what the right answers to those are.
    pub fn replay(&self, intake: &str, query: &str) -> Outcome {
        let mut outcome = Outcome { passed: 0, failures: Vec::new() };
        let mut cases = read(&self.folder.join("setup.json")).as_array().unwrap().clone();
        cases.extend(self.cases());
        for case in cases.iter().filter(|case| case.get("peer_bug").is_none()) {
            match self.check(case, intake, query) {
                None => outcome.passed += 1,
                Some(difference) => outcome.failures.push(format!("{}: {difference}", case["name"])),
            }
        }
        outcome
    }

    /// What every recorded question is answered now: name, status and body.
    pub fn answers(&self, query: &str) -> Vec<(String, u16, String)> {
        let ask = |case: &Value| {
            let request = self.shift(&case["request"]);
            let answer = send(query, &request, &case["request"], &self.folder);
            (case["name"].to_string(), answer.status, String::from_utf8_lossy(&answer.body).into_owned())
        };
        let cases = self.cases();
        cases.iter().filter(|case| case["request"]["method"] == "GET").map(ask).collect()
    }

    fn cases(&self) -> Vec<Value> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.folder.join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().flat_map(|file| read(file).as_array().unwrap().clone()).collect()
    }

    /// What is different, if anything.
    fn check(&self, case: &Value, intake: &str, query: &str) -> Option<String> {
        let request = self.shift(&case["request"]);
        let expected = self.shift(&case["response"]);
        let path = request["path"].as_str().unwrap();
        let is_write = request["method"] == "POST"
            && (path.starts_with("/api/upload") || path.starts_with("/api/commits"))
            && path != "/api/upload/process"
            && path != "/api/commits/find"
            && path != "/api/commits/repositories";
        let url = if is_write { intake } else { query };
        let answer = send(url, &request, &case["request"], &self.folder);
        let observed = observe(&answer, &expected, url);
        let (expected, observed) = (canonical(expected, case), canonical(observed, case));
        (expected != observed).then(|| {
            let shorten = |value: &Value| value.to_string().chars().take(600).collect::<String>();
            format!("\n  expected {}\n  got      {}", shorten(&expected), shorten(&observed))
        })
    }

    fn shift(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (self.shift_text(name), self.shift(value)))
                .collect::<Map<_, _>>()
                .into(),
            Value::Array(items) => items.iter().map(|item| self.shift(item)).collect(),
            Value::String(text) => Value::String(self.shift_text(text)),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => json!(self.shift_number(whole)),
                // A time with a fraction keeps it.
                None => {
                    let (whole, part) = (number.as_f64().unwrap().trunc(), number.as_f64().unwrap().fract());
                    json!(self.shift_number(whole as i64) as f64 + part)
                }
            },
            other => other.clone(),
        }
    }

    fn shift_number(&self, number: i64) -> i64 {
        let delta = self.now - self.base;
        let (low, high) = (self.base - WINDOW.0, self.base + WINDOW.1);
        if (low..=high).contains(&number) {
            number + delta
        } else if (low * 100..(high + 1) * 100).contains(&number) {
            number + delta * 100
        } else {
            number
        }
    }

    /// Moves runs of 10 or 12 digits that touch no letter, digit or leading dot.
    fn shift_text(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut shifted = String::with_capacity(text.len());
        let mut position = 0;
        while position < bytes.len() {
            let length = bytes[position..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length == 0 {
                let character = text[position..].chars().next().unwrap();
                shifted.push(character);
                position += character.len_utf8();
                continue;
            }
            let end = position + length;
            let alone = (position == 0
                || !(bytes[position - 1].is_ascii_alphanumeric() || bytes[position - 1] == b'.'))
                && bytes.get(end).is_none_or(|next| !next.is_ascii_alphanumeric());
            match text[position..end].parse::<i64>() {
                Ok(number) if alone && (length == 10 || length == 12) => {
                    shifted.push_str(&self.shift_number(number).to_string());
                }
                _ => shifted.push_str(&text[position..end]),
            }
            position = end;
        }
        shifted
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

fn send(url: &str, request: &Value, original: &Value, folder: &Path) -> Answer {
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

/// The parts of an answer that the expected one speaks about, in the same shape.
fn observe(answer: &Answer, expected: &Value, url: &str) -> Value {
    let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut observed = json!({ "status": answer.status });
    if expected.get("content_type").is_some() {
        let kind = header("content-type").unwrap_or_default().to_lowercase();
        observed["content_type"] = json!(kind.split(';').map(str::trim).collect::<Vec<_>>().join(";").replace('"', ""));
    }
    if let Some(headers) = expected.get("headers").and_then(Value::as_object) {
        let shown = headers.keys().map(|name| {
            let value = header(name).map(|value| match name.as_str() {
                "Location" => value.strip_prefix(url).unwrap_or(&value).to_owned(),
                "Cache-Control" => {
                    let mut parts: Vec<String> = value.split(',').map(|part| part.trim().to_lowercase()).collect();
                    parts.sort();
                    parts.join(",")
                }
                _ => value.replace('"', ""),
            });
            (name.clone(), json!(value))
        });
        observed["headers"] = Value::Object(shown.collect());
    }
    let Some(wanted) = expected.get("body") else { return observed };
    let text = String::from_utf8_lossy(&answer.body);
    observed["body"] = if wanted.get("json").is_some() {
        json!({ "json": serde_json::from_slice::<Value>(&answer.body).unwrap_or_else(|_| json!({ "not json": text })) })
    } else if wanted.get("title").is_some() {
        let title =
            text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title.trim());
        json!({ "title": title })
    } else if wanted.get("sha256").is_some() {
        json!({ "sha256": sha256(&answer.body), "length": answer.body.len() })
    } else {
        json!({ "text": text })
    };
    observed
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sorts what is recorded as unordered and blanks what is recorded as ignored.
fn canonical(mut response: Value, case: &Value) -> Value {
    let paths = |name: &str| -> Vec<String> {
        let list = case.get(name).and_then(Value::as_array);
        list.into_iter().flatten().map(|path| path.as_str().unwrap().to_owned()).collect()
    };
    if let Some(document) = response.get_mut("body").and_then(|body| body.get_mut("json")) {
        for path in paths("ignore") {
            rewrite(document, &steps(&path), &mut |value| *value = json!("<ignored>"));
        }
        for path in paths("unordered") {
            rewrite(document, &steps(&path), &mut |value| {
                if let Value::Array(items) = value {
                    items.sort_by_cached_key(sorted_text);
                }
            });
        }
    }
    response
}

/// JSON with sorted members: objects here keep their order.
fn sorted_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name}:{}", sorted_text(value))).collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted_text).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// `$.a[*].b` as `a`, `*`, `b`.
fn steps(path: &str) -> Vec<String> {
    let spread = path.trim_start_matches('$').replace('[', ".").replace(']', "");
    spread.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

fn rewrite(value: &mut Value, steps: &[String], change: &mut impl FnMut(&mut Value)) {
    let Some((step, rest)) = steps.split_first() else { return change(value) };
    match value {
        Value::Object(members) => {
            for (_, member) in members.iter_mut().filter(|(name, _)| *step == "*" || *name == step) {
                rewrite(member, rest, change);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                if step == "*" || *step == index.to_string() {
                    rewrite(item, rest, change);
                }
            }
        }
        _ => {}
    }
}
