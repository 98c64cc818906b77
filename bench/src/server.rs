//! The server under measurement, and the client that measures it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::process::{Process, listening};

/// A `serve` process on an empty data directory; dies with this.
pub(crate) struct Server {
    process: Process,
    /// Where it listens.
    pub(crate) url: String,
    /// From the start of the process to its first healthy answer.
    pub(crate) started_in: Duration,
    data: Arc<TempDir>,
}

impl Server {
    /// Starts it and waits until it is healthy.
    pub(crate) fn start(binary: &Path) -> anyhow::Result<Self> {
        Self::start_on(binary, Arc::new(tempfile::tempdir().context("a data directory")?))
    }

    /// The same on the data of one that was stopped.
    pub(crate) fn start_on(binary: &Path, data: Arc<TempDir>) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data.path());
        let (process, url) = listening(&mut command).context("build it with `make build`")?;
        let mut server = Self { process, url, started_in: Duration::ZERO, data };
        while get(&agent(), &server.url, "/__health").is_err() {
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("the server does not become healthy");
            }
        }
        server.started_in = begun.elapsed();
        Ok(server)
    }

    /// Resident memory of the process in bytes: now, and at most so far.
    pub(crate) fn memory(&self) -> anyhow::Result<(u64, u64)> {
        memory_of(self.process.id())
    }

    /// Its data, which outlives it as long as somebody has this.
    pub(crate) fn data(&self) -> Arc<TempDir> {
        Arc::clone(&self.data)
    }

    /// Bytes of a folder of the data directory.
    pub(crate) fn bytes_of(&self, folder: &str) -> anyhow::Result<u64> {
        bytes_below(&self.data.path().join(folder))
    }

    /// Waits until a folder has kept its size for a while: merges are done and what they replaced is removed.
    pub(crate) fn settle(&self, folder: &str, quiet: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        let (mut size, mut since) = (self.bytes_of(folder)?, Instant::now());
        while since.elapsed() < quiet && begun.elapsed() < 4 * quiet + Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(250));
            let now = self.bytes_of(folder)?;
            // Logs grow by a little all the time.
            if now.abs_diff(size) > 1 << 20 {
                (size, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// Asks it to end; how long that took.
    pub(crate) fn stop(self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let ended = self.process.stop()?;
        if !ended.success() {
            bail!("the server ended with {ended}");
        }
        Ok(begun.elapsed())
    }
}

/// Resident memory of a process in bytes: now, and at most so far.
pub(crate) fn memory_of(process: u32) -> anyhow::Result<(u64, u64)> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let member = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let found = member("VmRSS:").zip(member("VmHWM:")).with_context(|| format!("{path} has no VmRSS and VmHWM"))?;
    Ok((found.0 << 10, found.1 << 10))
}

fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        // Parts come and go while the engine merges them.
        let Ok(about) = entry.metadata() else { continue };
        bytes += if about.is_dir() { bytes_below(&entry.path()).unwrap_or(0) } else { about.len() };
    }
    Ok(bytes)
}

/// A client that keeps its connection.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).build().into()
}

/// The body of a successful answer.
pub(crate) fn get(agent: &ureq::Agent, url: &str, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut response = agent.get(format!("{url}{path}")).call().with_context(|| path.to_owned())?;
    Ok(response.body_mut().with_config().limit(1 << 30).read_to_vec()?)
}

/// Uploads a document and waits until it is visible; how long that took.
pub(crate) fn upload(agent: &ureq::Agent, url: &str, document: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let answer = post(agent, url, document, "wait=60")?;
    if answer.contains("Queued") {
        bail!("an upload was not visible within a minute: {answer}");
    }
    Ok(begun.elapsed())
}

/// Uploads a document; how long it took until the answer said that it is durable.
pub(crate) fn acknowledged(agent: &ureq::Agent, url: &str, document: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    post(agent, url, document, "wait=0")?;
    Ok(begun.elapsed())
}

fn post(agent: &ureq::Agent, url: &str, document: &str, preference: &str) -> anyhow::Result<String> {
    let mut response = agent
        .post(format!("{url}/api/upload"))
        .header("Prefer", preference)
        .content_type("application/json")
        .send(document)?;
    Ok(response.body_mut().read_to_string()?)
}
