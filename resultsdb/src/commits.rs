//! Registers whole branches.

use std::sync::{Mutex, mpsc};
use std::thread;

use anyhow::{Context, bail};
use client::server::{Server, TRIES};
use indicatif::{ProgressBar, ProgressStyle};
use schema::commit::Commit;

use crate::config::Config;

/// A registration is answered once the commit is visible; many wait for one batch of the processor.
const WORKERS: usize = 32;

/// Registers every commit of a branch. A commit that is registered again changes nothing, so a repetition is harmless.
pub(crate) fn import(config: &Config, id: &str, branch: Option<&str>, url: &str) -> anyhow::Result<()> {
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
    let (send, receive) = mpsc::sync_channel::<Commit>(WORKERS * 2);
    let receive = Mutex::new(Some(receive));
    let server = Server::new(url, TRIES);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let registered = register_all(&receive, &server, &progress);
                    if registered.is_err() {
                        // Nobody receives any more, so that the walk ends, too.
                        lock(&receive).take();
                    }
                    registered
                })
            })
            .collect();
        let walked = source
            .walk(id, &repository.default_branch, branch, |commit| send.send(commit).context("registering failed"));
        drop(send);
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        walked
    })?;
    progress.finish_with_message(format!("registered from {branch} of {id}"));
    eprintln!("registered {} commits of {id} ({branch})", progress.position());
    Ok(())
}

type Receiver = Mutex<Option<mpsc::Receiver<Commit>>>;

fn lock(receive: &Receiver) -> std::sync::MutexGuard<'_, Option<mpsc::Receiver<Commit>>> {
    receive.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn register_all(receive: &Receiver, server: &Server, progress: &ProgressBar) -> anyhow::Result<()> {
    loop {
        let Some(commit) = lock(receive).as_ref().and_then(|receive| receive.recv().ok()) else { return Ok(()) };
        let name = commit.short_name();
        let body = serde_json::to_vec(&commit)?;
        server.post_small("/api/commits", "application/json", &body).with_context(|| format!("registering {name}"))?;
        progress.inc(1);
    }
}
