//! `POST /api/commits`, also as `POST /api/commits/register`: registers a commit, complete or by a name that its
//! repository's host knows.

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use schema::commit::CommitInput;
use schema::event::Request;
use serde_json::{Value, json};
use web::openapi::{Operation, shared};
use web::prefer::{Handling, Preferences};

use super::schemas::REFUSALS;
use crate::append::no_payload;
use crate::checks::document;
use crate::error::{IntakeError, bad};
use crate::resolve::commits::ResolvedCommit;
use crate::sender::{API_KEY, Sender};
use crate::state::Intake;
use crate::wait::append_and_show;

/// `POST /api/commits`.
pub(crate) const OPERATION: Operation = Operation::post(
    "/api/commits",
    "Register a commit, complete or by a name that its repository's host knows",
    || shared("Ok"),
    REFUSALS,
)
.taking(|| shared("GivenCommit"));
/// The reference's name of the same operation.
pub(crate) const REGISTER: Operation =
    Operation { path: "/api/commits/register", summary: "The same as POST /api/commits", ..OPERATION };

pub(crate) async fn register(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    mut sender: Sender,
    body: Body,
) -> Result<Json<Value>, IntakeError> {
    let (body, _memory) = intake.body_memory.read(query.as_deref(), &sender.headers, body).await?;
    let is_strict = Preferences::of(&sender.headers).handling == Some(Handling::Strict);
    let raw = document::object(&body).map_err(|error| error.told(is_strict))?;
    let mut value: Value = serde_json::from_str(raw).map_err(|error| bad(error.to_string()))?;
    let api_key = value.as_object_mut().and_then(|members| members.remove(API_KEY));
    sender.identify(&intake.door, api_key.as_ref().and_then(Value::as_str))?;
    let repository = value.get("repository_id").and_then(Value::as_str).unwrap_or_default();
    let default_branch = intake.commits.default_branch(repository);
    let read = CommitInput::from_json(&value, default_branch);
    let commit = read.map_err(|error| document::no_commit(&error, "").told(is_strict))?;
    sender.may_register(&commit)?;
    let unregistered = match commit {
        CommitInput::Reference { repository_id, reference, change } => {
            match intake.commits.find(&repository_id, &reference, change.as_deref()).await? {
                ResolvedCommit::Stored(_) => None,
                ResolvedCommit::Elsewhere(commit) => Some(commit),
            }
        }
        CommitInput::Complete(commit) => Some(commit),
    };
    if let Some(commit) = unregistered {
        let may_be_of_new = sender.may_introduce(&commit.repository_id);
        let commit = intake.commits.place(commit, may_be_of_new).await?;
        let key = commit.repository_id.clone().into_bytes();
        // An upload that names the commit may follow at once, at another instance.
        append_and_show(&intake.appender, &key, Request::Commit(commit), no_payload(), &sender, "commit").await?;
    }
    Ok(Json(json!({ "status": "ok" })))
}
