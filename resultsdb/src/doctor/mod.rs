//! `doctor`: checks a deployment, or what `serve` uses, and says what to do.
//!
//! Each check has one idea and ends in one [`Line`](finding::Line). It gathers facts, and a pure function beside it judges
//! them; its tests are of that function. [`deployment`] and [`data_dir`] have the lists of checks, [`store`] those that both
//! share. A check that fails is a finding, too, and the others still run ([`group`]). Nothing is changed but one object that
//! is written to the blob store and deleted.

mod archive;
mod blobs;
mod certificates;
mod clocks;
mod data_dir;
mod dead_letters;
mod deployment;
mod disk;
pub(crate) mod examined;
mod finding;
mod group;
mod keys;
mod lag;
mod log_end;
mod lost_rows;
mod parts;
mod readers;
mod rebuilds;
mod replicas;
mod shards;
mod store;
mod topics;
mod units;
mod versions;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use finding::{Finding, Line, Verdict};

use crate::causes;
use crate::config::Config;

/// What to check and how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Configuration file (TOML): of a deployment, or the one that `serve` uses
    #[arg(long, env = "RESULTSDB_CONFIG")]
    config: Option<PathBuf>,
    /// What `serve` uses, whether it runs or not
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// How long an event may wait to be shown, seconds; from a tenth of that on somebody should look
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    max_lag: u64,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

/// Checks everything.
///
/// # Errors
/// There is nothing that could be checked, or no service would start with the configuration.
pub(crate) async fn lines(arguments: &Arguments, config: &Config) -> anyhow::Result<Vec<Line>> {
    config.check()?;
    match &arguments.data_dir {
        Some(data_dir) => data_dir::lines(data_dir, config, arguments.max_lag).await,
        None if arguments.config.is_none() => Err(crate::not_said("check")),
        None => Ok(deployment::lines(config, arguments.max_lag).await),
    }
}

/// Prints what was found, and fails where something is wrong. Programs are told of what kept everything from being checked as
/// of a check that failed.
pub(crate) fn report(arguments: &Arguments, checked: anyhow::Result<Vec<Line>>) -> anyhow::Result<ExitCode> {
    let lines = match checked {
        Err(error) if arguments.json => {
            vec![Line {
                check: "doctor".to_owned(),
                finding: Finding::wrong(causes::told(&error), "Mend that first, and check again"),
            }]
        }
        checked => checked?,
    };
    let verdict = group::worst(&lines);
    let text = if arguments.json { document(&lines, verdict)? } else { page(&lines) };
    std::io::stdout().write_all(text.as_bytes()).context("writing to standard output")?;
    Ok(if verdict == Verdict::Wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn page(lines: &[Line]) -> String {
    let count = |verdict| lines.iter().filter(|line| line.finding.verdict == verdict).count();
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    text += &format!(
        "\n{} checks: {} ok, {} to look at, {} wrong\n",
        lines.len(),
        count(Verdict::Ok),
        count(Verdict::Look),
        count(Verdict::Wrong)
    );
    text
}

fn document(lines: &[Line], verdict: Verdict) -> anyhow::Result<String> {
    let document = json!({ "version": versions::OWN, "verdict": verdict, "checks": lines });
    Ok(serde_json::to_string_pretty(&document).context("writing JSON")? + "\n")
}
