//! Bearers that are no keys.

use async_trait::async_trait;

use crate::denied::Denied;
use crate::scope::Scopes;

/// Knows bearers that are no keys, such as tokens of CIs.
#[async_trait]
pub trait BearerCheck: std::fmt::Debug + Send + Sync {
    /// Who sends this text at `now`, seconds since 1970.
    ///
    /// # Errors
    /// It does not count.
    async fn check(&self, text: &str, now: i64) -> Result<Bearer, Denied>;
}

/// Whoever sends a text that is no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Who it is, as events and the audit say it.
    pub actor: String,
    /// What they may do.
    pub scopes: Scopes,
    /// The run of a CI that they speak for, and no other.
    pub run: String,
}
