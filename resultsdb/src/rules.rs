//! `resultsdb rules preview`: which verdicts the thresholds of a configuration file would change, as a running server says.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use client::server::Server;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the server answers, as far as it is shown.
#[derive(Deserialize)]
struct Preview {
    compared: u64,
    counts: std::collections::BTreeMap<String, u64>,
    is_cut: bool,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    suite: String,
    test: String,
    configuration: schema::configuration::Configuration,
    before: String,
    after: String,
}

/// Asks a server what the `[[rules]]` of a file would change, and prints a line for each changed verdict.
pub(crate) fn preview(config: &Path, suite: Option<&str>, weeks: u64, server: &Server) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(config).with_context(|| format!("reading {}", config.display()))?;
    let file: toml::Table = toml::from_str(&text).with_context(|| format!("reading {}", config.display()))?;
    let rules = match file.get("rules") {
        Some(rules) => serde_json::to_value(rules).with_context(|| format!("reading {}", config.display()))?,
        None => Value::Array(Vec::new()),
    };
    let mut question = json!({ "rules": rules, "weeks": weeks });
    if let Some(suite) = suite {
        question["suite"] = suite.into();
    }
    let answer = server.ask("/api/rules/preview", &question)?;
    let preview: Preview =
        serde_json::from_str(&answer).with_context(|| format!("{} is no resultsdb of this version", server.url()))?;
    let mut out = std::io::stdout().lock();
    for Change { suite, test, configuration, before, after } in &preview.changes {
        writeln!(out, "{suite} {test} on {}: {before} → {after}", configuration.name())?;
    }
    let changed: u64 = preview.counts.values().sum();
    writeln!(out, "{changed} of {} verdicts would change", preview.compared)?;
    for (change, count) in &preview.counts {
        writeln!(out, "  {count} × {change}")?;
    }
    if preview.is_cut {
        writeln!(out, "  The list has the first {}; name a --suite to see others.", preview.changes.len())?;
    }
    Ok(())
}
