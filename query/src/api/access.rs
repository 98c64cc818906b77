//! `GET /api/keys`: who may come in; `GET /api/audit`: who changed what by hand.

use access::KeyRecord;
use answers::audit::{self, AuditEntry, ENTRIES};
use answers::keys::{self, ListedKey};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use schemars::JsonSchema;
use serde::Serialize;
use web::openapi::Operation;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::{Service, Shared};

pub(crate) const KEYS: Operation = Operation::get(
    "/api/keys",
    "Keys that were made, the youngest first, and those that the configuration names; nobody sees the keys themselves",
    &[],
    schema_of::<Vec<KeySummary>>,
);

pub(crate) const AUDIT: Operation = Operation::get(
    "/api/audit",
    "What people changed by hand, and who, the newest first",
    &[&["limit"]],
    schema_of::<Vec<AuditEntry>>,
);

/// A key, without what it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeySummary {
    /// The beginning of its digest.
    pub(crate) id: String,
    /// What it is for.
    pub(crate) name: String,
    /// What it allows.
    pub(crate) scopes: Vec<String>,
    /// Whether the configuration names it, which alone can end it.
    pub(crate) is_configured: bool,
    /// When it was made, seconds since 1970.
    pub(crate) created_at: Option<u32>,
    /// From when on it counts no more, seconds since 1970.
    pub(crate) expires_at: Option<u32>,
    /// When somebody ended it, seconds since 1970; a time to come of one that was replaced.
    pub(crate) ends_at: Option<u32>,
    /// When it was last used, to a minute, seconds since 1970.
    pub(crate) used_at: Option<u32>,
}

impl From<ListedKey> for KeySummary {
    fn from(key: ListedKey) -> Self {
        let some = |seconds: u32| (seconds > 0).then_some(seconds);
        let ListedKey { id, name, scopes, created_at, expires_at, ends_at, used_at } = key;
        let (created_at, expires_at) = (some(created_at), some(expires_at));
        Self {
            id,
            name,
            scopes,
            is_configured: false,
            created_at,
            expires_at,
            ends_at: some(ends_at),
            used_at: some(used_at),
        }
    }
}

impl From<&KeyRecord> for KeySummary {
    fn from(key: &KeyRecord) -> Self {
        let (id, name, scopes) = (key.id.clone(), key.name.clone(), key.scopes.texts());
        Self { id, name, scopes, is_configured: true, created_at: None, expires_at: None, ends_at: None, used_at: None }
    }
}

/// All keys.
pub(crate) async fn all_keys(service: &Service) -> Result<Vec<KeySummary>, ApiError> {
    let stored = keys::find(&service.store).await?;
    let configured = service.options.door.configured_keys();
    let configured = configured.iter().map(|key| KeySummary::from(&**key));
    Ok(stored.into_iter().map(KeySummary::from).chain(configured).collect())
}

/// The keys.
pub(crate) async fn list_keys(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<KeySummary>>, ApiError> {
    Parameters::of(query.as_deref(), &KEYS)?;
    Ok(Json(all_keys(&service).await?))
}

/// What was done last.
pub(crate) async fn entries(service: &Service, query: Option<&str>) -> Result<Vec<AuditEntry>, ApiError> {
    let parameters = Parameters::of(query, &AUDIT)?;
    Ok(audit::find(&service.store, parameters.limit(ENTRIES)?).await?)
}

/// What people changed by hand.
pub(crate) async fn audit(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<AuditEntry>>, ApiError> {
    Ok(Json(entries(&service, query.as_deref()).await?))
}
