//! Asks an issuer for its keys.

use std::time::Duration;

use outbound::{Origin, Outbound};
use serde::Deserialize;
use ureq::http::Uri;
use ureq::http::header::CACHE_CONTROL;

use crate::error::IssuerError;
use crate::jwks::{self, Keys};

/// How long an issuer may take for one answer: an upload may wait for it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer, bytes.
pub(crate) const MAX_BYTES: u64 = 64 * 1024;
/// Where an issuer says where its keys are (OpenID Connect Discovery 1.0, section 4).
const DISCOVERY: &str = ".well-known/openid-configuration";

/// Why keys could not be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{url}: {}", outbound::explain(.cause))]
    Failed { url: String, cause: ureq::Error },
    #[error("{url} answers {status}, and redirects are not followed")]
    Status { url: String, status: u16 },
    #[error("{0} does not name an issuer and its keys, or what else is needed of it")]
    NoDiscovery(String),
    #[error("{url} is of the issuer '{issuer}'")]
    OtherIssuer { url: String, issuer: String },
    #[error(
        "the issuer names '{named}', which is of another scheme, host or port; if it is right, configure it as '{member}'"
    )]
    OtherHost { named: String, member: &'static str },
    #[error("{0} has no key that may verify a token")]
    NoKeys(String),
}

/// Keys, and how long they may be kept.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) keys: Keys,
    /// What `Cache-Control: max-age` says, seconds.
    pub(crate) max_age: Option<i64>,
}

/// The addresses of one issuer.
#[derive(Debug)]
pub(crate) struct Source {
    issuer: String,
    origin: Origin,
    /// Where its keys are; none where it has to say so first.
    jwks: Option<String>,
    /// Asks where the keys are, or, if it has to be asked for that, the issuer.
    agent: ureq::Agent,
}

/// What an issuer says of itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Debug, Deserialize)]
pub(crate) struct Discovery {
    issuer: String,
    jwks_uri: String,
    /// Where browsers are sent to sign in.
    pub(crate) authorization_endpoint: Option<String>,
    /// Where a code is exchanged for a token.
    pub(crate) token_endpoint: Option<String>,
    /// How a client may prove itself there; with its secret in a header where this says nothing.
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Source {
    /// The keys of an issuer are at `jwks`, or where it says.
    ///
    /// # Errors
    /// An address is none that may be asked.
    pub(crate) fn new(issuer: &str, jwks: Option<&str>, outbound: &Outbound) -> Result<Self, IssuerError> {
        let allowed = |url: &str| origin(url).ok_or_else(|| IssuerError::Address(url.to_owned()));
        let origin = allowed(issuer)?;
        jwks.map(allowed).transpose()?;
        let asked = jwks.unwrap_or(issuer);
        let agent = outbound.agent(asked, TIMEOUT, 0).map_err(|_| IssuerError::Address(asked.to_owned()))?;
        Ok(Self { issuer: issuer.to_owned(), origin, jwks: jwks.map(str::to_owned), agent })
    }

    /// Asks for the keys. It blocks.
    ///
    /// # Errors
    /// The issuer does not answer, or with something else.
    pub(crate) fn fetch(&self) -> Result<Fetched, FetchError> {
        let url = match &self.jwks {
            Some(url) => url.clone(),
            None => self.own(self.discovery()?.jwks_uri, "jwks")?,
        };
        let (body, max_age) = self.get(&url)?;
        let keys = jwks::read(&body).filter(|keys| !keys.is_empty()).ok_or(FetchError::NoKeys(url))?;
        Ok(Fetched { keys, max_age })
    }

    /// What the issuer says of itself. It blocks.
    ///
    /// # Errors
    /// The issuer does not answer, or with something else.
    pub(crate) fn discovery(&self) -> Result<Discovery, FetchError> {
        let url = format!("{}/{DISCOVERY}", self.issuer.trim_end_matches('/'));
        let (body, _) = self.get(&url)?;
        let Ok(discovery) = serde_json::from_slice::<Discovery>(&body) else {
            return Err(FetchError::NoDiscovery(url));
        };
        if discovery.issuer != self.issuer {
            return Err(FetchError::OtherIssuer { url, issuer: crate::ci::shortened(&discovery.issuer) });
        }
        Ok(discovery)
    }

    /// An address that the issuer names, which this server asks for. It has to be the issuer's own: whoever changes one document
    /// there is not to choose what this server asks for, and whom it tells its secret.
    pub(crate) fn own(&self, url: String, member: &'static str) -> Result<String, FetchError> {
        if origin(&url).as_ref() == Some(&self.origin) {
            return Ok(url);
        }
        Err(FetchError::OtherHost { named: crate::ci::shortened(&url), member })
    }

    /// The body of an answer, and how long it may be kept.
    fn get(&self, url: &str) -> Result<(Vec<u8>, Option<i64>), FetchError> {
        let failed = |cause| FetchError::Failed { url: url.to_owned(), cause };
        let mut response = self.agent.get(url).header("accept", "application/json").call().map_err(failed)?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { url: url.to_owned(), status });
        }
        let max_age = response.headers().get(CACHE_CONTROL).and_then(|value| max_age(value.to_str().ok()?));
        let body = response.body_mut().with_config().limit(MAX_BYTES).read_to_vec().map_err(failed)?;
        Ok((body, max_age))
    }
}

/// The origin of an address that may be asked: `https`, or `http` on loopback, without user, query and fragment.
pub(crate) fn origin(url: &str) -> Option<Origin> {
    let uri: Uri = url.parse().ok().filter(|_| !url.contains('#'))?;
    let is_plain = !uri.authority()?.as_str().contains('@') && uri.query().is_none();
    Origin::of(&uri).filter(|origin| is_plain && (origin.is_encrypted() || origin.is_loopback()))
}

/// Seconds of `max-age` (RFC 9111, section 5.2.2.1); 0 of `no-store` and `no-cache`.
fn max_age(header: &str) -> Option<i64> {
    let seconds = |directive: &str| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "max-age" => value.trim().trim_matches('"').parse().ok().filter(|seconds| *seconds >= 0),
            "no-store" | "no-cache" => Some(0),
            _ => None,
        }
    };
    header.split(',').filter_map(seconds).min()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_may_be_asked() {
        for (url, expected) in [
            ("https://gitlab.com", "https://gitlab.com:443"),
            ("https://GitLab.com:443/oauth/discovery/keys", "https://gitlab.com:443"),
            ("http://127.0.0.1:4711/x", "http://127.0.0.1:4711"),
            ("http://[::1]:4711", "http://[::1]:4711"),
            ("http://localhost", "http://localhost:80"),
        ] {
            assert_eq!(origin(url).map(|origin| origin.to_string()).as_deref(), Some(expected));
        }
        for url in [
            "",
            "gitlab.com",
            "/keys",
            "http://gitlab.com",
            "http://127.0.0.1.example.org",
            "http://10.0.0.1",
            "ftp://gitlab.com",
            "file:///etc/passwd",
            "https://user@gitlab.com",
            "https://gitlab.com@evil.example",
            "https://gitlab.com?x=1",
            "https://gitlab.com#x",
            "https://",
        ] {
            assert_eq!(origin(url), None, "{url}");
        }
    }

    #[test]
    fn the_shortest_age_counts() {
        for (header, expected) in [
            ("max-age=600", Some(600)),
            ("public, Max-Age=\"600\", s-maxage=9", Some(600)),
            ("max-age=600, no-cache", Some(0)),
            ("no-store", Some(0)),
            ("max-age=-1", None),
            ("max-age=99999999999999999999", None),
            ("public", None),
            ("", None),
        ] {
            assert_eq!(max_age(header), expected, "{header}");
        }
    }
}
