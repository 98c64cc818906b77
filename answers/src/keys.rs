//! The keys that were made, without what they are.

use crate::error::AnswerError;
pub use crate::reads::keys::ListedKey;
use crate::store::Store;

/// All of them, the youngest first.
pub async fn find(store: &Store) -> Result<Vec<ListedKey>, AnswerError> {
    crate::reads::keys::all(store).await
}
