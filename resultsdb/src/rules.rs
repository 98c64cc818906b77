//! `resultsdb rules preview`: which verdicts the thresholds of a configuration file would change, as a running server says.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// A server may look at every suite.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(300);

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
pub(crate) fn preview(config: &Path, suite: Option<&str>, weeks: u64, url: &str) -> anyhow::Result<()> {
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
    let preview = ask(url, &question)?;
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

fn ask(url: &str, question: &Value) -> anyhow::Result<Preview> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
    let agent: ureq::Agent = config.build().into();
    let target = format!("{}/api/rules/preview", url.trim_end_matches('/'));
    let mut response = agent
        .post(&target)
        .header("Content-Type", "application/json")
        .send(question.to_string())
        .with_context(|| format!("{target} cannot be reached"))?;
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
    if response.status() != 200 {
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let why = answer["description"].as_str().unwrap_or(&text);
        bail!("{target} answered {}: {why}", response.status());
    }
    serde_json::from_str(&text).with_context(|| format!("{target} is no resultsdb of this version"))
}
