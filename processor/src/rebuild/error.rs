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
    /// A rebuild with another plan was broken off; the text is the command that asked for it.
    #[error(
        "another rebuild was broken off; go on with `{0}` and the same --data-dir or --config, or give it up with --start-over"
    )]
    Unfinished(String),
    /// A rebuild was broken off whose plan cannot be read.
    #[error("a rebuild by another version was broken off; go on with that version, or give it up with --start-over")]
    UnfinishedByAnother,
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
    /// Live views cannot be read, so that nobody can say whether rows are lost.
    #[error(
        "the live tables of {views} cannot be read ({cause}){others}; nothing was swapped; go on with --accept-differences, which \
         puts what the events say in their place, or give it up with --start-over"
    )]
    Unreadable {
        /// Names of these views.
        views: String,
        /// What the store said of the first of them.
        cause: String,
        /// Other views with other numbers of rows, if there are any.
        others: String,
    },
    /// Weeks before `--from` are taken from a live view that cannot be read.
    #[error(
        "weeks of {view} that were taken over cannot be read ({cause}); nothing was swapped; give this up with --start-over, without \
         --from or with an earlier day, so that they are made again from their events"
    )]
    TakenOver {
        /// Name of the view.
        view: &'static str,
        /// What the store said.
        cause: String,
    },
}

impl From<BatchError> for RebuildError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Blobs(error) => Self::Blobs(error),
            BatchError::Panicked => Self::Panicked,
        }
    }
}
