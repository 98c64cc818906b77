//! What a server answered, told to people: its own words where it is a resultsdb, and what to do where it is none.

use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use crate::terminal::in_one_line;

/// What helps where something else answers than a resultsdb.
pub(crate) const CHECK_ADDRESS: &str =
    "check the address of the server (--url, RESULTSDB_URL, or --from of an import) and the path in it";
/// Bytes of a text that are shown of what is no resultsdb.
const BEGINNING: usize = 60;
/// Letters of what a server says that are shown.
const DESCRIPTION: usize = 1000;

/// Why an answer that was taken is none of a resultsdb's interface, if it is a page for browsers.
pub(crate) fn page(response: &Response<Body>, text: &str) -> Option<String> {
    let media = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let is_page = match media {
        Some(media) => media.trim_start().to_ascii_lowercase().starts_with("text/html"),
        None => is_markup(text),
    };
    is_page.then(|| format!("a page for browsers is no answer of a resultsdb: {CHECK_ADDRESS}"))
}

/// What the server says of an error that it answers with a status: its description, or what can be done where a resultsdb does not
/// answer like this.
pub(crate) fn error(status: u16, text: &str) -> String {
    let json: Option<Value> = serde_json::from_str(text).ok();
    if let Some(description) = json.as_ref().and_then(|json| json["description"].as_str()) {
        return shortened(description.trim());
    }
    let text = text.trim();
    match (status, is_markup(text)) {
        (404 | 405, false) if !text.is_empty() => {
            format!("{:?} is no answer of a resultsdb: {CHECK_ADDRESS}", begin(text))
        }
        (404 | 405, _) => format!("nothing of a resultsdb is there: {CHECK_ADDRESS}"),
        (_, true) => "a page for browsers, as a proxy in front of the server may answer in its place".to_owned(),
        (_, false) if text.is_empty() => "it does not say why".to_owned(),
        (_, false) => shortened(text),
    }
}

/// The beginning of a text, for people.
pub(crate) fn begin(text: &str) -> &str {
    &text[..text.floor_char_boundary(BEGINNING)]
}

fn is_markup(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    ["<!doctype", "<html", "<head", "<body", "<h1", "<title"].into_iter().any(begins)
}

fn shortened(text: &str) -> String {
    in_one_line(&text.chars().take(DESCRIPTION).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_by_their_description() {
        let json = r#"{"status":"error","error":"Bad Request","description":"No test suite specified"}"#;
        assert_eq!(
            (error(400, json), error(404, json)),
            ("No test suite specified".into(), "No test suite specified".into())
        );
        assert_eq!(error(400, "no\ngood\u{1b}[2J"), "no good [2J");
        assert_eq!(error(500, &"x".repeat(5000)).len(), 1000);
    }

    #[test]
    fn a_page_for_browsers_is_not_shown() {
        for text in ["<h1>Gateway\n</h1>", "\n <!DOCTYPE html><title>x</title>", "<HTML>", "<title>404</title>"] {
            for status in [404, 405, 500, 502, 403] {
                assert!(!error(status, text).contains('<'), "{status} {text}");
            }
        }
        for text in ["<html>", "", r#"{"detail":"Not Found"}"#, "no route"] {
            assert!(error(404, text).ends_with(CHECK_ADDRESS), "{text}");
        }
        assert!(error(404, "no route").starts_with("\"no route\" is no answer"));
        // A name of a test in a list is none.
        assert!(!is_markup("<img src=x>.html\n") && !is_markup("") && !is_markup("ü"));
    }
}
