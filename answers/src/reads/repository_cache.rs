//! What is remembered of which repositories there are: whoever names a commit asks, and hardly ever one is added.

use std::sync::Arc;

use moka::future::Cache;

use crate::error::AnswerError;

/// Ids of the repositories that registered commits made known, as they were at a watermark.
#[derive(Clone)]
pub(crate) struct RepositoryCache(Cache<u64, Arc<[String]>>);

impl RepositoryCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(4))
    }

    /// The repositories at a watermark, which `load` reads if they are not remembered.
    pub(crate) async fn get(
        &self,
        watermark: u64,
        load: impl Future<Output = Result<Arc<[String]>, AnswerError>>,
    ) -> Result<Arc<[String]>, AnswerError> {
        self.0.try_get_with(watermark, load).await.map_err(AnswerError::Shared)
    }
}
