//! Why a server that was asked gave no answer.

use std::io;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The server cannot be reached, or cannot take requests now.
    #[error("{url} is away: {reason}")]
    Away {
        /// What was asked.
        url: String,
        /// Why it has no answer.
        reason: String,
    },
    /// Whoever asks is not let in, which says nothing of what is sent: another key, or other files for TLS, may help.
    #[error("{url} does not let this sender in: {reason}")]
    NotLetIn {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server does not take the request: sending it again does not help.
    #[error("{url} answered {status}: {text}")]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the server says.
        text: String,
    },
    /// What is to be sent cannot be read.
    #[error("what is to be sent cannot be read: {0}")]
    Unreadable(io::Error),
}
