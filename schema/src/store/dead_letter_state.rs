//! What was done about a dead letter, by the names that the store and the API use.

/// What was done about a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterState {
    /// Nobody has decided yet.
    Waiting,
    /// The event was appended to the log again.
    Replayed,
    /// The event was given up.
    Discarded,
}

impl DeadLetterState {
    /// The name that the store and the API use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}
