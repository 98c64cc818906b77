//! `GET /api/commits…`: commits, their neighbours and siblings, branches, repositories.

use std::collections::BTreeMap;

use answers::table::schema_of;
use answers::{commit_search, commits};
use axum::Json;
use axum::extract::{RawQuery, State};
use schema::commit::Commit;
use serde_json::{Map, Value, json};
use web::openapi::{Operation, texts};

use crate::error::ApiError;
use crate::parameters::{POINT, Parameters, RANGE, commits as questions};
use crate::service::{Service, Shared};

pub(crate) const FIND: Operation =
    Operation::get("/api/commits", "Commits, oldest first", &[&POINT, &RANGE, &["limit"]], schema_of::<Vec<Commit>>)
        .of_reference();
pub(crate) const FIND_TOO: Operation =
    Operation::get("/api/commits/find", "The same as GET /api/commits", FIND.parameters, FIND.answer).of_reference();
pub(crate) const SIBLINGS: Operation = Operation::get(
    "/api/commits/siblings",
    "Commits of the other repositories beside one commit, newest first",
    &[&POINT, &RANGE],
    schema_of::<BTreeMap<String, Vec<Commit>>>,
)
.of_reference();
pub(crate) const NEXT: Operation =
    Operation::get("/api/commits/next", "The commit after one on its branch", SIBLINGS.parameters, FIND.answer)
        .of_reference();
pub(crate) const PREVIOUS: Operation =
    Operation::get("/api/commits/previous", "The commit before one on its branch", SIBLINGS.parameters, FIND.answer)
        .of_reference();
pub(crate) const BRANCHES: Operation = Operation::get(
    "/api/commits/branches",
    "Branches of each repository, by prefix",
    &[&["repository_id", "branch", "limit"]],
    schema_of::<BTreeMap<String, Vec<String>>>,
)
.of_reference();
pub(crate) const REPOSITORIES: Operation =
    Operation::get("/api/commits/repositories", "Ids of the repositories", &[], texts);
pub(crate) const REPRESENTATIONS: Operation =
    Operation::get("/api/commits/representations", "How commits of each repository are named", &[], BRANCHES.answer);

/// Commits answered if the question names no limit.
const COMMITS: u64 = 100;

/// The one commit that a query names.
pub(crate) async fn exactly_one(service: &Service, query: Option<&str>) -> Result<Commit, ApiError> {
    let parameters = Parameters::of(query, &SIBLINGS)?;
    Ok(commit_search::exactly_one(&service.store, &questions::question(&parameters)?).await?)
}

/// The commits that are asked for.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<Commit>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &FIND)?;
    let limit = parameters.limit(COMMITS)?;
    Ok(Json(commit_search::find(&service.store, &questions::question(&parameters)?, limit).await?))
}

/// Commits of other repositories beside one.
pub(crate) async fn siblings(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<BTreeMap<String, Vec<Commit>>>, ApiError> {
    let commit = exactly_one(&service, query.as_deref()).await?;
    Ok(Json(commits::siblings(&service.store, &commit).await?))
}

/// The commit after one.
pub(crate) async fn next(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<Commit>>, ApiError> {
    let commit = exactly_one(&service, query.as_deref()).await?;
    Ok(Json(Vec::from_iter(commits::next(&service.store, &commit).await?)))
}

/// The commit before one.
pub(crate) async fn previous(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<Commit>>, ApiError> {
    let commit = exactly_one(&service, query.as_deref()).await?;
    Ok(Json(Vec::from_iter(commits::previous(&service.store, &commit).await?)))
}

/// Branches by prefix.
pub(crate) async fn branches(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<BTreeMap<String, Vec<String>>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &BRANCHES)?;
    let mut prefixes = parameters.texts("branch");
    if prefixes.is_empty() {
        prefixes.push(String::new());
    }
    let ids = parameters.texts("repository_id");
    Ok(Json(commits::branches(&service.store, &ids, &prefixes, parameters.limit(COMMITS)?).await?))
}

/// Ids of the repositories.
pub(crate) async fn repositories(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<String>>, ApiError> {
    Parameters::of(query.as_deref(), &REPOSITORIES)?;
    let known = commits::repositories(&service.store).await?;
    Ok(Json(known.into_iter().map(|repository| repository.id).collect()))
}

/// How commits of each repository are named.
pub(crate) async fn representations(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Map<String, Value>>, ApiError> {
    Parameters::of(query.as_deref(), &REPRESENTATIONS)?;
    let known = commits::repositories(&service.store).await?;
    let mut named: Map<_, _> = known.into_iter().map(|repository| (repository.id, json!([]))).collect();
    named.extend(service.options.repositories.iter().map(|(id, it)| (id.clone(), json!(it.representations))));
    Ok(Json(named))
}
