//! Why the processor stops.

use eventlog::LogError;

/// Why the processor stops.
#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    /// The log failed in a way that waiting does not mend.
    #[error(transparent)]
    Log(#[from] LogError),
    /// So many events fail that the cause is probably not in the events.
    #[error(
        "{dead} of the last {of} events could not be processed, so nothing more is read; the last cause was: {cause}. \
         Check that this is not an older version than the one that wrote them"
    )]
    TooManyDeadLetters {
        /// Number of events that failed.
        dead: usize,
        /// Number of events that were remembered.
        of: usize,
        /// Why the last one failed.
        cause: String,
    },
}
