//! What `upload`, `run` and `gate` are told of a run.

use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};
use clap::Args;
use reports::document::Shard;
use reports::name::Template;
use reports::{Format, Options};

use crate::environment::Environment;
use crate::machine;
use crate::roots::roots;
use crate::server::{Server, TRIES};
use crate::spool::Spool;
use crate::trust::TrustOptions;

/// A form of report, or whatever the content says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatChoice(pub Option<Format>);

/// Reads the name of a form.
///
/// # Errors
/// It is none.
pub fn format(word: &str) -> Result<FormatChoice, reports::UnknownFormat> {
    if word == "auto" { Ok(FormatChoice(None)) } else { word.parse().map(|format| FormatChoice(Some(format))) }
}

/// How reports are read.
#[derive(Args, Debug)]
pub struct ReadingOptions {
    /// The form of the reports: auto, junit, ctrf, go, tap, bazel, robot, trx, nunit, opentest, googletest, pytest, jest,
    /// playwright, ginkgo, libtest, or resultsdb for the document of an upload.
    #[arg(long, default_value = "auto", value_parser = format)]
    pub format: FormatChoice,

    /// How names are written, such as {file}::{name}: text with {project}, {file}, {suite}, {class} and {name}.
    #[arg(long, value_name = "TEMPLATE")]
    pub names: Option<Template>,

    /// A folder that is taken off absolute paths in names, beside the working folder and the checkout.
    #[arg(long, value_name = "FOLDER")]
    pub root: Vec<String>,

    /// The zone of times for which a report gives none, such as +05:30. Without it, they are of no zone.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    pub zone: Option<FixedOffset>,
}

impl ReadingOptions {
    pub(crate) fn options(&self) -> Options {
        let Self { format, names, root, zone } = self;
        Options { template: names.clone(), roots: roots(root), zone: *zone, format: format.0 }
    }
}

/// The server and how it is spoken to.
#[derive(Args, Debug)]
pub struct ServerOptions {
    /// Address of the server.
    #[arg(long, env = "RESULTSDB_URL")]
    pub url: Option<String>,

    /// How often a server that is away is tried, with growing pauses.
    #[arg(long, value_name = "N", default_value_t = TRIES)]
    pub tries: u32,

    /// A file that holds the key for the server. Without it, the environment variable RESULTSDB_KEY is the key.
    #[arg(long, value_name = "FILE", env = "RESULTSDB_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Ask the CI for its token for this audience, which is mostly the server's address, and show that instead of a key.
    #[arg(long, value_name = "AUDIENCE", env = "RESULTSDB_CI_TOKEN", conflicts_with = "key_file")]
    pub ci_token: Option<String>,

    #[command(flatten)]
    pub(crate) trust: TrustOptions,
}

/// The environment variable that holds a key. A key is never an argument, which other users of the machine could read.
const KEY_VARIABLE: &str = "RESULTSDB_KEY";

impl ServerOptions {
    /// The server, with the key for it.
    ///
    /// # Errors
    /// None is named, its address is none, or the file with the key or one of those for TLS cannot be read.
    pub fn server(&self) -> anyhow::Result<Server> {
        let url = self.url.as_deref().context("the server is not known: give --url or set RESULTSDB_URL")?;
        let key = match &self.key_file {
            Some(path) => {
                let key = std::fs::read_to_string(path);
                Some(key.with_context(|| format!("the file with the key, {}, cannot be read", path.display()))?)
            }
            None => std::env::var(KEY_VARIABLE).ok(),
        };
        let server = Server::new(url, self.tries)?.with_tls(self.trust.tls()?);
        match &self.ci_token {
            None => Ok(server.with_key(key)?),
            Some(audience) => server.with_ci_token(&Environment::of_process(), audience),
        }
    }
}

/// What is known of a run beside its reports. What is not given is taken from the CI, from git and from the machine.
#[derive(Args, Debug)]
pub struct RunOptions {
    /// The suite.
    #[arg(long, allow_hyphen_values = true)]
    pub suite: Option<String>,

    #[command(flatten)]
    pub(crate) server: ServerOptions,

    #[command(flatten)]
    pub(crate) reading: ReadingOptions,

    /// A member of the configuration, such as python=3.12; it may be repeated.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = machine::member)]
    pub configuration: Vec<(String, String)>,

    /// The commit that was tested: a hash, or any name that git knows.
    #[arg(long)]
    pub commit: Option<String>,

    /// When the commit was made, in seconds since 1970 or as a date, where there is no checkout that says so.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub commit_time: Option<i64>,

    /// The repository's id on the server; the repository's name without it.
    #[arg(long)]
    pub repository: Option<String>,

    /// The branch.
    #[arg(long)]
    pub branch: Option<String>,

    /// The change under review that the run belongs to. Its results are kept apart from those of any branch.
    #[arg(long, value_name = "ID")]
    pub change: Option<String>,

    /// A name or an e-mail address of the change's author; it may be repeated.
    #[arg(long)]
    pub author: Vec<String>,

    /// The run's page in the CI.
    #[arg(long, value_name = "URL")]
    pub link: Option<String>,

    /// Which of several parts of a run this is, such as 3/8.
    #[arg(long, value_name = "I/N", value_parser = part)]
    pub shard: Option<Shard>,

    /// A file with the names of the tests that the run is to have, one a line.
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,

    /// Leave the reports themselves out. They are kept for some weeks, where they are smaller than 64 MiB.
    #[arg(long)]
    pub no_archive: bool,

    /// A file for what was uploaded: JSON where its name ends in .json, else Markdown, which is appended.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,

    /// The folder for uploads that a server which is away did not take; the next call sends them.
    #[arg(long, value_name = "FOLDER", env = "RESULTSDB_SPOOL")]
    pub spool: Option<PathBuf>,

    /// Fail where the server is away, too.
    #[arg(long)]
    pub strict: bool,
}

impl RunOptions {
    pub(crate) fn spool(&self, environment: &Environment) -> Spool {
        self.spool.clone().map_or_else(|| Spool::of_user(environment), Spool::new)
    }

    pub(crate) fn suite(&self) -> anyhow::Result<&str> {
        self.suite.as_deref().filter(|suite| !suite.is_empty()).context("the suite is not known: give --suite NAME")
    }

    pub(crate) fn expects(&self) -> anyhow::Result<Vec<String>> {
        let Some(file) = &self.expect else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }
}

fn seconds(text: &str) -> Result<i64, String> {
    let date = || DateTime::parse_from_rfc3339(text).ok().map(|date| date.timestamp());
    text.parse()
        .ok()
        .or_else(date)
        .ok_or_else(|| "write seconds since 1970, or a date such as 2026-01-31T12:00:00Z".into())
}

fn part(text: &str) -> Result<Shard, String> {
    let numbers = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
    match numbers {
        Some((index, count)) if (1..=count).contains(&index) => Ok(Shard { index, count, of: None }),
        _ => Err("write which part of how many, such as 3/8".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_dates() {
        assert_eq!(seconds("1700000000"), Ok(1_700_000_000));
        assert_eq!(seconds("2023-11-14T22:13:20Z"), Ok(1_700_000_000));
        assert!(seconds("yesterday").is_err());
    }

    #[test]
    fn parts_are_counted_from_one() {
        assert_eq!(part("3/8"), Ok(Shard { index: 3, count: 8, of: None }));
        for wrong in ["0/8", "9/8", "3", "3/x", ""] {
            assert!(part(wrong).is_err(), "{wrong}");
        }
    }
}
