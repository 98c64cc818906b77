//! The keys, and who changed what by hand.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::clock::now_signed;

use crate::api::access::{KeySummary, all_keys, entries};
use crate::error::ApiError;
use crate::service::Shared;

/// The keys.
pub(crate) async fn keys(State(service): Shared) -> Result<Response, ApiError> {
    let now = now_signed();
    let over = |at: Option<u32>| at.is_some_and(|at| i64::from(at) <= now);
    let row = |key: KeySummary| {
        let state = match () {
            () if over(key.ends_at) => "revoked",
            () if over(key.expires_at) => "expired",
            () => "counts",
        };
        let can_end = state == "counts" && !key.is_configured;
        let until = [key.ends_at, key.expires_at].into_iter().flatten().min();
        context! { state, can_end, until, ..Value::from_serialize(&key) }
    };
    let rows: Vec<Value> = all_keys(&service).await?.into_iter().map(row).collect();
    let values = context! { page => "/admin/keys", rows, is_open => service.options.door.is_open() };
    service.pages.render(StatusCode::OK, "keys.html", Some("Keys"), values)
}

/// Who changed what.
pub(crate) async fn audit(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let rows = entries(&service, query.as_deref()).await?;
    service.pages.render(StatusCode::OK, "audit.html", Some("Audit"), context! { page => "/admin/audit", rows })
}
