//! Registers whole branches.

use anyhow::{Context, bail};
use client::register;
use client::server::Server;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Config;

/// Registers every commit of a branch. A commit that is registered again changes nothing, so a repetition is harmless.
pub(crate) fn import(config: &Config, id: &str, branch: Option<&str>, server: &Server) -> anyhow::Result<()> {
    let known = || config.repositories.keys().cloned().collect::<Vec<_>>().join(", ");
    let repository = config
        .repositories
        .get(id)
        .with_context(|| format!("the configuration has no repository '{id}'; it has: {}", known()))?;
    let Some(source) = &repository.source else {
        bail!("the repository '{id}' has no source in the configuration; add [repositories.{id}.source]");
    };
    let branch = branch.unwrap_or(&repository.default_branch);
    let style = ProgressStyle::with_template("{spinner} {pos} commits, {per_sec} {wide_msg}");
    let progress = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    register::all(server, &|| progress.inc(1), |send| {
        source.walk(&config.outbound, id, &repository.default_branch, branch, |commit| {
            send(commit.short_name(), serde_json::to_vec(&commit)?)
        })
    })?;
    progress.finish_with_message(format!("registered from {branch} of {id}"));
    eprintln!("registered {} commits of {id} ({branch})", progress.position());
    Ok(())
}
