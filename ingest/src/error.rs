//! What a sender is told when its request is not taken.

use access::Denied;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schema::intake_report::UploadFault;
use web::blocking::BlockingError;
use web::error_body::error_response;
use web::same_site::CrossSiteRequest;

/// Seconds after which a sender may try again what the log or the store could not take.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// A refused request; the text is the answer's description.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// The request is wrong; the text says where.
    #[error("{text}")]
    Bad {
        /// What kind of fault it is.
        fault: UploadFault,
        /// The sentence for the sender.
        text: String,
        /// Which part of the request is wrong, where the wire contract has a text that does not say so.
        detail: Option<String>,
    },
    /// What the request names does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The commit or repository that the request names is not known.
    #[error("{0}")]
    UnknownCommit(String),
    /// The request contradicts what the same sender said before, or what the configuration says.
    #[error("{0}")]
    Conflict(String),
    /// The body is over the limit, MiB.
    #[error("The body is larger than {limit_mib} MiB")]
    TooLarge {
        /// The largest body that is taken, MiB.
        limit_mib: usize,
    },
    /// The body comes in an encoding that is not decoded here.
    #[error(
        "The body has the Content-Encoding '{given}', and only '{taken}' is taken: send the body without an encoding",
        taken = Self::TAKEN_ENCODING
    )]
    UnsupportedEncoding {
        /// The encoding as the sender named it.
        given: String,
    },
    /// The sender may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The log or the store is away; nothing was taken.
    #[error("{0}")]
    Unavailable(String),
}

impl IntakeError {
    /// The only content encoding that is taken: none.
    pub(crate) const TAKEN_ENCODING: &str = "identity";

    /// The same with what the wire contract's text leaves out.
    pub(crate) fn with_detail(mut self, more: impl Into<String>) -> Self {
        if let Self::Bad { detail, .. } = &mut self {
            *detail = Some(more.into());
        }
        self
    }

    /// What a sender is told: the detail, too, where handling is strict, which no sender of the reference asks for.
    pub(crate) fn told(self, is_strict: bool) -> Self {
        match self {
            Self::Bad { fault, text, detail: Some(detail) } if is_strict => faulty(fault, format!("{text}: {detail}")),
            other => other,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Bad { .. } => StatusCode::BAD_REQUEST,
            Self::NotFound(_) | Self::UnknownCommit(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(denied) => denied.status(),
        }
    }

    fn fault(&self) -> UploadFault {
        match self {
            Self::Bad { fault, .. } => *fault,
            Self::UnknownCommit(_) => UploadFault::Commit,
            _ => UploadFault::Other,
        }
    }
}

/// What is wrong with an upload, refused or taken, beside its response.
#[derive(Clone)]
pub(crate) struct ReportedFault {
    pub(crate) fault: UploadFault,
    /// What the sender is told.
    pub(crate) text: String,
}

/// A 400 with this text, of no kind that there is advice for.
pub(crate) fn bad(text: impl Into<String>) -> IntakeError {
    faulty(UploadFault::Other, text)
}

/// A 400 with this text.
pub(crate) fn faulty(fault: UploadFault, text: impl Into<String>) -> IntakeError {
    IntakeError::Bad { fault, text: text.into(), detail: None }
}

/// A 503 for a sender whose request cannot be kept, for want of disk space for example; `what` cannot be kept.
pub(crate) fn not_kept(what: &str, error: &std::io::Error) -> IntakeError {
    IntakeError::Unavailable(format!("The {what} cannot be kept: {error}"))
}

impl From<clickhouse::error::Error> for IntakeError {
    fn from(error: clickhouse::error::Error) -> Self {
        Self::Unavailable(format!("The store is not available: {error}"))
    }
}

impl From<BlockingError> for IntakeError {
    fn from(error: BlockingError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<CrossSiteRequest> for IntakeError {
    fn from(error: CrossSiteRequest) -> Self {
        bad(error.to_string())
    }
}

impl IntoResponse for IntakeError {
    fn into_response(self) -> Response {
        let status = self.status();
        metrics::counter!("resultsdb_refused_requests_total", "status" => status.as_str().to_owned()).increment(1);
        let (fault, text) = (self.fault(), self.to_string());
        let mut response = match &self {
            Self::Denied(denied) => denied.clone().into_response(),
            _ => error_response(status, &text),
        };
        response.extensions_mut().insert(ReportedFault { fault, text });
        match self {
            Self::Unavailable(_) => {
                response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            Self::UnsupportedEncoding { .. } => {
                let taken = HeaderValue::from_static(Self::TAKEN_ENCODING);
                response.headers_mut().insert(header::ACCEPT_ENCODING, taken);
            }
            _ => {}
        }
        response
    }
}
