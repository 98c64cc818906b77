//! Processes that a measure starts.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use anyhow::{Context, ensure};

/// A process that dies with this.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("starting {command:?}"))?))
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    /// What it prints, where that is piped and nobody has it yet.
    pub(crate) fn output(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.0.wait()?)
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        ensure!(sent.success(), "process {} could not be signalled", self.id());
        Ok(self.0.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts what prints where it listens, and waits for that.
pub(crate) fn listening(command: &mut Command) -> anyhow::Result<(Process, String)> {
    let mut process = Process::start(command.stdout(Stdio::piped()))?;
    let output = process.output().context("the process's output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let url = line.trim().strip_prefix("listening on ").with_context(|| format!("{command:?} printed no address"))?;
    Ok((process, url.to_owned()))
}
