//! GitLab's REST API for the repository of one project.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::history::{Commit, Entry, Repository};
use super::{Question, decoded, missing};

/// Answers what is asked below `/projects/group%2Fname/repository`.
pub(super) fn answer(repository: &Repository, question: &Question, path: &[&str]) -> Response {
    match path {
        ["commits"] => {
            let from = question.parameter("ref_name", "HEAD");
            if !repository.has(&from) {
                return missing();
            }
            let (size, page) = question.page();
            Json(repository.log(&from, size, page).iter().map(shown).collect::<Vec<_>>()).into_response()
        }
        ["commits", revision, ..] if !repository.has(revision) => missing(),
        ["commits", revision] => Json(shown(&repository.commit(revision))).into_response(),
        ["commits", revision, "sequence"] => Json(json!({ "count": repository.count(revision) })).into_response(),
        ["commits", hash, "refs"] => {
            let refs = repository.git(&["for-each-ref", "--contains", hash, "--format=%(refname:short)", "refs/heads"]);
            let refs = refs.lines().map(|name| json!({ "type": "branch", "name": name }));
            Json(refs.collect::<Vec<_>>()).into_response()
        }
        ["files", path, "raw"] => match repository.entry(&question.parameter("ref", "HEAD"), path) {
            Some(Entry::File(bytes)) => ([("content-type", "text/plain; charset=utf-8")], bytes).into_response(),
            Some(Entry::Folder) | None => missing(),
        },
        ["merge_base"] => {
            // The parameter `refs[]` stands twice.
            let pairs = question.query.split('&').filter_map(|pair| pair.split_once('='));
            let refs: Vec<String> = pairs.map(|(_, value)| decoded(value)).collect();
            Json(json!({ "id": repository.git(&["merge-base", &refs[0], &refs[1]]) })).into_response()
        }
        _ => missing(),
    }
}

fn shown(commit: &Commit) -> Value {
    json!({
        "id": commit.hash, "short_id": &commit.hash[..8], "parent_ids": commit.parents, "message": commit.message,
        "author_name": "Ada", "author_email": "ada@example.org", "committed_date": commit.time, "title": "x",
    })
}
