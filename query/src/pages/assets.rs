//! Static files, and the module of constants that the reference's front end imports.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use super::{files, states};
use crate::QueryOptions;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

/// What the contract says that a script is.
const SCRIPT: &str = "application/javascript;charset=utf-8";
/// Pages ask whether a file is still the same, and are told so by its tag.
const CACHING: &str = "no-cache";
/// The table of states for scripts.
const STATES: &str = "/assets/js/states.js";

/// A file of ours or of a library.
pub(crate) async fn file(uri: Uri, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    Parameters::read(query.as_deref(), &[])?;
    let path = percent_decode_str(uri.path()).decode_utf8().map_err(|_| ApiError::unknown_path())?;
    if path == STATES {
        return Ok(script(states::module()));
    }
    let (kind, contents) = files::asset(&path).ok_or_else(ApiError::unknown_path)?;
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHING)], Body::from(contents)).into_response())
}

/// What the reference's front end imports.
pub(crate) async fn constants(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    Parameters::read(query.as_deref(), &[])?;
    Ok(script(constants_of(&service.options)))
}

fn script(text: String) -> Response {
    ([(header::CONTENT_TYPE, SCRIPT), (header::CACHE_CONTROL, CACHING)], text).into_response()
}

fn constants_of(options: &QueryOptions) -> String {
    let json = |value: serde_json::Value| value.to_string().replace('<', "\\u003c");
    let members = [
        ("XCODE_CLOUD_SUITES", json(serde_json::json!(options.xcode_cloud_suites))),
        ("DEFAULT_ARCHITECTURE", json(serde_json::json!(options.default_architecture))),
        ("TESTS_LIMITS", json(serde_json::json!(options.tests_limits))),
        ("SUITES_LIMITS", json(serde_json::json!(options.suites_limits))),
        ("COMMITS_LIMITS", json(serde_json::json!(options.commits_limits))),
        ("DASHBOARD_QUERY", json(serde_json::json!(options.dashboard_queries))),
    ];
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let mut module: String = members.iter().map(|(name, value)| format!("const {name} = {value};\n")).collect();
    module.push_str(&format!("\nexport {{{}}};\n", names.join(", ")));
    module
}
