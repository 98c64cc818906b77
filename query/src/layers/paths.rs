//! Paths that are written in another way, and what they name.

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::error::ApiError;
use crate::parameters::name;

/// Leads a path with doubled slashes to the one without.
pub(crate) async fn without_doubled_slashes(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.contains("//") {
        return next.run(request).await;
    }
    let mut single = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !single.ends_with('/') {
            single.push(character);
        }
    }
    let target = request.uri().query().map_or_else(|| single.clone(), |query| format!("{single}?{query}"));
    with_location(StatusCode::PERMANENT_REDIRECT, &target)
}

/// A 302 to a link.
pub(crate) fn redirect(link: &str) -> Response {
    with_location(StatusCode::FOUND, link)
}

fn with_location(status: StatusCode, target: &str) -> Response {
    match HeaderValue::from_str(target) {
        Ok(target) => (status, [(header::LOCATION, target)]).into_response(),
        Err(_) => ApiError::Gone("The link holds characters that no address can have".to_owned()).into_response(),
    }
}

/// What a path names where its pattern has names in braces: the rest of the path from the first of them on, decoded. Names
/// of suites and tests may hold slashes, however they are spelled.
pub(crate) struct Rest(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Rest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let matched = parts.extensions.get::<MatchedPath>().ok_or_else(ApiError::unknown_path)?;
        let fixed = matched.as_str().split('{').next().unwrap_or_default();
        let rest = parts.uri.path().get(fixed.len()..).unwrap_or_default();
        let decoded = percent_decode_str(rest).decode_utf8().map_err(|_| ApiError::unknown_path())?;
        Ok(Self(decoded.into_owned()))
    }
}

/// A suite whose name may hold slashes.
pub(crate) struct Suite(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Suite {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Rest(rest) = Rest::from_request_parts(parts, state).await?;
        Ok(Self(name(&rest)))
    }
}

/// A suite, and after the first slash a test of it. A suite that nothing but a slash follows has it in its name.
pub(crate) struct SuiteAndTest {
    pub(crate) suite: String,
    pub(crate) test: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for SuiteAndTest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Rest(rest) = Rest::from_request_parts(parts, state).await?;
        Ok(match rest.split_once('/') {
            None | Some((_, "")) => Self { suite: name(&rest), test: None },
            Some((suite, test)) => Self { suite: name(suite), test: Some(name(test)) },
        })
    }
}
