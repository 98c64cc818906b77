//! Where changes are reviewed: finds the gate's comment at a change and edits it, or writes it.

mod api;
pub(crate) mod check;

use anyhow::{Context, bail};
use reports::document::Head;
use serde::Deserialize;
use serde_json::{Value, json};

use super::comment::{MARKER, with_section};
use crate::context::RunContext;
use crate::environment::Environment;
use api::{Api, Method};

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
    api: Api,
    /// Where they are listed and written.
    list: String,
    /// Where one of them is, without its id.
    each: String,
    /// How a comment is edited.
    edits: Method,
}

/// Writes what the gate found of this suite and configuration into the comment of the change.
pub(super) fn publish(
    forge: Forge,
    environment: &Environment,
    context: &RunContext,
    section: &str,
) -> anyhow::Result<()> {
    let change = context.head.change.as_ref().context("the change is not known: give --change ID")?;
    publish_section(forge, environment, &change.id, &key(&context.head), section)
}

/// Writes a section into the comment of a change, in the place of an earlier one of the same key.
///
/// # Errors
/// The forge refuses, or the environment does not say where it is.
pub(crate) fn publish_section(
    forge: Forge,
    environment: &Environment,
    change: &str,
    key: &str,
    section: &str,
) -> anyhow::Result<()> {
    let comments = Comments::of(forge, environment, change)?;
    let earlier = comments.find()?;
    let body =
        with_section(earlier.as_ref().and_then(|comment| comment.body.as_deref()).unwrap_or_default(), key, section);
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
        let api = Api::of(forge, environment)?;
        Ok(match forge {
            Forge::GitHub => {
                let issues = format!("{}/issues", api.url);
                let list = format!("{issues}/{change}/comments");
                Self { api, list, each: format!("{issues}/comments"), edits: Method::Patch }
            }
            Forge::GitLab => {
                let notes = format!("{}/merge_requests/{change}/notes", api.url);
                Self { api, list: notes.clone(), each: notes, edits: Method::Put }
            }
        })
    }

    /// The gate's comment, if it wrote one.
    fn find(&self) -> anyhow::Result<Option<Comment>> {
        for page in 1..=PAGES {
            let text = self.api.get(&self.list, &format!("per_page={PAGE}&page={page}"))?;
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
        self.api.send(self.edits, &format!("{}/{id}", self.each), &json!({ "body": body }))
    }

    fn write(&self, body: &str) -> anyhow::Result<()> {
        self.api.send(Method::Post, &self.list, &json!({ "body": body }))
    }
}

#[cfg(test)]
mod tests;
