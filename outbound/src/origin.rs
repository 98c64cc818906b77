//! Scheme, host and port of an address.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

use crate::OutboundError;
use crate::allow::plain_host;

/// Where a request goes, whatever its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    /// In the form of [`plain_host`]; an IPv6 address stands in brackets.
    host: String,
    port: u16,
}

impl Origin {
    pub(crate) fn of_address(url: &str) -> Result<Self, OutboundError> {
        let uri = url.parse().map_err(|_| OutboundError::Address)?;
        Self::of(&uri).ok_or(OutboundError::Address)
    }

    /// None for what is no address of the web.
    pub fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = plain_host(uri.host().filter(|host| !host.is_empty())?);
        Some(Self { scheme, host, port: uri.port_u16().unwrap_or(default_port) })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether requests to it are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }

    /// Whether it is this machine by its spelling; other names may lead there, too.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']').parse();
        self.host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of_address(url).unwrap()
    }

    #[test]
    fn ports_of_schemes_are_known_and_people_are_not_hosts() {
        assert_eq!(origin("https://A.example.org./x?y"), origin("https://a.example.org:443"));
        assert_eq!(origin("http://127.0.0.1@evil.example.org/").host(), "evil.example.org");
        assert_eq!(origin("http://[::1]:8080/").to_string(), "http://[::1]:8080");
        assert_ne!(origin("http://a.example.org:443"), origin("https://a.example.org"));
    }

    #[test]
    fn what_is_not_of_the_web_is_refused_without_showing_it() {
        for url in
            ["", "a", "/secret", "ftp://a/secret", "file:///secret", "http://", "http:///secret", "http://a b/secret"]
        {
            let error = Origin::of_address(url).unwrap_err();
            assert_eq!(error, OutboundError::Address, "{url}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
