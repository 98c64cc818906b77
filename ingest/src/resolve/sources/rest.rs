//! What the REST hosts share: a client with a time limit and a token, and RFC 3339 times.

use std::path::PathBuf;
use std::time::Duration;

use outbound::{Outbound, SAME_ORIGIN_REDIRECTS, explain};
use schema::owners::MAX_FILE_BYTES;
use serde::de::DeserializeOwned;
use ureq::Body;
use ureq::http::Response;

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

/// What is asked of a repository: a path of its part of the API, and parameters.
pub(super) struct Question<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
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
        let Some(mut response) = self.ask(&Question { path, query }, "*/*")? else { return Ok(None) };
        let links = response.headers().get("link").and_then(|links| links.to_str().ok());
        let last_page = links.and_then(last_page);
        let text = outbound::text(&mut response).map_err(|error| self.failed(error))?;
        let value = serde_json::from_str(&text).map_err(|error| self.failed(format!("{path}: {error}")))?;
        Ok(Some(Page { value, last_page }))
    }

    /// The text of a file, which is asked for as a media type; `None` if it does not exist. Errors name it by `file`.
    pub(super) fn text(&self, file: &str, question: &Question<'_>, accepted: &str) -> Result<Option<String>> {
        let Some(mut response) = self.ask(question, accepted)? else { return Ok(None) };
        let unreadable = |cause: String| SourceError::Unreadable { path: file.to_owned(), place: self.place(), cause };
        // A host describes a folder, and a sign-in is a page, in answers that are of no file.
        if let Some(other @ ("application/json" | "text/html")) = response.body().mime_type() {
            return Err(unreadable(format!("the host answers with {other}, as for what is no file")));
        }
        let body = response.body_mut().with_config().limit(MAX_FILE_BYTES as u64).read_to_vec();
        let bytes = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => unreadable(format!("it has more than {limit} bytes")),
            other => self.failed(explain(&other)),
        })?;
        String::from_utf8(bytes).map(Some).map_err(|_| unreadable("it is no text in UTF-8".to_owned()))
    }

    /// The answer to a question; `None` if there is no such thing.
    fn ask(&self, Question { path, query }: &Question<'_>, accepted: &str) -> Result<Option<Response<Body>>> {
        let mut request = self.agent.get(format!("{}{path}", self.base)).query_pairs(query.iter().copied());
        if let Some(token) = &self.token {
            request = request.header(self.header, token);
        }
        let response = request.header("accept", accepted).call().map_err(|error| self.failed(explain(&error)))?;
        match response.status().as_u16() {
            200 => Ok(Some(response)),
            // GitHub answers 422 for a reference that it cannot resolve.
            404 | 422 => Ok(None),
            status => Err(self.failed(format!("status {status} for {path}"))),
        }
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
