//! Reads what hooks were told of.

use std::collections::BTreeSet;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Those of some findings that a hook was told of.
pub(crate) async fn known(store: &Store, hook: &str, ids: &[&str]) -> Result<BTreeSet<String>, AnswerError> {
    let told: Vec<String> = Fragment::new("SELECT subject FROM alerts WHERE hook = {hook} AND subject IN {ids}")
        .value("hook", hook)
        .list("ids", ids.iter().copied())
        .all(&store.client)
        .await?;
    Ok(told.into_iter().collect())
}
