//! The part of the configuration that says as whom SQL of others is asked.

use std::path::PathBuf;

use answers::guest::GuestLimits;
use serde::Deserialize;

/// A user of ClickHouse who may read views and nothing else.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sql {
    /// The name.
    pub(crate) user: String,
    /// A file that holds the password.
    pub(crate) password_file: PathBuf,
    /// What a statement may take; `resultsdb sql-user` makes these the user's settings.
    #[serde(default)]
    pub(crate) limits: GuestLimits,
}
