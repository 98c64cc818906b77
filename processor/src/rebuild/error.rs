//! Why a rebuild ends early.

use eventlog::LogError;
use schema::blobs::BlobError;

use super::views::VIEWS;
use crate::batch::BatchError;
use crate::events::EventsError;

/// Why a rebuild ends early.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The store failed.
    #[error("the store: {0}")]
    Store(#[from] clickhouse::error::Error),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Events cannot be read.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The code that makes rows panicked at an event.
    #[error("a batch of events could not be processed: it panicked")]
    Panicked,
    /// The plan names a view that does not exist.
    #[error("'{0}' is not a view; views are: {views}", views = VIEWS.join(", "))]
    UnknownView(String),
    /// A rebuild with another plan was broken off; the text is its stored checkpoint.
    #[error("another rebuild was broken off ({0}); go on with the same options, or give it up with --start-over")]
    Unfinished(String),
    /// Tables that an earlier rebuild replaced are in the way.
    #[error("the tables that an earlier rebuild replaced are still there; remove them with --drop-old first")]
    OldTables,
    /// Rows have to be placed on other shards, and the plan leaves views out; the text lists them.
    #[error(
        "the cluster has {shards} shards, and rows of {views} lie where another number had them: stop every processor, \
         rebuild these views, and start the processors again"
    )]
    Misplaced {
        /// Shards of the cluster.
        shards: u64,
        /// The views that the plan leaves out.
        views: String,
    },
    /// The rebuilt views have other numbers of rows; the text lists them.
    #[error("rows differ: {0}; nothing was swapped; go on with --accept-differences, or give it up with --start-over")]
    Differences(String),
}

impl From<BatchError> for RebuildError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Blobs(error) => Self::Blobs(error),
            BatchError::Panicked => Self::Panicked,
        }
    }
}
