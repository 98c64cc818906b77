//! The page of an error: what is wrong, what is near, and the way back.

use answers::{AnswerError, suites};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};

use super::suggestions::nearest;
use super::{PAGES, failure_filter};
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, POINT, RANGE, TIMES};
use crate::service::Service;

/// Parameters of pages besides those of configurations and commits.
const PARAMETERS: [&str; 8] = ["suite", "test", "recent", "limit", "unexpected", "expected", "format", "weeks"];

/// A link and its text.
type Link = (String, String);

/// The page that tells an error.
pub(crate) async fn page(service: &Service, error: &ApiError, path: &str, query: Option<&str>) -> Response {
    let mut error = error;
    while let ApiError::Shared(shared) = error {
        error = shared;
    }
    let status = error.status();
    let near = match status {
        StatusCode::NOT_FOUND => match unknown_suite(error) {
            Some(suite) => near_suites(service, suite, path, query).await,
            None => near_path(service, path).await,
        },
        StatusCode::BAD_REQUEST => near_parameter(&error.to_string(), path, query).into_iter().collect(),
        _ => Vec::new(),
    };
    let next: Vec<Value> =
        ways_on(error, path, query).into_iter().map(|(target, text)| context! { target, text }).collect();
    let near: Vec<Value> = near.into_iter().map(|(target, text)| context! { target, text }).collect();
    let heading = match status.as_u16() {
        404 if is_several_commits(error) => "There is more than one",
        404 => "Nothing is there",
        400 => "The question is not right",
        401 => "That needs another key",
        403 if matches!(error, ApiError::Denied(_)) => "Your key does not allow that",
        403 => "There is more than one",
        _ if matches!(cause(error), Some(AnswerError::TooLong | AnswerError::TooLarge)) => "That asks for too much",
        503 if matches!(error, ApiError::Busy(_)) || matches!(cause(error), Some(AnswerError::Busy)) => {
            "The server is busy"
        }
        503 => "The store is away",
        _ => "That did not work",
    };
    let values = context! { heading, text => error.to_string(), near, next };
    let page = service.pages.render(status, "error.html", Some(status.as_str()), values);
    page.unwrap_or_else(|error| error.into_response())
}

/// Pages and suites that the path may have meant.
async fn near_path(service: &Service, path: &str) -> Vec<Link> {
    let mut found: Vec<Link> = Vec::new();
    if PAGES.contains(&path) || path.starts_with("/archive") || path.starts_with("/urls/") {
        return found;
    }
    found.extend(nearest(path, PAGES).into_iter().map(|page| (page.to_owned(), page.to_owned())));
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let last = decoded.rsplit('/').next().unwrap_or_default();
    // Only a help: without the store the page does without.
    let suites = suites::recent(&service.store).await.unwrap_or_default();
    for suite in nearest(last, suites.iter().map(String::as_str)) {
        let name: String = form_urlencoded::byte_serialize(suite.as_bytes()).collect();
        found.push((format!("/suites?suite={name}"), suite.to_owned()));
    }
    found
}

/// The same question with a parameter's name put right, if the error names one.
fn near_parameter(text: &str, path: &str, query: Option<&str>) -> Option<Link> {
    let (wrong, _) = text.strip_prefix('\'')?.split_once("' not supported")?;
    let known = [&CONFIGURATION[..], &POINT, &RANGE, &TIMES, &PARAMETERS, &failure_filter::OWN].concat();
    // What this page does not take is no better under its own name.
    let right = nearest(wrong, known).into_iter().find(|right| *right != wrong)?;
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut fixed = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        fixed.append_pair(if name == wrong { right } else { &name }, &value);
    }
    Some((format!("{path}?{}", fixed.finish()), right.to_owned()))
}

/// Why a question has no answer, also where several questions waited for it.
fn cause(error: &ApiError) -> Option<&AnswerError> {
    let ApiError::Answer(cause) = error else { return None };
    let mut cause = cause;
    while let AnswerError::Shared(shared) = cause {
        cause = shared;
    }
    Some(cause)
}

/// The suite that an error says is not known.
fn unknown_suite(error: &ApiError) -> Option<&str> {
    match cause(error)? {
        AnswerError::UnknownSuite(suite) => Some(suite),
        _ => None,
    }
}

/// The same question about the suites that may have been meant.
async fn near_suites(service: &Service, wrong: &str, path: &str, query: Option<&str>) -> Vec<Link> {
    // Only a help: without the store the page does without.
    let known = suites::recent(&service.store).await.unwrap_or_default();
    let named = |right: &str| {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut fixed = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            let is_meant = name == "suite" && value == wrong;
            fixed.append_pair(&name, if is_meant { right } else { &value });
        }
        (format!("{path}?{}", fixed.finish()), right.to_owned())
    };
    nearest(wrong, known.iter().map(String::as_str)).into_iter().map(named).collect()
}

/// Whether one commit is meant and several are there.
fn is_several_commits(error: &ApiError) -> bool {
    matches!(cause(error), Some(AnswerError::SeveralCommits(_)))
}

/// What to do now.
fn ways_on(error: &ApiError, path: &str, query: Option<&str>) -> Vec<Link> {
    let asked = query.map_or_else(String::new, |query| format!("?{query}"));
    let link = |target: String, text: &str| (target, text.to_owned());
    let is = |status| error.status() == status;
    match error {
        ApiError::Ambiguous(_) => vec![link(format!("/archive{asked}"), "Choose one of the archives")],
        _ if is(StatusCode::NOT_FOUND) && path.starts_with("/archive") && path != "/archive" => {
            vec![link(format!("/archive{asked}"), "See what the archives hold")]
        }
        _ if is_several_commits(error) => vec![link(format!("/commits{asked}"), "Choose one of the commits")],
        _ if is(StatusCode::NOT_FOUND) && path.starts_with("/commit") => {
            vec![link("/commits".to_owned(), "Search for a commit")]
        }
        _ if unknown_suite(error).is_some() => vec![link("/suites".to_owned(), "See the suites")],
        _ if is(StatusCode::BAD_REQUEST) && PAGES.contains(&path) => {
            vec![link(path.to_owned(), "Start this page anew")]
        }
        ApiError::Answer(AnswerError::Store(_) | AnswerError::Busy | AnswerError::Shared(_)) | ApiError::Blob(_)
            if is(StatusCode::SERVICE_UNAVAILABLE) =>
        {
            vec![link(format!("{path}{asked}"), "Try again")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_parameter_is_put_right() {
        let text = "'platfrom' not supported in queries by this endpoint";
        let found = near_parameter(text, "/suites", Some("platfrom=mac&limit=2"));
        assert_eq!(found, Some(("/suites?platform=mac&limit=2".to_owned(), "platform".to_owned())));
        assert_eq!(near_parameter("Limit must be a positive integer", "/suites", Some("limit=x")), None);
        assert_eq!(near_parameter("'zzzz' not supported in queries", "/", Some("zzzz=1")), None);
        let own = near_parameter("'limit' not supported in queries by this endpoint", "/causes", Some("limit=e"));
        assert!(own.is_none_or(|(_, right)| right != "limit"));
    }
}
