//! Where changes are reviewed: finds the gate's comment at a change and edits it, or writes it.

use std::time::Duration;

use anyhow::{Context, bail};
use reports::document::Head;
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;

use super::comment::{MARKER, with_section};
use crate::context::RunContext;
use crate::environment::Environment;

/// Comments of a page, and pages that are looked through.
const PAGE: usize = 100;
const PAGES: usize = 20;

/// A system in which changes are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Forge {
    /// GitHub, at `GITHUB_API_URL`.
    #[value(name = "github")]
    GitHub,
    /// GitLab, at `CI_API_V4_URL`.
    #[value(name = "gitlab")]
    GitLab,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
}

/// The comments of one change.
struct Comments {
    agent: Agent,
    /// Where they are listed and written.
    list: String,
    /// Where one of them is, without its id.
    each: String,
    /// Whether a comment is edited by PATCH; by PUT otherwise.
    patches: bool,
    headers: Vec<(&'static str, String)>,
}

/// Writes what the gate found of this suite and configuration into the comment of the change.
pub(super) fn publish(
    forge: Forge,
    environment: &Environment,
    context: &RunContext,
    section: &str,
) -> anyhow::Result<()> {
    let change = context.head.change.as_ref().context("the change is not known: give --change ID")?;
    let comments = Comments::of(forge, environment, &change.id)?;
    let key = key(&context.head);
    let earlier = comments.find()?;
    let body =
        with_section(earlier.as_ref().and_then(|comment| comment.body.as_deref()).unwrap_or_default(), &key, section);
    match earlier {
        Some(comment) => comments.edit(comment.id, &body),
        None => comments.write(&body),
    }
}

fn key(head: &Head) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = head.configuration.iter().filter(|(name, _)| *name != "is_simulator").map(|(_, value)| text(value));
    let part = head.shard.as_ref().map(|shard| format!("part {}", shard.index));
    let members: Vec<String> = members.chain(part).collect();
    format!("{} on {}", head.suite, members.join(" "))
}

impl Comments {
    fn of(forge: Forge, environment: &Environment, change: &str) -> anyhow::Result<Self> {
        if !change.bytes().all(|byte| byte.is_ascii_digit()) || change.is_empty() {
            bail!("a change is commented on by its number, and {change} is none");
        }
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
                let issues = format!("{api}/repos/{repository}/issues");
                Self {
                    agent,
                    list: format!("{issues}/{change}/comments"),
                    each: format!("{issues}/comments"),
                    patches: true,
                    headers,
                }
            }
            Forge::GitLab => {
                let api = needed(&["CI_API_V4_URL"])?;
                // A merge request from a fork is the target's, where the comment belongs.
                let project = needed(&["CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID"])?;
                let notes = format!("{}/projects/{project}/merge_requests/{change}/notes", api.trim_end_matches('/'));
                let token = match environment.text("GITLAB_TOKEN") {
                    Some(token) => ("PRIVATE-TOKEN", token),
                    None => ("JOB-TOKEN", needed(&["GITLAB_TOKEN", "CI_JOB_TOKEN"])?),
                };
                Self { agent, list: notes.clone(), each: notes, patches: false, headers: vec![token] }
            }
        })
    }

    /// The gate's comment, if it wrote one.
    fn find(&self) -> anyhow::Result<Option<Comment>> {
        for page in 1..=PAGES {
            let url = format!("{}?per_page={PAGE}&page={page}", self.list);
            let mut request = self.agent.get(&url);
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
            let mut response = request.call().with_context(|| format!("{} cannot be reached", self.list))?;
            check(&self.list, response.status().as_u16())?;
            let text = response.body_mut().read_to_string()?;
            let comments: Vec<Comment> = serde_json::from_str(&text).context("the comments cannot be read")?;
            let count = comments.len();
            let of_gate = |comment: &Comment| comment.body.as_ref().is_some_and(|body| body.starts_with(MARKER));
            if let Some(comment) = comments.into_iter().find(of_gate) {
                return Ok(Some(comment));
            }
            if count < PAGE {
                break;
            }
        }
        Ok(None)
    }

    fn edit(&self, id: u64, body: &str) -> anyhow::Result<()> {
        let url = format!("{}/{id}", self.each);
        self.send(if self.patches { self.agent.patch(&url) } else { self.agent.put(&url) }, &url, body)
    }

    fn write(&self, body: &str) -> anyhow::Result<()> {
        self.send(self.agent.post(&self.list), &self.list, body)
    }

    fn send(
        &self,
        mut request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        url: &str,
        body: &str,
    ) -> anyhow::Result<()> {
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = json!({ "body": body }).to_string();
        let response = request.header("Content-Type", "application/json").send(body.as_bytes());
        check(url, response.with_context(|| format!("{url} cannot be reached"))?.status().as_u16())
    }
}

fn check(url: &str, status: u16) -> anyhow::Result<()> {
    match status {
        200..=299 => Ok(()),
        401 | 403 => bail!("{url} answered {status}: the token may not comment"),
        status => bail!("{url} answered {status}"),
    }
}

#[cfg(test)]
mod tests;
