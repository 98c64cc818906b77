//! What a command did, for people and programs: Markdown or JSON.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use reports::document::Counts;
use serde::Serialize;

use crate::collect::Failure;
use crate::gate::GateSummary;

/// Lines of one table in Markdown.
const LINES: usize = 50;
/// Characters of one cell in Markdown.
const CELL: usize = 300;

/// A run, as it was uploaded.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'s> {
    pub(crate) suite: &'s str,
    /// The server; none where nothing was sent.
    pub(crate) url: &'s str,
    pub(crate) commit: &'s str,
    pub(crate) branch: &'s str,
    /// The run's page in the CI.
    pub(crate) link: Option<&'s str>,
    /// Whether the server has the run; it waits in the spool otherwise.
    pub(crate) uploaded: bool,
    pub(crate) counts: Counts,
    /// What is wrong with the run.
    pub(crate) problems: &'s [String],
    pub(crate) failures: Vec<FailureLine<'s>>,
    /// What is known of the failures, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gate: Option<&'s GateSummary>,
}

/// A test that failed.
#[derive(Debug, Serialize)]
pub(crate) struct FailureLine<'s> {
    test: &'s str,
    state: &'s str,
    message: Option<&'s str>,
    link: String,
}

impl<'s> FailureLine<'s> {
    pub(crate) fn new(failure: &'s Failure, url: &str, suite: &str, branch: &str) -> Self {
        let link = test_link(url, suite, &failure.test, branch);
        Self { test: &failure.test, state: failure.state, message: failure.message.as_deref(), link }
    }
}

/// The page of a test's history.
pub(crate) fn test_link(url: &str, suite: &str, test: &str, branch: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("suite", suite).append_pair("test", test);
    if branch.starts_with("change/") {
        query.append_pair("branch", branch);
    }
    format!("{url}/?{}", query.finish())
}

impl Summary<'_> {
    /// Writes it to a file: JSON where the name ends in .json, else Markdown behind what is there.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let failed = || format!("the summary cannot be written to {}", file.display());
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            let mut json = serde_json::to_vec_pretty(self)?;
            json.push(b'\n');
            return std::fs::write(file, json).with_context(failed);
        }
        let mut file = OpenOptions::new().create(true).append(true).open(file).with_context(failed)?;
        file.write_all(self.markdown().as_bytes()).with_context(failed)
    }

    /// The summary as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        let Counts { tests, passed, failed, skipped, flaky, unexpected_passes } = self.counts;
        let title = self.gate.map_or_else(|| self.title(), GateSummary::title);
        let _ = writeln!(text, "### {}: {}\n", escape(self.suite), escape(&title));
        let _ = write!(text, "{tests} tests: {passed} passed, {failed} failed, {skipped} skipped");
        for (count, word) in [(flaky, "passed only when tried again"), (unexpected_passes, "passed unexpectedly")] {
            if count > 0 {
                let _ = write!(text, ", {count} {word}");
            }
        }
        let _ = match self.link {
            Some(link) => writeln!(text, ". [Run]({link})\n", link = escape(link)),
            None => writeln!(text, ".\n"),
        };
        if !self.uploaded {
            let _ = writeln!(text, "The server is away: the run waits to be uploaded.\n");
        }
        for problem in self.problems.iter().take(LINES) {
            let _ = writeln!(text, "- **Problem**: {}", cell(problem));
        }
        if !self.problems.is_empty() {
            text.push('\n');
        }
        match self.gate {
            Some(gate) => gate.markdown(&mut text),
            None => self.failures(&mut text),
        }
        text
    }

    fn title(&self) -> String {
        let failures = counted(self.counts.failed, "failure");
        match self.problems.len() as u64 {
            0 => failures,
            count => format!("{failures}, {}", counted(count, "problem")),
        }
    }

    fn failures(&self, text: &mut String) {
        if self.failures.is_empty() {
            return;
        }
        let _ = writeln!(text, "| Test | State | Message |\n|---|---|---|");
        for FailureLine { test, state, message, link } in self.failures.iter().take(LINES) {
            let message = message.and_then(|message| message.lines().next()).unwrap_or_default();
            let _ = writeln!(text, "| [{}]({link}) | {state} | {} |", code(test), cell(message));
        }
        more(text, self.failures.len());
        text.push('\n');
    }
}

/// Says how many of a table's lines were left out.
pub(crate) fn more(text: &mut String, lines: usize) {
    if lines > LINES {
        let _ = writeln!(text, "\n… and {} more", lines - LINES);
    }
}

/// The lines of a table that are shown.
pub(crate) fn shown<T>(lines: &[T]) -> &[T] {
    lines.get(..LINES).unwrap_or(lines)
}

/// A count with its noun.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// Text of others as a cell of a table.
pub(crate) fn cell(text: &str) -> String {
    let mut short: String = text.chars().take(CELL).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escape(&short)
}

/// Text of others as code.
pub(crate) fn code(text: &str) -> String {
    format!("<code>{}</code>", cell(text))
}

/// Text of others, of which nothing is read as Markdown or HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '!' | '@' | '"' | '(' | ')' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn summary<'s>(problems: &'s [String], failure: &'s Failure) -> Summary<'s> {
        Summary {
            suite: "unit",
            url: "https://results.example.org",
            commit: "ab12",
            branch: "change/5",
            link: Some("https://ci/1"),
            uploaded: true,
            counts: Counts { tests: 3, passed: 1, failed: 1, skipped: 1, flaky: 1, unexpected_passes: 0 },
            problems,
            failures: vec![FailureLine::new(failure, "https://results.example.org", "unit", "change/5")],
            gate: None,
        }
    }

    #[test]
    fn markdown_takes_nothing_of_others_for_markdown() {
        let failure = Failure { test: "a|b <img>".into(), state: "FAIL", message: Some("*no*\nmore".into()) };
        let problems = ["`broken` off".to_owned()];
        let text = summary(&problems, &failure).markdown();
        assert_eq!(
            text,
            "### unit: 1 failure, 1 problem\n\n3 tests: 1 passed, 1 failed, 1 skipped, 1 passed only when tried again. \
             [Run](https://ci/1)\n\n- **Problem**: &#96;broken&#96; off\n\n| Test | State | Message |\n|---|---|---|\n\
             | [<code>a&#124;b &#60;img&#62;</code>](https://results.example.org/?suite=unit&test=a%7Cb+%3Cimg%3E&branch=change%2F5) \
             | FAIL | &#42;no&#42; |\n\n"
        );
    }

    #[test]
    fn json_replaces_and_markdown_is_appended() {
        let failure = Failure { test: "t".into(), state: "CRASH", message: None };
        let folder = tempfile::tempdir().unwrap();
        let (json, markdown) = (folder.path().join("s.json"), folder.path().join("s.md"));
        for _ in 0..2 {
            summary(&[], &failure).write(&json).unwrap();
            summary(&[], &failure).write(&markdown).unwrap();
        }
        let read: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        assert_eq!((&read["counts"]["failed"], &read["failures"][0]["state"]), (&1.into(), &"CRASH".into()));
        assert_eq!(std::fs::read_to_string(markdown).unwrap().matches("### unit").count(), 2);
    }
}
