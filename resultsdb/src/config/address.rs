//! The address of the pages: an origin, without a path.

use axum::http::Uri;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};

/// What is expected, for whoever wrote something else.
const EXPECTED: &str = "where people find the pages, such as \"https://results.example.org\", without a path";

/// Reads it; a slash at the end is left out.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let uri: Option<Uri> = text.parse().ok();
    let is_origin = |uri: &Uri| {
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_host = uri.authority().is_some_and(|of| !of.host().is_empty() && !of.as_str().contains('@'));
        is_web && has_host && uri.path() == "/" && uri.query().is_none()
    };
    if !uri.as_ref().is_some_and(is_origin) {
        return Err(D::Error::invalid_value(Unexpected::Str(&text), &EXPECTED));
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}
