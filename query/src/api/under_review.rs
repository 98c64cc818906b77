//! Changes under review: `GET /api/changes-under-review`, and `GET /api/changes-under-review/<id>` about one.

use answers::table::schema_of;
use answers::under_review::{self, ChangeUnderReview, RecentChanges};
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::layers::paths::Rest;
use crate::parameters::Parameters;
use crate::service::Shared;

pub(crate) const RECENT: Operation = Operation::get(
    "/api/changes-under-review",
    "Changes under review that ran within eight weeks, those that ran last first",
    &[&["limit", "format"]],
    schema_of::<RecentChanges>,
);

pub(crate) const ONE: Operation = Operation::get(
    "/api/changes-under-review/{id}",
    "A change under review: its runs, what it broke and what it mended, what is known of its failures, and what a check says",
    &[&["format"]],
    schema_of::<ChangeUnderReview>,
);

/// The changes that ran lately.
pub(crate) async fn recent(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<RecentChanges>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &RECENT)?;
    Ok(Rows(under_review::recent(&service.store, parameters.given_limit()?).await?))
}

/// One of them.
pub(crate) async fn one(
    State(service): Shared,
    Rest(id): Rest,
    RawQuery(query): RawQuery,
) -> Result<Rows<ChangeUnderReview>, ApiError> {
    Parameters::of(query.as_deref(), &ONE)?;
    let site = service.options.address.as_deref();
    Ok(Rows(under_review::find(&service.store, &id, site).await?))
}
