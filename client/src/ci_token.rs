//! The token by which a CI says which run asks, fetched from the CI when it is needed.
//!
//! GitHub gives a job an address and a secret with which the job asks for tokens of an audience of its choice
//! (docs.github.com, "OpenID Connect reference"). A token lives for minutes, so none is kept for long.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;
use ureq::Agent;

use crate::environment::Environment;
use crate::request_error::RequestError;

const ADDRESS: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const SECRET: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// A token that was fetched is used for so long.
const FRESH: Duration = Duration::from_secs(60);
/// A token has a few kilobytes.
const ANSWER_BYTES: u64 = 64 << 10;

/// Where a job gets its tokens.
pub(crate) struct CiTokens {
    agent: Agent,
    url: String,
    secret: String,
    last: Mutex<Option<(Instant, String)>>,
}

impl CiTokens {
    /// What the CI of this process gives for an audience.
    ///
    /// # Errors
    /// The CI gives no tokens to those who ask.
    pub(crate) fn of(environment: &Environment, audience: &str, agent: Agent) -> anyhow::Result<Self> {
        let (Some(address), Some(secret)) = (environment.get(ADDRESS), environment.text(SECRET)) else {
            bail!(
                "this job is given no tokens, for which --ci-token asks: at GitHub it needs `permissions: id-token: write`; \
                 elsewhere put the token that the CI gives into RESULTSDB_KEY, without --ci-token"
            );
        };
        let audience: String = form_urlencoded::byte_serialize(audience.as_bytes()).collect();
        let joint = if address.contains('?') { '&' } else { '?' };
        let url = format!("{address}{joint}audience={audience}");
        url.parse::<ureq::http::Uri>().with_context(|| format!("{ADDRESS} is no address"))?;
        Ok(Self { agent, url, secret, last: Mutex::default() })
    }

    /// A token that counts now.
    ///
    /// # Errors
    /// The CI does not answer, or gives none.
    pub(crate) fn token(&self) -> Result<String, RequestError> {
        #[derive(Deserialize)]
        struct Answer {
            value: String,
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((fetched, token)) = &*last
            && fetched.elapsed() < FRESH
        {
            return Ok(token.clone());
        }
        let url = || self.url.split('?').next().unwrap_or_default().to_owned();
        let away = |reason: String| RequestError::Away { url: url(), reason };
        let asked = self.agent.get(&self.url).header("Authorization", format!("Bearer {}", self.secret)).call();
        let mut response = asked.map_err(|error| away(error.to_string()))?;
        let status = response.status().as_u16();
        if status >= 500 {
            return Err(away(format!("it answered {status}")));
        }
        let text = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_string().unwrap_or_default();
        let answer: Option<Answer> = serde_json::from_str(&text).ok();
        let Some(Answer { value }) = answer.filter(|answer| {
            status == 200 && !answer.value.is_empty() && answer.value.bytes().all(|byte| byte.is_ascii_graphic())
        }) else {
            let reason = format!("it answered {status} and gives no token of the CI");
            return Err(RequestError::NotLetIn { url: url(), reason });
        };
        *last = Some((Instant::now(), value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::server::Server;
    use crate::stand_in::StandIn;

    /// A server that is asked with tokens of a stand-in for the CI.
    fn asking(ci: &StandIn, server: &StandIn, tries: u32) -> Server {
        let given = [(ADDRESS, format!("{}/token?api=2", ci.url)), (SECRET, "secret".to_owned())];
        let environment = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Server::new(&server.url, tries).unwrap().with_ci_token(&environment, "https://results.example.org").unwrap()
    }

    #[test]
    fn every_request_has_a_fresh_token_of_the_ci() {
        let ci = StandIn::answering(vec![(503, String::new()), (200, r#"{"count":1,"value":"eyJ.a.b"}"#.to_owned())]);
        let results = StandIn::answering(vec![(200, "one".to_owned()), (200, "two".to_owned())]);
        let server = asking(&ci, &results, 2);
        assert_eq!((server.get("/a").unwrap(), server.get("/b").unwrap()), ("one".to_owned(), "two".to_owned()));
        for seen in results.seen() {
            assert!(seen.headers.iter().any(|header| header == "authorization: Bearer eyJ.a.b"), "{seen:?}");
        }
        let asked = ci.seen();
        assert_eq!(asked[1].line, "GET /token?api=2&audience=https%3A%2F%2Fresults.example.org HTTP/1.1");
        assert!(asked[1].headers.iter().any(|header| header == "authorization: Bearer secret"), "{asked:?}");
    }

    #[test]
    fn a_ci_that_gives_no_token_is_named_and_the_server_is_not_asked() {
        let ci = StandIn::answering(vec![(403, r#"{"message":"no"}"#.to_owned())]);
        let results = StandIn::answering(Vec::new());
        let error = asking(&ci, &results, 3).get("/a").unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{}/token does not let this sender in: it answered 403 and gives no token of the CI", ci.url)
        );
        assert!(results.seen().is_empty());
    }

    #[test]
    fn a_job_without_tokens_is_told_how_to_get_them() {
        let agent = || Agent::config_builder().build().into();
        let of = |pairs: &[(&str, &str)]| {
            let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            CiTokens::of(&environment, "https://results.example.org/a b", agent())
        };
        let error = of(&[(ADDRESS, "https://ci.example.org")]).map(drop).unwrap_err().to_string();
        assert!(error.contains("id-token: write"), "{error}");
        let tokens = of(&[(ADDRESS, "https://ci.example.org/t?v=2"), (SECRET, "s")]).unwrap();
        assert_eq!(tokens.url, "https://ci.example.org/t?v=2&audience=https%3A%2F%2Fresults.example.org%2Fa+b");
        assert_eq!(of(&[(ADDRESS, "https://a/t"), (SECRET, "s")]).unwrap().url.matches('?').count(), 1);
    }
}
