//! The API of a forge: one repository or project, and the token that may write to it.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use ureq::typestate::WithBody;
use ureq::{Agent, RequestBuilder};

use super::Forge;
use crate::environment::Environment;

/// A repository of GitHub's, or a project of GitLab's.
pub(super) struct Api {
    agent: Agent,
    /// Its address.
    pub(super) url: String,
    headers: Vec<(&'static str, String)>,
}

impl Api {
    /// What the environment of a pipeline says.
    ///
    /// # Errors
    /// A variable is not set.
    pub(super) fn of(forge: Forge, environment: &Environment) -> anyhow::Result<Self> {
        let needed =
            |names: &[&str]| environment.first(names).with_context(|| format!("{} is not set", names.join(" or ")));
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .user_agent(concat!("resultsdb-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(match forge {
            Forge::GitHub => {
                let api = environment.get("GITHUB_API_URL").unwrap_or("https://api.github.com").trim_end_matches('/');
                let repository = needed(&["GITHUB_REPOSITORY"])?;
                let headers = vec![
                    ("Authorization", format!("Bearer {}", needed(&["GITHUB_TOKEN"])?)),
                    ("Accept", "application/vnd.github+json".to_owned()),
                    ("X-GitHub-Api-Version", "2022-11-28".to_owned()),
                ];
                Self { agent, url: format!("{api}/repos/{repository}"), headers }
            }
            Forge::GitLab => {
                let api = needed(&["CI_API_V4_URL"])?;
                // A merge request from a fork is the target's, where the comment belongs.
                let project = needed(&["CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID"])?;
                let token = match environment.text("GITLAB_TOKEN") {
                    Some(token) => ("PRIVATE-TOKEN", token),
                    None => ("JOB-TOKEN", needed(&["GITLAB_TOKEN", "CI_JOB_TOKEN"])?),
                };
                let url = format!("{}/projects/{project}", api.trim_end_matches('/'));
                Self { agent, url, headers: vec![token] }
            }
        })
    }

    /// The text of the answer to a GET request for `query` of what lies at `url`.
    ///
    /// # Errors
    /// The forge cannot be reached, or refuses.
    pub(super) fn get(&self, url: &str, query: &str) -> anyhow::Result<String> {
        let mut request = self.agent.get(format!("{url}?{query}"));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut response = request.call().with_context(|| format!("{url} cannot be reached"))?;
        check(url, response.status().as_u16())?;
        Ok(response.body_mut().read_to_string()?)
    }

    /// Sends a document to what lies at `url`.
    ///
    /// # Errors
    /// The forge cannot be reached, or refuses.
    pub(super) fn send(&self, method: Method, url: &str, document: &Value) -> anyhow::Result<()> {
        let mut request: RequestBuilder<WithBody> = match method {
            Method::Post => self.agent.post(url),
            Method::Patch => self.agent.patch(url),
            Method::Put => self.agent.put(url),
        };
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let response = request.header("Content-Type", "application/json").send(document.to_string().as_bytes());
        check(url, response.with_context(|| format!("{url} cannot be reached"))?.status().as_u16())
    }
}

/// How a document is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    Post,
    Patch,
    Put,
}

fn check(url: &str, status: u16) -> anyhow::Result<()> {
    match status {
        200..=299 => Ok(()),
        401 | 403 => bail!("{url} answered {status}: the token may not write there"),
        status => bail!("{url} answered {status}"),
    }
}
