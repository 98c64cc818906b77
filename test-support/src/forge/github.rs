//! GitHub's REST API for one repository.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::history::{Commit, Entry, Repository};
use super::{Question, missing};

/// Answers what is asked below `/repos/owner/name`.
pub(super) fn answer(repository: &Repository, question: &Question, path: &[&str]) -> Response {
    match path {
        ["commits"] => commits(repository, question),
        ["commits", revision] if !repository.has(revision) => (StatusCode::UNPROCESSABLE_ENTITY, "{}").into_response(),
        ["commits", revision] => Json(shown(&repository.commit(revision))).into_response(),
        ["commits", hash, "branches-where-head"] => {
            let heads =
                repository.git(&["for-each-ref", "--points-at", hash, "--format=%(refname:short)", "refs/heads"]);
            Json(heads.lines().map(|name| json!({ "name": name })).collect::<Vec<_>>()).into_response()
        }
        ["compare", pair] => compare(repository, pair),
        ["contents", path @ ..] => contents(repository, question, &path.join("/")),
        _ => missing(),
    }
}

/// A page of the history, with a link to its last one.
fn commits(repository: &Repository, question: &Question) -> Response {
    let from = question.parameter("sha", "HEAD");
    if !repository.has(&from) {
        return missing();
    }
    let (size, page) = question.page();
    let commits: Vec<Value> = repository.log(&from, size, page).iter().map(shown).collect();
    let last = repository.count(&from).div_ceil(size);
    let link = format!(
        "<http://h/commits?page=2>; rel=\"next\", <http://h/commits?per_page={size}&page={last}>; rel=\"last\""
    );
    let mut response = Json(commits).into_response();
    if last > 1 {
        response.headers_mut().insert("link", HeaderValue::from_str(&link).unwrap());
    }
    response
}

/// A file as it is, to whoever asks for that.
fn contents(repository: &Repository, question: &Question, path: &str) -> Response {
    let found = repository.entry(&question.parameter("ref", "HEAD"), path);
    let raw = question.accept == "application/vnd.github.raw+json";
    match found {
        None => missing(),
        Some(Entry::Folder) => Json(json!([{ "type": "file", "name": "a" }])).into_response(),
        Some(Entry::File(_)) if !raw => Json(json!({ "type": "file", "encoding": "base64" })).into_response(),
        Some(Entry::File(bytes)) => {
            ([("content-type", format!("{}; charset=utf-8", question.accept))], bytes).into_response()
        }
    }
}

/// How two revisions, joined by three dots, lie to each other; the second one is a whole hash.
fn compare(repository: &Repository, pair: &str) -> Response {
    let (base, head) = pair.split_once("...").unwrap();
    let point = repository.git(&["merge-base", base, head]);
    let status = match (point == repository.git(&["rev-parse", base]), point == head) {
        (true, true) => "identical",
        (true, false) => "ahead",
        (false, true) => "behind",
        (false, false) => "diverged",
    };
    Json(json!({ "status": status, "merge_base_commit": { "sha": point } })).into_response()
}

fn shown(commit: &Commit) -> Value {
    let person = json!({ "name": "Ada", "email": "ada@example.org", "date": commit.time });
    json!({
        "sha": commit.hash, "node_id": "x",
        "commit": { "author": person, "committer": person, "message": commit.message, "comment_count": 0 },
        "parents": commit.parents.iter().map(|hash| json!({ "sha": hash })).collect::<Vec<_>>(),
    })
}
