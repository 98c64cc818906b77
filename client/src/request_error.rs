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
