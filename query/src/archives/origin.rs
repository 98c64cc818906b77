//! An origin for archived files alone, so that what runs in them is at home where nothing else is.
//!
//! It is another name of this same service. A browser keeps the two apart: archived pages may then use what the sandbox
//! takes from them, and still reach neither pages nor API. Requests by that name are answered with files of archives and
//! with nothing else.

use access::Door;
use answers::archives::Archive;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use web::protection::protect;

use super::SANDBOX;
use crate::error::ApiError;

/// What an archived page may do at its own origin: everything there, and nothing elsewhere.
const APART: &str = "default-src 'self' 'unsafe-inline' data:; connect-src 'self'; form-action 'none'; base-uri 'none'";

/// Where files of archives are, with a session or without.
pub(super) const FILES: &str = "/archive/";
/// Begins the path of a file for whoever has a ticket, which follows, and then the path without.
const APART_PATH: &str = "/apart/";

/// A request was sent to the origin of archives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtOwnOrigin;

/// An address that names no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no origin; archive_origin is scheme and host, such as \"https://archives.example.net\"")]
pub struct ArchiveOriginError(String);

/// Where archived files are served apart from everything else.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ArchiveOrigin {
    scheme: Scheme,
    /// In lower case, and with a port unless it is the scheme's own.
    host: String,
}

impl TryFrom<String> for ArchiveOrigin {
    type Error = ArchiveOriginError;

    fn try_from(text: String) -> Result<Self, ArchiveOriginError> {
        let wrong = || ArchiveOriginError(text.clone());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else { return Err(wrong()) };
        let is_web = [Scheme::HTTP, Scheme::HTTPS].contains(scheme);
        // A character of these would end the origin in a policy.
        let is_plain = !authority.as_str().contains(['@', ';', ',', '*', '\'']) && !authority.host().is_empty();
        if !is_web || !is_plain || uri.path() != "/" || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self { scheme: scheme.clone(), host: plain_host(scheme, authority.as_str()) })
    }
}

impl ArchiveOrigin {
    /// What begins the address of a file of some archives there; none where they are several, of which a ticket would name one.
    pub(super) fn place(&self, door: &Door, archives: &[Archive]) -> Option<String> {
        let address = self.address();
        if !door.is_closed() {
            return Some(address);
        }
        let (first, others) = archives.split_first()?;
        let ticket = door.ticket(&first.digest).filter(|_| others.iter().all(|other| other.digest == first.digest))?;
        Some(format!("{address}{APART_PATH}{ticket}"))
    }

    /// Scheme and host, without a slash at the end.
    pub(super) fn address(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// Whether another address is of the same origin.
    pub fn has(&self, address: &str) -> bool {
        let uri = address.parse::<Uri>().ok();
        let authority = uri.as_ref().and_then(|uri| Some((uri.scheme()?, uri.authority()?)));
        authority.is_some_and(|(scheme, authority)| {
            *scheme == self.scheme && plain_host(scheme, authority.as_str()) == self.host
        })
    }

    /// Whether a request was sent to this origin.
    fn is_asked(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| plain_host(&self.scheme, host) == self.host)
    }
}

/// A host in lower case and without the scheme's own port.
fn plain_host(scheme: &Scheme, host: &str) -> String {
    let port = if *scheme == Scheme::HTTPS { ":443" } else { ":80" };
    host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase()
}

/// Answers requests to the origin of archives, if there is one, with files of archives alone. It has to be around all
/// that listens at the same port.
pub fn separate(app: Router, origin: Option<ArchiveOrigin>) -> Router {
    match origin {
        Some(origin) => app.layer(from_fn_with_state(origin, keep_apart)),
        None => app,
    }
}

async fn keep_apart(State(origin): State<ArchiveOrigin>, mut request: Request, next: Next) -> Response {
    if !origin.is_asked(request.headers()) {
        return next.run(request).await;
    }
    let is_file = |path: &str| (path.starts_with(FILES) || path.starts_with(APART_PATH)) && !path.ends_with('/');
    if !matches!(*request.method(), Method::GET | Method::HEAD) || !is_file(request.uri().path()) {
        return protect(ApiError::unknown_path().into_response()).await;
    }
    request.extensions_mut().insert(AtOwnOrigin);
    let mut answer = next.run(request).await;
    let policy = answer.headers_mut().get_mut(HeaderName::from_static("content-security-policy"));
    if let Some(policy) = policy.filter(|policy| *policy == SANDBOX) {
        *policy = HeaderValue::from_static(APART);
    }
    answer
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::any;
    use tower::ServiceExt;

    fn origin(text: &str) -> ArchiveOrigin {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn only_origins_are_origins() {
        for text in [
            "",
            "archives.example.net",
            "ftp://a",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://a;b",
            "https://*",
        ] {
            let error = ArchiveOrigin::try_from(text.to_owned()).unwrap_err();
            assert_eq!(error, ArchiveOriginError(text.to_owned()));
        }
        assert_eq!(origin("https://Archives.example.net:443/").address(), "https://archives.example.net");
        assert!(origin("https://a.example.net").has("https://A.example.net:443/x"));
        assert!(!origin("https://a.example.net").has("http://a.example.net"));
        assert!(!origin("https://a.example.net").has("https://b.example.net"));
    }

    async fn ask(method: &str, host: &str, path: &str) -> (StatusCode, String) {
        let policy = (HeaderName::from_static("content-security-policy"), SANDBOX);
        let app = Router::new().fallback(any(move || async { ([policy], "told").into_response() }));
        let app = separate(app, Some(origin("http://archives.example.net:8080")));
        let request = Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).unwrap();
        let answer = app.oneshot(request).await.unwrap();
        let policy = answer.headers().get("content-security-policy").map(|policy| policy.to_str().unwrap().to_owned());
        (answer.status(), policy.unwrap_or_default())
    }

    #[tokio::test]
    async fn the_origin_of_archives_has_nothing_but_files() {
        let host = "Archives.example.net:8080";
        assert_eq!(ask("GET", host, "/archive/a/b.html?x").await, (StatusCode::OK, APART.to_owned()));
        assert_eq!(ask("GET", host, "/apart/1.ab/archive/a.html?x").await, (StatusCode::OK, APART.to_owned()));
        for path in [
            "/",
            "/apart/1.ab/archive/",
            "/archive",
            "/archive/",
            "/archive/a/",
            "/archive-view/a.html",
            "/api/suites",
            "/assets/style.css",
            "/metrics",
        ] {
            assert_eq!(ask("GET", host, path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            assert_eq!(ask(method, host, "/archive/a/b.html").await.0, StatusCode::NOT_FOUND, "{method}");
        }
    }

    #[tokio::test]
    async fn every_other_name_stays_as_it_is() {
        for host in ["results.example.org", "archives.example.net", "archives.example.net:80", ""] {
            for path in ["/archive/a/b.html", "/", "/api/suites"] {
                assert_eq!(ask("GET", host, path).await, (StatusCode::OK, SANDBOX.to_owned()), "{host} {path}");
            }
        }
    }
}
