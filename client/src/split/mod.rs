//! `split`: divides tests among parallel jobs, by how long each took on the default branch.

mod files;
mod share;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::ci;
use crate::environment::Environment;
use crate::options::ServerOptions;
use crate::terminal::in_one_line;

/// Arguments of `split`.
#[derive(Args, Debug)]
pub struct SplitArgs {
    /// Files of tests, or patterns for them.
    #[arg(value_name = "FILE", required_unless_present = "names")]
    pub files: Vec<String>,

    /// A file with names of tests in the place of files, one a line; - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub names: Option<PathBuf>,

    /// The suite.
    #[arg(long, allow_hyphen_values = true)]
    pub suite: String,

    #[command(flatten)]
    pub(crate) server: ServerOptions,

    /// How many jobs there are; what the CI says without it.
    #[arg(long, value_name = "N", requires = "index", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub parallel: Option<u32>,

    /// Which of them this is, from 1.
    #[arg(long, value_name = "I", requires = "parallel", value_parser = clap::value_parser!(u32).range(1..))]
    pub index: Option<u32>,

    /// A file that holds the durations. Where it is there, the server is not asked; otherwise it is written. All jobs that
    /// have the same file divide alike, even if the server learns of other durations meanwhile.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// How long each test takes, milliseconds.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Plan {
    /// The suite that a file is of; earlier versions wrote none.
    #[serde(default)]
    suite: Option<String>,
    tests: BTreeMap<String, f64>,
}

impl SplitArgs {
    /// Prints the share of this job, one line each.
    ///
    /// # Errors
    /// It is not known which job this is, or what is to be divided cannot be read.
    pub(crate) fn run(&self, environment: &Environment) -> anyhow::Result<ExitCode> {
        let (index, count) = self.part(environment)?;
        let mut items = self.items()?;
        items.sort();
        items.dedup();
        let plan = self.plan()?;
        let durations: Option<Vec<Option<f64>>> = plan.map(|plan| match &self.names {
            Some(_) => items.iter().map(|name| plan.tests.get(name).copied()).collect(),
            None => files::durations(&items, &plan.tests),
        });
        if durations.as_ref().is_some_and(|durations| !items.is_empty() && durations.iter().all(Option::is_none)) {
            eprintln!(
                "the tests are divided evenly by their number, because nothing is known of any of them in the suite '{}'",
                self.suite
            );
        }
        let share = match durations {
            Some(durations) => share::by_durations(&items, &durations, index, count),
            None => share::plain(&items, index, count),
        };
        let mut out = io::stdout().lock();
        for item in share {
            writeln!(out, "{item}").context("the share cannot be written")?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Which job this is, from 0, and of how many.
    fn part(&self, environment: &Environment) -> anyhow::Result<(usize, usize)> {
        let of_ci = || ci::detect(environment)?.shard.map(|shard| (shard.index, shard.count));
        let (index, count) = self
            .index
            .zip(self.parallel)
            .or_else(of_ci)
            .context("it is not known which of how many jobs this is: give --parallel and --index")?;
        if index > count {
            bail!("there is no job {index} of {count}: jobs are counted from 1");
        }
        Ok((index as usize - 1, count as usize))
    }

    fn items(&self) -> anyhow::Result<Vec<String>> {
        if let Some(names) = &self.names {
            let mut text = String::new();
            let read = if names.as_os_str() == "-" {
                io::stdin().lock().read_to_string(&mut text).map(drop)
            } else {
                fs::read_to_string(names).map(|read| text = read)
            };
            read.with_context(|| format!("{} cannot be read", names.display()))?;
            return Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect());
        }
        let mut items = Vec::new();
        for file in &self.files {
            if file.contains(['*', '?', '[']) && fs::metadata(file).is_err() {
                let paths = glob::glob(file).with_context(|| format!("{file} is no pattern"))?;
                let before = items.len();
                let files = paths.flatten().filter(|path| path.is_file());
                items.extend(files.map(|path| path.to_string_lossy().into_owned()));
                if items.len() == before {
                    bail!("{file} names no file");
                }
            } else {
                items.push(file.clone());
            }
        }
        Ok(items)
    }

    /// The durations; none where the server does not tell them.
    fn plan(&self) -> anyhow::Result<Option<Plan>> {
        if let Some((file, text)) = self.plan.as_ref().and_then(|file| Some((file, fs::read_to_string(file).ok()?))) {
            let plan: Plan = serde_json::from_str(&text).context("the file of --plan holds no durations")?;
            return match plan.suite {
                Some(other) if other != self.suite => bail!(
                    "{} has the durations of the suite '{}', not of '{}': give --plan another file for each suite",
                    file.display(),
                    in_one_line(&other),
                    self.suite
                ),
                _ => Ok(Some(plan)),
            };
        }
        let server = self.server.server()?;
        let path = format!("/api/plan/{}", utf8_percent_encode(&self.suite, NON_ALPHANUMERIC));
        let asked = server.get(&path).map_err(anyhow::Error::from);
        let plan = match asked.and_then(|text| Ok(serde_json::from_str::<Plan>(&text)?)) {
            Ok(plan) => Plan { suite: Some(self.suite.clone()), ..plan },
            Err(error) => {
                eprintln!("the tests are divided by their number alone, because durations are not known: {error:#}");
                return Ok(None);
            }
        };
        if let Some(file) = &self.plan {
            let text = serde_json::to_vec(&plan)?;
            fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(Some(plan))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::stand_in::StandIn;
    use crate::typed;

    fn split(arguments: &[&str]) -> SplitArgs {
        typed::arguments(&[&["--suite", "unit/fast tests", "a"], arguments].concat()).unwrap()
    }

    #[test]
    fn durations_are_asked_once_where_a_file_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.json");
        let server = StandIn::answering(vec![(200, r#"{"suite":"s","tests":{"a":7,"b":2.5}}"#.to_owned())]);
        let split = split(&["--url", &server.url, "--plan", file.to_str().unwrap(), "--tries", "1"]);
        for _ in 0..2 {
            let plan = split.plan().unwrap().unwrap();
            assert!(plan.tests.iter().map(|(name, time)| (name.as_str(), *time)).eq([("a", 7.0), ("b", 2.5)]));
        }
        // The file of one suite says nothing of another one; one without a name is of an earlier version.
        let path = file.to_str().unwrap();
        let other: SplitArgs = typed::arguments(&["--suite", "other", "a", "--plan", path]).unwrap();
        let refused = other.plan().unwrap_err().to_string();
        assert!(refused.contains("durations of the suite 'unit/fast tests', not of 'other'"), "{refused}");
        let nameless = folder.path().join("nameless.json");
        fs::write(&nameless, r#"{"tests":{"a":7}}"#).unwrap();
        let earlier: SplitArgs =
            typed::arguments(&["--suite", "other", "a", "--plan", nameless.to_str().unwrap()]).unwrap();
        assert_eq!(earlier.plan().unwrap().unwrap().tests.len(), 1);
        let seen = server.seen();
        assert_eq!((seen.len(), seen[0].line.as_str()), (1, "GET /api/plan/unit%2Ffast%20tests HTTP/1.1"));
    }

    #[test]
    fn the_job_is_the_one_given_or_the_ci_s() {
        let gitlab = [("GITLAB_CI", "true"), ("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")];
        let gitlab = gitlab.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(split(&[]).part(&gitlab).unwrap(), (1, 3));
        assert_eq!(split(&["--parallel", "4", "--index", "4"]).part(&gitlab).unwrap(), (3, 4));
        let none = Environment::default();
        assert!(split(&[]).part(&none).unwrap_err().to_string().contains("--parallel and --index"));
        assert!(split(&["--parallel", "4", "--index", "5"]).part(&none).is_err());
    }
}
