//! All events from the first on, as rebuilds and sweeps read them: from the archive as far as it goes, then from the log
//! ([`EventSource`]), which has to have its end still ([`ends`]).

mod end;
mod source;

use eventlog::LogError;

use crate::archive::ArchiveError;

pub(crate) use end::ends;
pub use end::{LostEnd, LostRows, lost_end, lost_rows};
pub(crate) use source::EventSource;

/// Why events cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The archive of events failed, or is damaged.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The store, which knows what was shown, failed.
    #[error(transparent)]
    Store(#[from] clickhouse::error::Error),
    /// Events are missing.
    #[error(
        "events {from} to {to} of partition {partition} are neither in the archive nor in the log any more; \
         restore the archive first"
    )]
    Gone {
        /// Partition of the events' topic.
        partition: u32,
        /// Offset of the first missing event.
        from: u64,
        /// Offset of the last missing event.
        to: u64,
    },
    /// The log lost its end.
    #[error(transparent)]
    LostEnd(#[from] LostEnd),
}
