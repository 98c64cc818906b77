//! `quarantine`: says which failures do not count for a time, lists what was said, and writes it as test runners read it.

mod export;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use chrono::DateTime;
use clap::{Args, Subcommand, ValueEnum};
use schema::configuration::Configuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::machine;
use crate::options::ServerOptions;
use crate::server::Server;
use crate::terminal::in_one_line;

use export::ExportArgs;

/// Where entries of the quarantine are said and asked for.
const PATH: &str = "/api/quarantine";

/// Arguments of `quarantine`.
#[derive(Args, Debug)]
pub struct QuarantineArgs {
    #[command(subcommand)]
    command: QuarantineCommand,
}

#[derive(Subcommand, Debug)]
enum QuarantineCommand {
    /// Let failures of a test not count until a time, or prolong that.
    Add(AddArgs),
    /// Let them count again.
    Release(ReleaseArgs),
    /// Print what is in quarantine.
    List(ListArgs),
    /// Write what is in quarantine as a test runner reads it.
    Export(ExportArgs),
}

/// Which failures are meant.
#[derive(Args, Debug)]
struct MeantFailures {
    /// The suite.
    #[arg(long, allow_hyphen_values = true)]
    suite: String,

    /// The test, or a pattern with *.
    #[arg(long, allow_hyphen_values = true)]
    test: String,

    /// A member that configurations have, such as platform=Mac or python=3.12; it may be repeated.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = machine::member)]
    configuration: Vec<(String, String)>,

    /// The one failing state, such as TEXT; every failure without it.
    #[arg(long, value_name = "STATE")]
    failure: Option<String>,

    /// Who says so, where the server asks nobody for a key.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Args, Debug)]
struct AddArgs {
    #[command(flatten)]
    meant: MeantFailures,

    /// Why.
    #[arg(long)]
    reason: String,

    /// When it ends: a date, which lasts to its end in UTC, or a time such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", required_unless_present = "days", conflicts_with = "days")]
    until: Option<String>,

    /// How long it lasts.
    #[arg(long, value_name = "N", value_parser = days, allow_negative_numbers = true)]
    days: Option<f64>,

    /// Who is to mend the test.
    #[arg(long)]
    owner: Option<String>,

    /// The page of the bug about it.
    #[arg(long, value_name = "URL")]
    bug: Option<String>,

    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Args, Debug)]
struct ReleaseArgs {
    #[command(flatten)]
    meant: MeantFailures,

    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// The suite; every suite without it.
    #[arg(long, allow_hyphen_values = true)]
    suite: Option<String>,

    /// Only what is about this test.
    #[arg(long, allow_hyphen_values = true)]
    test: Option<String>,

    /// What became of it.
    #[arg(long, value_enum, default_value = "active")]
    state: ListedState,

    /// Print the server's answer as it is.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ListedState {
    Active,
    Expired,
    Released,
    All,
}

/// The name of a choice, as the server calls it.
fn name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

impl QuarantineArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The server is away or refuses, or a file cannot be written.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            QuarantineCommand::Add(args) => post(&args.server.server()?, &args.document()),
            QuarantineCommand::Release(args) => post(&args.server.server()?, &args.document()),
            QuarantineCommand::List(args) => args.run(),
            QuarantineCommand::Export(args) => args.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A number of days, such as 14 or 0.5.
fn days(text: &str) -> Result<f64, String> {
    let days = text.parse::<f64>().ok().filter(|days| days.is_finite() && *days > 0.0);
    days.ok_or_else(|| "give a number above 0, or the entry is over at once".to_owned())
}

fn post(server: &Server, document: &Value) -> anyhow::Result<()> {
    Ok(server.post_small(PATH, "application/json", document.to_string().as_bytes())?)
}

impl MeantFailures {
    fn document(&self, more: &[(&str, Value)]) -> Value {
        let members = self.configuration.iter().map(|(key, value)| (key.clone(), machine::value(key, value)));
        let mut document =
            json!({ "suite": self.suite, "test": self.test, "configuration": members.collect::<Map<_, _>>() });
        let given = [("failure", &self.failure), ("by", &self.by)];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?.into())));
        for (name, value) in given.chain(more.iter().cloned()) {
            document[name] = value;
        }
        document
    }
}

impl AddArgs {
    fn document(&self) -> Value {
        let given = [("until", &self.until), ("owner", &self.owner), ("bug", &self.bug)];
        let mut more = vec![("reason", self.reason.as_str().into())];
        more.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?.into()))));
        more.extend(self.days.map(|days| ("days", days.into())));
        self.meant.document(&more)
    }
}

impl ReleaseArgs {
    fn document(&self) -> Value {
        self.meant.document(&[("state", "closed".into())])
    }
}

/// What the server says of an entry; members that are not known are passed over.
#[derive(Deserialize)]
struct Entry {
    suite: String,
    test: String,
    #[serde(default)]
    configuration: Configuration,
    failure: Option<String>,
    reason: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    bug: String,
    #[serde(default)]
    by: String,
    until: u32,
    state: String,
}

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Entry>,
}

impl ListArgs {
    fn run(&self) -> anyhow::Result<()> {
        let state = name(&self.state);
        let asked = [("suite", &self.suite), ("test", &self.test), ("state", &Some(state))];
        let asked = asked.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let answer = self.server.server()?.get(&format!("{PATH}?{}", query(asked)))?;
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{answer}")?;
            return Ok(());
        }
        let entries: Entries = serde_json::from_str(&answer).context("the server's answer is no list of entries")?;
        for entry in &entries.entries {
            writeln!(out, "{}", line(entry))?;
        }
        Ok(())
    }
}

/// A line about an entry.
fn line(entry: &Entry) -> String {
    let Entry { suite, test, configuration, failure, reason, owner, bug, by, until, state } = entry;
    let until =
        DateTime::from_timestamp((*until).into(), 0).map(|until| until.format("%Y-%m-%d %H:%M UTC").to_string());
    let mut line = format!("{state} until {} {suite} {test}", until.unwrap_or_default());
    if let Some(failure) = failure {
        line.push_str(&format!(" {failure}"));
    }
    if *configuration != Configuration::default() {
        line.push_str(&format!(" on {}", configuration.name()));
    }
    line.push_str(&format!(": {reason}"));
    for (word, said) in [("by ", by), ("owner ", owner), ("", bug)] {
        if !said.is_empty() {
            line.push_str(&format!(", {word}{said}"));
        }
    }
    in_one_line(&line)
}

fn query(pairs: impl Iterator<Item = (String, String)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;
    use crate::stand_in::StandIn;
    use crate::typed;

    fn run(server: &StandIn, line: &[&str]) -> anyhow::Result<ExitCode> {
        let server = ["--url", server.url.as_str(), "--tries", "1"];
        typed::arguments::<QuarantineArgs>(&[line, &server].concat())?.run()
    }

    #[test]
    fn what_is_said_is_posted() {
        let ok = || (200, r#"{"status":"ok"}"#.to_owned());
        let server = StandIn::answering(vec![ok(), ok()]);
        let meant = ["--suite", "s", "--test", "css/*", "-c", "is_simulator=true", "-c", "python=3.12"];
        run(&server, &[&["add", "--reason", "flaky", "--days", "14", "--owner", "css"], &meant[..]].concat()).unwrap();
        run(&server, &[&["release", "--failure", "TEXT", "--by", "ada"], &meant[..]].concat()).unwrap();
        let body = |index: usize| serde_json::from_str::<Value>(&server.seen()[index].body).unwrap();
        let configuration = json!({ "is_simulator": true, "python": "3.12" });
        assert_eq!(
            body(0),
            json!({
                "suite": "s", "test": "css/*", "configuration": configuration, "reason": "flaky", "owner": "css", "days": 14.0,
            })
        );
        assert_eq!(
            body(1),
            json!({
                "suite": "s", "test": "css/*", "configuration": configuration, "failure": "TEXT", "by": "ada", "state": "closed",
            })
        );
        assert!(server.seen().iter().all(|seen| seen.line == "POST /api/quarantine HTTP/1.1"));
    }

    #[test]
    fn an_entry_has_an_end() {
        let server = StandIn::answering(Vec::new());
        assert!(run(&server, &["add", "--suite", "s", "--test", "a", "--reason", "r"]).is_err());
        let both = ["add", "--suite", "s", "--test", "a", "--reason", "r", "--days", "1", "--until", "2030-01-01"];
        assert!(run(&server, &both).is_err());
        for days in ["0", "-1", "nan", "inf", "soon"] {
            let error = run(&server, &["add", "--suite", "s", "--test", "a", "--reason", "r", "--days", days]);
            let error = error.unwrap_err().to_string();
            assert!(error.contains("--days") && error.contains("above 0"), "{error}");
        }
        assert!(server.seen().is_empty());
    }

    #[test]
    fn a_list_that_is_not_answered_leaves_the_file_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let export =
            ["export", "--suite", "a b", "--format", "pytest", "-c", "python=3.12", "-o", path.to_str().unwrap()];
        let server = StandIn::answering(vec![(200, "--deselect=a\n".into()), (503, "{}".into()), (400, "{}".into())]);
        run(&server, &export).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "--deselect=a\n");
        // Whoever may read any other new file may read this one.
        fs::write(folder.path().join("other"), "").unwrap();
        let rights = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions();
        assert_eq!(rights("list"), rights("other"));
        assert!(run(&server, &export).is_err() && run(&server, &export).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "--deselect=a\n");
        let asked = "GET /api/quarantine/export?suite=a+b&format=pytest&label.python=3.12 HTTP/1.1";
        assert_eq!(server.seen()[0].line, asked);
    }

    #[test]
    fn a_line_obeys_nobody() {
        let entry = json!({
            "suite": "s", "test": "a\u{1b}[2J", "configuration": { "platform": "Mac" }, "failure": "TEXT", "reason": "r",
            "owner": "", "bug": "https://b/1", "by": "ada", "since": 0, "until": 1_700_000_000, "state": "active", "more": 1,
        });
        let entry: Entry = serde_json::from_value(entry).unwrap();
        assert_eq!(line(&entry), "active until 2023-11-14 22:13 UTC s a [2J TEXT on Mac: r, by ada, https://b/1");
    }
}
