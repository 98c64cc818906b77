//! The check of a change: a check run of GitHub's, or a commit status of GitLab's.

use serde_json::json;

use super::Forge;
use super::api::{Api, Method};
use crate::environment::Environment;

/// The name of the check.
const NAME: &str = "resultsdb";
/// The longest text that GitLab takes, and that of GitHub's summaries, bytes.
const MAX_DESCRIPTION: usize = 250;
const MAX_SUMMARY: usize = 60_000;

/// What a check says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<'c> {
    /// Hash of the commit at which it is shown.
    pub(crate) commit: &'c str,
    /// `success`, `failure` or `neutral`.
    pub(crate) conclusion: &'c str,
    /// Whether it lets the change pass.
    pub(crate) passes: bool,
    pub(crate) sentence: &'c str,
    /// All of it, as Markdown.
    pub(crate) text: &'c str,
    /// The page with everything.
    pub(crate) page: &'c str,
}

/// Shows a check at a commit.
///
/// # Errors
/// The forge refuses, or the environment does not say where it is.
pub(crate) fn publish(forge: Forge, environment: &Environment, check: &Check<'_>) -> anyhow::Result<()> {
    let api = Api::of(forge, environment)?;
    let Check { commit, conclusion, passes, sentence, text, page } = *check;
    let cut = |text: &str, most: usize| text[..text.floor_char_boundary(most)].to_owned();
    let (place, document) = match forge {
        Forge::GitHub => {
            let output = json!({ "title": cut(sentence, MAX_DESCRIPTION), "summary": cut(text, MAX_SUMMARY) });
            let check = json!({
                "name": NAME, "head_sha": commit, "status": "completed", "conclusion": conclusion, "details_url": page,
                "output": output,
            });
            ("check-runs".to_owned(), check)
        }
        Forge::GitLab => {
            let state = if passes { "success" } else { "failed" };
            let description = cut(sentence, MAX_DESCRIPTION);
            let status = json!({ "state": state, "name": NAME, "target_url": page, "description": description });
            (format!("statuses/{commit}"), status)
        }
    };
    api.send(Method::Post, &format!("{}/{place}", api.url), &document)
}
