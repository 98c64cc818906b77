//! What the REST hosts share: a client with a time limit and a token, and RFC 3339 times.

use std::path::PathBuf;
use std::time::Duration;

use outbound::{Outbound, SAME_ORIGIN_REDIRECTS, explain};
use serde::de::DeserializeOwned;

use super::host::{Result, SourceError};

/// How long a host may take to answer: an uploader waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks one repository of a host.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    header: &'static str,
    token: Option<String>,
}

/// What a host answered, and the number of the last page if it is one page of a list.
pub(super) struct Page<T> {
    pub(super) value: T,
    pub(super) last_page: Option<u64>,
}

impl Client {
    /// A client of the API at `base`; `header` carries the token, after `prefix`.
    pub(super) fn new(
        outbound: &Outbound,
        base: String,
        header: &'static str,
        prefix: &str,
        token: Option<PathBuf>,
    ) -> Result<Self> {
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).map_err(|error| SourceError::Failed {
                place: base.clone(),
                cause: format!("the token file {} cannot be read: {error}", path.display()),
            })?;
            Ok(format!("{prefix}{}", text.trim()))
        };
        let token = token.map(read).transpose()?;
        // Hosts redirect to the new path of a repository that was renamed.
        let agent = outbound
            .agent(&base, TIMEOUT, SAME_ORIGIN_REDIRECTS)
            .map_err(|error| SourceError::Failed { place: base.clone(), cause: error.to_string() })?;
        Ok(Self { agent, base, header, token })
    }

    pub(super) fn place(&self) -> String {
        self.base.clone()
    }

    pub(super) fn failed(&self, cause: impl ToString) -> SourceError {
        SourceError::Failed { place: self.place(), cause: cause.to_string() }
    }

    /// Asks for `path`; `None` if it does not exist.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Page<T>>> {
        let mut request = self.agent.get(format!("{}{path}", self.base)).query_pairs(query.iter().copied());
        if let Some(token) = &self.token {
            request = request.header(self.header, token);
        }
        let mut response = request.call().map_err(|error| self.failed(explain(&error)))?;
        match response.status().as_u16() {
            200 => {}
            // GitHub answers 422 for a reference that it cannot resolve.
            404 | 422 => return Ok(None),
            status => return Err(self.failed(format!("status {status} for {path}"))),
        }
        let links = response.headers().get("link").and_then(|links| links.to_str().ok());
        let last_page = links.and_then(last_page);
        let text = outbound::text(&mut response).map_err(|error| self.failed(error))?;
        let value = serde_json::from_str(&text).map_err(|error| self.failed(format!("{path}: {error}")))?;
        Ok(Some(Page { value, last_page }))
    }
}

/// The number of the page that a `Link` header (RFC 8288) calls the last.
fn last_page(links: &str) -> Option<u64> {
    let last = links.split(',').find(|link| link.contains("rel=\"last\""))?;
    let target = last.split_once('<')?.1.split_once('>')?.0;
    let query = target.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page")?.1.parse().ok()
}

/// Seconds since the Unix epoch of an RFC 3339 time.
pub(super) fn seconds(time: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp())
}

/// A name as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_is_found_among_the_links() {
        let links = "<https://h/c?sha=a&page=2>; rel=\"next\", <https://h/c?per_page=1&page=1017>; rel=\"last\"";
        assert_eq!(last_page(links), Some(1017));
        assert_eq!(last_page("<https://h/c?page=1>; rel=\"first\""), None);
    }

    #[test]
    fn times_count_their_zone() {
        assert_eq!(seconds("2026-01-01T00:00:00Z"), Some(1_767_225_600));
        assert_eq!(seconds("2026-01-01T01:00:00.000+01:00"), Some(1_767_225_600));
        assert_eq!(seconds("yesterday"), None);
    }
}
