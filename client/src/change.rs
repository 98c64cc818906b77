//! `change`: what the server knows of a change under review, with all its runs together.
//!
//! Data flow: one answer of the server → its text to standard output, the same text into the comment of the change, the same
//! conclusion as a check, and as the code of the command. Where there is no answer, nothing passes.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::ci;
use crate::environment::Environment;
use crate::gate::Forge;
use crate::gate::forge::check::{self, Check};
use crate::gate::forge::publish_section;
use crate::options::ServerOptions;

/// The section of the comment that says what is known of the whole change.
const SECTION: &str = "the change";

/// Arguments of `change`.
#[derive(Args, Debug)]
pub struct ChangeArgs {
    /// The change, as its runs were uploaded with --change; what the CI says without it.
    #[arg(value_name = "ID")]
    pub id: Option<String>,

    #[command(flatten)]
    pub(crate) server: ServerOptions,

    /// Keep one comment at the change that says what is known. The token comes from GITHUB_TOKEN, or from GITLAB_TOKEN or
    /// CI_JOB_TOKEN.
    #[arg(long, value_enum, value_name = "FORGE")]
    pub comment: Option<Forge>,

    /// Show a check at the newest commit of the change: a check run at GitHub, a commit status at GitLab.
    #[arg(long, value_enum, value_name = "FORGE")]
    pub check: Option<Forge>,

    /// Hash of the commit at which the check is shown, where that is not the commit that was tested.
    #[arg(long, value_name = "HASH", requires = "check")]
    pub commit: Option<String>,

    /// Pass where it cannot be said whether a failure is new.
    #[arg(long)]
    pub allow_unknown: bool,
}

/// What the server answers.
#[derive(Debug, Deserialize)]
struct Answer {
    conclusion: String,
    sentence: String,
    comment: String,
    suites: Vec<Suite>,
}

#[derive(Debug, Deserialize)]
struct Suite {
    runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
struct Run {
    start_time: u64,
    commit: Commit,
}

#[derive(Debug, Deserialize)]
struct Commit {
    hash: Option<String>,
}

impl Answer {
    /// Whether the change may pass. A word that nobody knows is no success.
    fn passes(&self, allow_unknown: bool) -> bool {
        self.conclusion == "success" || allow_unknown && self.conclusion == "neutral"
    }

    /// Hash of the commit that was tested last.
    fn newest_commit(&self) -> Option<&str> {
        let runs = self.suites.iter().flat_map(|suite| &suite.runs);
        runs.max_by_key(|run| run.start_time)?.commit.hash.as_deref()
    }

    /// The comment with whole addresses: a server that does not know its own writes paths. Whatever is of others cannot
    /// look like a link, because its brackets are written as numbers.
    fn comment(&self, url: &str) -> String {
        self.comment.replace("](/", &format!("]({url}/"))
    }
}

impl ChangeArgs {
    /// Asks about the change. The code is 0 if nothing that failed is new.
    ///
    /// # Errors
    /// The server does not answer, or knows no run of the change; the forge refuses the check.
    pub(crate) fn run(&self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let given = self.id.clone().filter(|id| !id.is_empty());
        let of_ci = || ci::detect(environment)?.change.map(|change| change.id);
        let id = given.or_else(of_ci).context("the change is not known: give its ID")?;
        let server = self.server.server()?;
        let written = utf8_percent_encode(&id, NON_ALPHANUMERIC);
        let text = server.get(&format!("/api/changes-under-review/{written}"))?;
        let answer: Answer = serde_json::from_str(&text).context("the server's answer says nothing of a change")?;
        let comment = answer.comment(server.url());
        let _ = std::io::stdout().lock().write_all(comment.as_bytes());
        let passes = answer.passes(self.allow_unknown);
        if let Some(forge) = self.comment
            && let Err(error) = publish_section(forge, environment, &id, SECTION, &comment)
        {
            eprintln!("the comment is not written: {error:#}");
        }
        if let Some(forge) = self.check {
            let commit = self.commit.as_deref().or_else(|| answer.newest_commit());
            let check = Check {
                commit: commit.context("the commit of the check is not known: give --commit HASH")?,
                conclusion: &answer.conclusion,
                passes,
                sentence: &answer.sentence,
                text: &comment,
                page: &format!("{}/change/{written}", server.url()),
            };
            check::publish(forge, environment, &check).context("the check is not shown")?;
        }
        Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::stand_in::StandIn;
    use crate::typed;

    fn answer(conclusion: &str) -> String {
        let run = |start: u64, hash: &str| json!({ "start_time": start, "commit": { "hash": hash } });
        let suites = json!([{ "runs": [run(7, "beef")] }, { "runs": [run(9, "c0de"), run(1, "dead")] }]);
        json!({
            "conclusion": conclusion, "sentence": "1 new failure", "suites": suites,
            "comment": "### Change 7\n[All of it](/change/7) &#93;&#40;/x",
        })
        .to_string()
    }

    fn run(words: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<bool> {
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let arguments: ChangeArgs = typed::arguments(words).unwrap();
        Ok(arguments.run(&environment)? == ExitCode::SUCCESS)
    }

    #[test]
    fn only_success_passes() {
        for (conclusion, more, passes) in [
            ("success", &[][..], true),
            ("failure", &["--allow-unknown"], false),
            ("neutral", &[], false),
            ("neutral", &["--allow-unknown"], true),
            ("splendid", &["--allow-unknown"], false),
        ] {
            let server = StandIn::answering(vec![(200, answer(conclusion))]);
            let mut words = vec!["eng/a b", "--url", &server.url, "--tries", "1"];
            words.extend(more);
            assert_eq!(run(&words, &[]).unwrap(), passes, "{conclusion} {more:?}");
            assert_eq!(server.seen()[0].line, "GET /api/changes-under-review/eng%2Fa%20b HTTP/1.1");
        }
    }

    #[test]
    fn without_an_answer_nothing_passes() {
        for (status, text) in
            [(404, r#"{"description":"Nothing was uploaded"}"#), (503, "{}"), (200, "{}"), (200, "<html>")]
        {
            let server = StandIn::answering(vec![(status, text.to_owned())]);
            assert!(run(&["7", "--url", &server.url, "--tries", "1"], &[]).is_err(), "{status} {text}");
        }
        assert!(run(&["7", "--url", "http://127.0.0.1:9", "--tries", "1"], &[]).is_err());
        assert!(run(&["--url", "http://127.0.0.1:9", "--tries", "1"], &[]).is_err());
    }

    #[test]
    fn comment_and_check_say_the_same() {
        let server = StandIn::answering(vec![(200, answer("neutral"))]);
        let forge = StandIn::answering(vec![(200, "[]".into()), (201, "{}".into()), (201, "{}".into())]);
        let github = [("GITHUB_API_URL", forge.url.as_str()), ("GITHUB_REPOSITORY", "o/w"), ("GITHUB_TOKEN", "t")];
        let words = ["7", "--url", &server.url, "--tries", "1", "--comment", "github", "--check", "github"];
        assert!(!run(&words, &github).unwrap());
        let seen = forge.seen();
        let comment: Value = serde_json::from_str(&seen[1].body).unwrap();
        let text = comment["body"].as_str().unwrap();
        assert!(text.contains(&format!("[All of it]({}/change/7) &#93;&#40;/x", server.url)), "{text}");
        assert!(text.contains("section the change -->"), "{text}");
        assert_eq!(seen[2].line, "POST /repos/o/w/check-runs HTTP/1.1");
        let check: Value = serde_json::from_str(&seen[2].body).unwrap();
        assert_eq!((&check["head_sha"], &check["conclusion"]), (&"c0de".into(), &"neutral".into()));
        assert_eq!(check["output"]["title"], "1 new failure");

        let server = StandIn::answering(vec![(200, answer("failure"))]);
        let forge = StandIn::answering(vec![(201, "{}".into())]);
        let gitlab = [("CI_API_V4_URL", forge.url.as_str()), ("CI_PROJECT_ID", "3"), ("GITLAB_TOKEN", "t")];
        let words = ["7", "--url", &server.url, "--tries", "1", "--check", "gitlab", "--commit", "abc"];
        assert!(!run(&words, &gitlab).unwrap());
        let status: Value = serde_json::from_str(&forge.seen()[0].body).unwrap();
        assert_eq!(forge.seen()[0].line, "POST /projects/3/statuses/abc HTTP/1.1");
        assert_eq!((&status["state"], &status["description"]), (&"failed".into(), &"1 new failure".into()));
    }
}
