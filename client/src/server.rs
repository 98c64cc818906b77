//! Requests to the server: with retries while it is away, and with what it says when it refuses.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::thread::sleep;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use ureq::http::{Response, Uri};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, RequestBuilder, SendBody};

use crate::answered;
use crate::ci_token::CiTokens;
use crate::environment::Environment;
pub use crate::request_error::RequestError;

/// What the server says of an upload that it took in, though something about it is odd.
const WARNING: &str = "resultsdb-warning";
/// Statuses of a server that cannot take a request now, but may later.
const AWAY: [u16; 5] = [408, 429, 502, 503, 504];
/// The longest text of an answer that is read.
const ANSWER_BYTES: u64 = 64 << 20;

/// An address at which no server can be.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not the address of a server: write it as https://results.example.org")]
pub struct NoAddress(String);

/// A text that cannot be a key.
#[derive(Debug, thiserror::Error)]
#[error("the key is not one line of letters, digits and signs: was more copied than the key?")]
pub struct NoKey;

/// A server and how often it is tried.
#[derive(Debug)]
pub struct Server {
    agent: Agent,
    url: String,
    attempts: u32,
    bearer: Option<Bearer>,
}

/// What is sent with every request, to say who asks. It is never printed.
enum Bearer {
    Key(String),
    OfCi(CiTokens),
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Bearer(…)")
    }
}

/// The body of a request, read anew for each attempt, with its bytes counted before.
pub(crate) type Open<'b> = &'b mut dyn FnMut() -> io::Result<(Box<dyn Read>, u64)>;

/// How often a command asks that says nothing else.
pub const TRIES: u32 = 5;

impl Server {
    /// The server at an address, which is tried so often while it is away.
    ///
    /// # Errors
    /// No server can be there.
    pub fn new(url: &str, attempts: u32) -> Result<Self, NoAddress> {
        let address: Option<Uri> = url.parse().ok();
        let is_one = |address: &Uri| {
            matches!(address.scheme_str(), Some("http" | "https"))
                && address.host().is_some_and(|host| !host.is_empty())
        };
        if !address.as_ref().is_some_and(is_one) {
            return Err(NoAddress(url.to_owned()));
        }
        Ok(Self {
            agent: agent(TlsConfig::default()),
            url: url.trim_end_matches('/').to_owned(),
            attempts: attempts.max(1),
            bearer: None,
        })
    }

    /// The same server, spoken to with another trust than in the public authorities.
    #[must_use]
    pub fn with_tls(self, tls: TlsConfig) -> Self {
        Self { agent: agent(tls), ..self }
    }

    /// The same server, which is shown a key; an empty one is none, as of a pipeline whose secret is not set.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn with_key(mut self, key: Option<String>) -> Result<Self, NoKey> {
        let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        if key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(NoKey);
        }
        self.bearer = key.map(Bearer::Key);
        Ok(self)
    }

    /// The same server, which is shown a token of the CI for an audience.
    ///
    /// # Errors
    /// The CI gives no tokens to those who ask.
    pub(crate) fn with_ci_token(mut self, environment: &Environment, audience: &str) -> anyhow::Result<Self> {
        self.bearer = Some(Bearer::OfCi(CiTokens::of(environment, audience, agent(TlsConfig::default()))?));
        Ok(self)
    }

    fn authorization(&self) -> Result<Option<String>, RequestError> {
        Ok(match &self.bearer {
            None => None,
            Some(Bearer::Key(key)) => Some(format!("Bearer {key}")),
            Some(Bearer::OfCi(tokens)) => Some(format!("Bearer {}", tokens.token()?)),
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The text of the answer to a GET request.
    ///
    /// # Errors
    /// The server is away, or refuses.
    pub fn get(&self, path: &str) -> Result<String, RequestError> {
        self.tried(path, |bearer| authorized(self.agent.get(format!("{}{path}", self.url)), bearer).call())
    }

    /// Writes the answer to a GET request to a file, from its beginning.
    pub(crate) fn download(&self, path: &str, file: &mut File) -> Result<(), RequestError> {
        self.retried(|| {
            let request = authorized(self.agent.get(format!("{}{path}", self.url)), self.authorization()?);
            let mut response = self.taken(path, request.call())?;
            file.rewind().and_then(|()| file.set_len(0)).map_err(RequestError::Unreadable)?;
            let copied = io::copy(&mut response.body_mut().as_reader(), file);
            copied.map(drop).map_err(|error| RequestError::Away { url: self.shown(path), reason: error.to_string() })
        })
    }

    /// The text of the answer to a small JSON document.
    ///
    /// # Errors
    /// The server is away, or refuses.
    pub fn ask(&self, path: &str, question: &Value) -> Result<String, RequestError> {
        let body = question.to_string();
        self.tried(path, |bearer| {
            let request = authorized(self.agent.post(format!("{}{path}", self.url)), bearer);
            let request = request.header("Content-Type", "application/json");
            request.send(body.as_bytes())
        })
    }

    /// Posts a body with headers. Warnings of the server are printed to standard error.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], open: Open<'_>) -> Result<(), RequestError> {
        let mut unreadable = None;
        let answered = self.tried(path, |bearer| {
            let (mut body, length) = match open() {
                Ok(opened) => opened,
                Err(error) => {
                    unreadable = Some(error);
                    return Err(ureq::Error::Io(io::Error::other("no body")));
                }
            };
            let mut request = authorized(self.agent.post(format!("{}{path}", self.url)), bearer);
            request = request.header("Content-Length", length);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.send(SendBody::from_reader(&mut body))
        });
        match unreadable {
            Some(error) => Err(RequestError::Unreadable(error)),
            None => self.stored(path, &answered?),
        }
    }

    /// Posts a JSON document as it is, with what the server may find odd about it.
    pub(crate) fn post_json(&self, path: &str, document: &[u8]) -> Result<(), RequestError> {
        let mut open = || Ok((Box::new(io::Cursor::new(document.to_vec())) as Box<dyn Read>, document.len() as u64));
        self.post(path, &[("Content-Type", "application/json")], &mut open)
    }

    /// Posts a small body of a content type. What the server would take only in part is refused, since whoever posts from a
    /// command line can mend it; requests that know no such handling pass the preference over.
    ///
    /// # Errors
    /// The server is away, or refuses.
    pub fn post_small(&self, path: &str, media: &str, body: &[u8]) -> Result<(), RequestError> {
        let headers = [("Content-Type", media), ("Prefer", "handling=strict")];
        let body = body.to_vec();
        self.post(path, &headers, &mut || Ok((Box::new(io::Cursor::new(body.clone())), body.len() as u64)))
    }

    /// The text of the answer to a request, which is made anew while the server is away.
    fn tried(
        &self,
        path: &str,
        mut request: impl FnMut(Option<String>) -> Result<Response<Body>, ureq::Error>,
    ) -> Result<String, RequestError> {
        self.retried(|| {
            let mut response = self.taken(path, request(self.authorization()?))?;
            let text = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_string();
            if let Some(warning) = response.headers().get(WARNING).and_then(|value| value.to_str().ok()) {
                eprintln!("{}: {warning}", self.shown(path));
            }
            let url = self.shown(path);
            match text {
                Err(error) => Err(RequestError::Away { url, reason: error.to_string() }),
                Ok(text) => match answered::page(&response, &text) {
                    Some(page) => Err(RequestError::Refused { url, status: response.status().as_u16(), text: page }),
                    None => Ok(text),
                },
            }
        })
    }

    /// Whether an answer is that of a server that stored what was posted: whatever else listens at an address says 200, too.
    fn stored(&self, path: &str, answer: &str) -> Result<(), RequestError> {
        #[derive(Deserialize)]
        struct Answer {
            status: String,
        }
        match serde_json::from_str::<Answer>(answer) {
            Ok(Answer { status }) if status == "ok" => Ok(()),
            _ => {
                let begin = answered::begin(answer.trim());
                let text = format!("{begin:?} is no answer of a resultsdb: {}", answered::CHECK_ADDRESS);
                Err(RequestError::Refused { url: self.shown(path), status: 200, text })
            }
        }
    }

    fn retried<T>(&self, mut attempt: impl FnMut() -> Result<T, RequestError>) -> Result<T, RequestError> {
        let mut attempts = 1;
        loop {
            match attempt() {
                Err(RequestError::Away { .. }) if attempts < self.attempts => {}
                answered => return answered,
            }
            sleep(Duration::from_millis(200 << attempts.min(6)));
            attempts += 1;
        }
    }

    /// A response of a server that took the request.
    fn taken(&self, path: &str, response: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, RequestError> {
        let url = self.shown(path);
        let mut response = match response {
            Ok(response) => response,
            Err(error) => return Err(unanswered(url, &error)),
        };
        let status = response.status().as_u16();
        if (200..=299).contains(&status) {
            return Ok(response);
        }
        if (300..=399).contains(&status) {
            let place = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or("elsewhere");
            let text = format!("it sends to {place}: give the address to which that leads");
            return Err(RequestError::Refused { url, status, text });
        }
        let text = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_string().unwrap_or_default();
        let text = answered::error(status, &text);
        Err(match status {
            _ if AWAY.contains(&status) => RequestError::Away { url, reason: format!("it answered {status}: {text}") },
            401 | 403 => RequestError::NotLetIn { url, reason: format!("it answered {status}: {text}") },
            _ => RequestError::Refused { url, status, text },
        })
    }

    /// The address of a request as people are told it.
    fn shown(&self, path: &str) -> String {
        format!("{}{}", self.url, path.split('?').next().unwrap_or_default())
    }
}

fn authorized<B>(request: RequestBuilder<B>, authorization: Option<String>) -> RequestBuilder<B> {
    match authorization {
        None => request,
        Some(authorization) => request.header("Authorization", authorization),
    }
}

/// What rustls says where the two sides' certificates do not go together, which waiting does not mend.
const NO_TRUST: [&str; 6] =
    ["UnknownIssuer", "NotValidForName", "CertificateRequired", "UnknownCA", "BadCertificate", "CertificateUnknown"];

/// Why a request has no answer, with what helps against it.
fn unanswered(url: String, error: &ureq::Error) -> RequestError {
    let mut reason = error.to_string();
    let is_of_sender = NO_TRUST.iter().any(|said| reason.contains(said))
        || matches!(error, ureq::Error::Http(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) | ureq::Error::Rustls(_));
    if reason.contains("UnknownIssuer") {
        reason.push_str("; name the authority of its certificate with --ca");
    }
    if is_of_sender { RequestError::NotLetIn { url, reason } } else { RequestError::Away { url, reason } }
}

fn agent(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        // A redirected POST becomes a GET on the way, and what was to be stored is lost.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(120)))
        .user_agent(concat!("resultsdb-client/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Server;
    use crate::stand_in::StandIn;

    #[test]
    fn what_is_no_address_is_told_before_anything_is_sent() {
        for url in ["", "foo", "http://", "ftp://a", "results.example.org"] {
            let error = Server::new(url, 1).map(drop).unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{url}' is not the address of a server")), "{error}");
        }
        assert_eq!(Server::new("https://a.example.org/results/", 1).unwrap().url(), "https://a.example.org/results");
    }

    #[test]
    fn what_cannot_be_a_key_is_told_before_anything_is_sent() {
        let with = |key: &str| Server::new("http://127.0.0.1:9", 1).unwrap().with_key(Some(key.to_owned())).map(drop);
        assert!(with("rdb_u_abc\n").is_ok() && with(" ").is_ok());
        for key in ["rdb_u_abc\nsecond line", "rdb u", "schlüssel"] {
            assert!(with(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn a_wrong_path_is_told_in_a_sentence() {
        let page = "<!DOCTYPE html><title>nginx</title><h1>Not here</h1>";
        for (status, told) in
            [(404, "404: nothing of a resultsdb is there"), (200, "200: a page for browsers is no answer")]
        {
            let stand_in = StandIn::answering(vec![(status, page.to_owned()), (status, page.to_owned())]);
            let server = Server::new(&format!("{}/wrong", stand_in.url), 1).unwrap();
            for error in [server.get("/api/standing?suite=s"), server.ask("/api/verdicts", &serde_json::json!({}))] {
                let error = error.unwrap_err().to_string();
                let begin = format!("{}/wrong/api/", stand_in.url);
                assert!(error.starts_with(&begin) && error.contains(told) && error.contains("--url"), "{error}");
                assert!(!error.contains('<'), "{error}");
            }
        }
    }
}
