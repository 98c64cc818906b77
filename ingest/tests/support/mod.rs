//! A small git repository, and a server that tells of it in the forms of GitHub's and GitLab's REST APIs.
#![allow(unreachable_pub, clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// What git prints; `time` is the time of commits that it makes.
pub fn git(repository: &Path, time: i64, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_AUTHOR_DATE", format!("@{time} +0200"))
        .env("GIT_COMMITTER_DATE", format!("@{time} +0200"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether git agrees.
fn holds(repository: &Path, arguments: &[&str]) -> bool {
    Command::new("git").arg("-C").arg(repository).args(arguments).output().unwrap().status.success()
}

struct Shown {
    hash: String,
    parents: Vec<String>,
    time: String,
    message: String,
}

fn log(repository: &Path, from: &str, size: &str, page: &str) -> Vec<Shown> {
    let skip = size.parse::<u32>().unwrap() * (page.parse::<u32>().unwrap() - 1);
    let text = git(
        repository,
        0,
        &["log", "--format=%H%x1f%P%x1f%cI%x1f%B%x1e", &format!("-n{size}"), &format!("--skip={skip}"), from],
    );
    let shown = |commit: &str| {
        let members: Vec<&str> = commit.trim_start().split('\x1f').collect();
        Shown {
            hash: members[0].to_owned(),
            parents: members[1].split_whitespace().map(str::to_owned).collect(),
            time: members[2].to_owned(),
            message: members[3].trim_end().to_owned(),
        }
    };
    text.split('\x1e').filter(|commit| !commit.trim().is_empty()).map(shown).collect()
}

/// The token that the server wants to see.
pub const TOKEN: &str = "not-so-secret";

/// Serves both APIs; answers the server's address.
pub async fn serve(repository: PathBuf) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(Arc::new(repository));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn answer(
    State(repository): State<Arc<PathBuf>>,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let path: Vec<String> =
        uri.path().split('/').skip(1).map(|it| percent_decode_str(it).decode_utf8().unwrap().into_owned()).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let asked = |name: &str, default: &str| query.get(name).cloned().unwrap_or_else(|| default.to_owned());
    let token = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (page, size) = (asked("page", "1"), asked("per_page", "30"));
    let at: &Path = &repository;
    let exists = |revision: &str| holds(at, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")]);
    let count = |revision: &str| git(at, 0, &["rev-list", "--count", revision]).parse::<u64>().unwrap();
    match path.as_slice() {
        ["repos", "owner", "name", rest @ ..] => {
            if token("authorization") != format!("Bearer {TOKEN}") {
                return (StatusCode::UNAUTHORIZED, "{}").into_response();
            }
            match rest {
                ["commits"] if !exists(&asked("sha", "HEAD")) => missing(),
                ["commits"] => {
                    let from = asked("sha", "HEAD");
                    let found: Vec<Value> = log(at, &from, &size, &page).iter().map(github).collect();
                    let last = count(&from).div_ceil(size.parse().unwrap());
                    let link = format!(
                        "<http://h/commits?page=2>; rel=\"next\", <http://h/commits?per_page={size}&page={last}>; rel=\"last\""
                    );
                    let mut response = axum::Json(found).into_response();
                    if last > 1 {
                        response.headers_mut().insert("link", HeaderValue::from_str(&link).unwrap());
                    }
                    response
                }
                ["commits", revision] if !exists(revision) => (StatusCode::UNPROCESSABLE_ENTITY, "{}").into_response(),
                ["commits", revision] => axum::Json(github(&log(at, revision, "1", "1")[0])).into_response(),
                ["commits", hash, "branches-where-head"] => {
                    let heads =
                        git(at, 0, &["for-each-ref", "--points-at", hash, "--format=%(refname:short)", "refs/heads"]);
                    axum::Json(heads.lines().map(|name| json!({ "name": name })).collect::<Vec<_>>()).into_response()
                }
                ["compare", pair] => {
                    let (base, head) = pair.split_once("...").unwrap();
                    let point = git(at, 0, &["merge-base", base, head]);
                    let status = match (point == git(at, 0, &["rev-parse", base]), point == head) {
                        (true, true) => "identical",
                        (true, false) => "ahead",
                        (false, true) => "behind",
                        (false, false) => "diverged",
                    };
                    axum::Json(json!({ "status": status, "merge_base_commit": { "sha": point } })).into_response()
                }
                _ => missing(),
            }
        }
        ["projects", "group/name", "repository", rest @ ..] => {
            if token("private-token") != TOKEN {
                return (StatusCode::UNAUTHORIZED, "{}").into_response();
            }
            match rest {
                ["commits"] if !exists(&asked("ref_name", "HEAD")) => missing(),
                ["commits"] => {
                    let found = log(at, &asked("ref_name", "HEAD"), &size, &page);
                    axum::Json(found.iter().map(gitlab).collect::<Vec<_>>()).into_response()
                }
                ["commits", revision, ..] if !exists(revision) => missing(),
                ["commits", revision] => axum::Json(gitlab(&log(at, revision, "1", "1")[0])).into_response(),
                ["commits", revision, "sequence"] => axum::Json(json!({ "count": count(revision) })).into_response(),
                ["commits", hash, "refs"] => {
                    let refs =
                        git(at, 0, &["for-each-ref", "--contains", hash, "--format=%(refname:short)", "refs/heads"]);
                    axum::Json(refs.lines().map(|name| json!({ "type": "branch", "name": name })).collect::<Vec<_>>())
                        .into_response()
                }
                ["merge_base"] => {
                    let query = uri.query().unwrap_or_default();
                    let refs: Vec<String> = query
                        .split('&')
                        .filter_map(|pair| pair.split_once('='))
                        .map(|(_, value)| percent_decode_str(value).decode_utf8().unwrap().into_owned())
                        .collect();
                    let point = git(at, 0, &["merge-base", &refs[0], &refs[1]]);
                    axum::Json(json!({ "id": point })).into_response()
                }
                _ => missing(),
            }
        }
        _ => missing(),
    }
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(json!({ "message": "Not Found" }))).into_response()
}

fn github(commit: &Shown) -> Value {
    let person = json!({ "name": "Ada", "email": "ada@example.org", "date": commit.time });
    json!({
        "sha": commit.hash, "node_id": "x",
        "commit": { "author": person, "committer": person, "message": commit.message, "comment_count": 0 },
        "parents": commit.parents.iter().map(|hash| json!({ "sha": hash })).collect::<Vec<_>>(),
    })
}

fn gitlab(commit: &Shown) -> Value {
    json!({
        "id": commit.hash, "short_id": &commit.hash[..8], "parent_ids": commit.parents, "message": commit.message,
        "author_name": "Ada", "author_email": "ada@example.org", "committed_date": commit.time, "title": "x",
    })
}
