//! What of an answer is compared with the recorded one.

use serde_json::{Value, json};

use super::exchange::Answer;

/// The parts of an answer that the expected one speaks about, in the same shape.
pub(super) fn observe(answer: &Answer, expected: &Value, url: &str) -> Value {
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

/// The SHA-256 digest of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sorts what is recorded as unordered and blanks what is recorded as ignored.
pub(super) fn canonical(mut response: Value, case: &Value) -> Value {
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
