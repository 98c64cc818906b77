//! What somebody is told who may not do what they ask for.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use web::error_body::error_response;

/// Why a request is not let in. None of the texts holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It came without a key, and needs one.
    #[error("This needs a key: send one as 'Authorization: Bearer rdb_…', or in an upload as 'api_key'")]
    NoKey,
    /// It came with something that is no key that counts.
    #[error("The key does not count: {0}")]
    BadKey(String),
    /// It came with a token that does not count.
    #[error("The token does not count: {0}")]
    BadToken(String),
    /// It came with a token that allows nothing.
    #[error("The token allows nothing: {0}")]
    UselessToken(String),
    /// It came with a token that cannot be checked now.
    #[error("The token cannot be checked: {0}")]
    UncheckedToken(String),
    /// Somebody is known and has no role.
    #[error("{0} has no role on this server: ask whoever runs it for one")]
    NoRole(String),
    /// Somebody could not be signed in.
    #[error("The sign-in failed: {0}")]
    SignInFailed(String),
    /// Nobody can be signed in now.
    #[error("Nobody can be signed in now: {0}")]
    SignInAway(String),
    /// Its key does not allow this.
    #[error("{who} does not allow {what}: it has the scopes '{scopes}'")]
    Forbidden {
        /// Whose key.
        who: String,
        /// What was asked for.
        what: String,
        /// What it allows.
        scopes: String,
    },
    /// A page of another site sends it in the name of whoever reads that page.
    #[error("A page of another site asked for this; open the page here and do it there")]
    CrossSite,
    /// They sent too many requests.
    #[error("There are too many requests of yours; come again in {seconds} s")]
    TooMany {
        /// When another is taken, seconds from now.
        seconds: u64,
    },
    /// The keys cannot be read yet.
    #[error("The keys cannot be read yet; try again")]
    Unready,
}

impl Denied {
    /// The HTTP status: who is not known may come again with a key (401), who is known may not (403).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoKey | Self::BadKey(_) | Self::BadToken(_) | Self::SignInFailed(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::UselessToken(_) | Self::CrossSite | Self::NoRole(_) => StatusCode::FORBIDDEN,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unready | Self::UncheckedToken(_) | Self::SignInAway(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What the header `WWW-Authenticate` says of it (RFC 6750, section 3).
    pub fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::NoKey | Self::SignInFailed(_) => Some("Bearer"),
            Self::BadKey(_) | Self::BadToken(_) => Some("Bearer error=\"invalid_token\""),
            Self::Forbidden { .. } | Self::UselessToken(_) | Self::NoRole(_) => {
                Some("Bearer error=\"insufficient_scope\"")
            }
            Self::CrossSite | Self::TooMany { .. } | Self::Unready | Self::UncheckedToken(_) | Self::SignInAway(_) => {
                None
            }
        }
    }

    /// After how many seconds the same may be let in.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { seconds } => Some(*seconds),
            Self::Unready => Some(1),
            Self::UncheckedToken(_) | Self::SignInAway(_) => Some(10),
            _ => None,
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let status = self.status();
        metrics::counter!("resultsdb_denied_requests_total", "status" => status.as_str().to_owned()).increment(1);
        let mut response = error_response(status, &self.to_string());
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        // Pages tell it in their own way.
        response.extensions_mut().insert(self);
        response
    }
}
