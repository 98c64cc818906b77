//! What people changed by hand, and who.

use crate::error::AnswerError;
pub use crate::reads::audit::AuditEntry;
use crate::reads::audit::newest;
use crate::store::Store;

/// Entries answered if the question names no limit.
pub const ENTRIES: u64 = 200;

/// What was done last, the newest first.
pub async fn find(store: &Store, limit: u64) -> Result<Vec<AuditEntry>, AnswerError> {
    newest(store, limit).await
}
