//! A server that tells of a git repository in the forms of GitHub's and GitLab's REST APIs.

mod github;
mod gitlab;
mod history;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use percent_encoding::percent_decode_str;
use serde_json::json;

use self::history::Repository;
use crate::Task;

/// The token that the server wants to see.
pub const TOKEN: &str = "not-so-secret";

/// Serves both APIs, GitHub's for the repository `owner/name` and GitLab's for the project `group/name`; returns the
/// server's address.
pub fn serve(repository: PathBuf) -> Task<'static, String> {
    Box::pin(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(Arc::new(Repository(repository)));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        url
    })
}

/// What a request asks for, beside its path.
struct Question {
    parameters: HashMap<String, String>,
    /// The same as it was sent.
    query: String,
    /// What the answer may be.
    accept: String,
}

impl Question {
    fn parameter(&self, name: &str, default: &str) -> String {
        self.parameters.get(name).map_or(default, String::as_str).to_owned()
    }

    /// How many commits a page has, and which page it is, from 1.
    fn page(&self) -> (u64, u64) {
        (self.parameter("per_page", "30").parse().unwrap(), self.parameter("page", "1").parse().unwrap())
    }
}

async fn answer(
    State(repository): State<Arc<Repository>>,
    uri: Uri,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let path: Vec<String> = uri.path().split('/').skip(1).map(decoded).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (query, accept) = (uri.query().unwrap_or_default().to_owned(), header("accept").to_owned());
    let question = Question { parameters, query, accept };
    match path.as_slice() {
        ["repos", "owner", "name", rest @ ..] if header("authorization") == format!("Bearer {TOKEN}") => {
            github::answer(&repository, &question, rest)
        }
        ["projects", "group/name", "repository", rest @ ..] if header("private-token") == TOKEN => {
            gitlab::answer(&repository, &question, rest)
        }
        ["repos", "owner", "name", ..] | ["projects", "group/name", "repository", ..] => {
            (StatusCode::UNAUTHORIZED, "{}").into_response()
        }
        _ => missing(),
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "message": "Not Found" }))).into_response()
}
