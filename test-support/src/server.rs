//! The `resultsdb` binary as a process, driven through its public doors: commands, signals, HTTP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::wait::until;
use crate::{http, workspace};

/// The [`Binary`] that Cargo built for the integration test that calls this; only tests of `resultsdb` can.
#[macro_export]
macro_rules! resultsdb {
    () => {
        $crate::server::Binary::at(env!("CARGO_BIN_EXE_resultsdb"))
    };
}

/// A built `resultsdb`.
#[derive(Debug, Clone, Copy)]
pub struct Binary(&'static str);

impl Binary {
    /// The binary in a file; [`resultsdb!`](crate::resultsdb) knows which.
    pub const fn at(path: &'static str) -> Self {
        Self(path)
    }

    /// A command of it without arguments.
    pub fn command(self) -> Command {
        Command::new(self.0)
    }

    /// Where it lies, for commands that start it through others.
    pub const fn path(self) -> &'static str {
        self.0
    }

    /// Starts what prints where it listens.
    pub fn spawn(self, arguments: &[&str]) -> Server {
        let mut command = self.command();
        command.args(arguments);
        Server::run(command)
    }

    /// `serve` on a data directory, with the configuration that mirrors the recorded server.
    pub fn serve(self, data_dir: &Path) -> Server {
        self.serve_with(data_dir, &workspace::example("webkit.toml"))
    }

    /// `serve` on a data directory, with a configuration.
    pub fn serve_with(self, data_dir: &Path, config: &Path) -> Server {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir).arg("--config").arg(config);
        Server::run(command)
    }
}

/// A process that prints where it listens. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it listens, such as `http://127.0.0.1:4711`.
    pub url: String,
}

impl Server {
    /// Starts a command and waits for its address.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the address line").to_owned();
        Self { child, url }
    }

    /// Status and text of the answer to a GET request.
    pub fn get(&self, path: &str) -> (u16, String) {
        http::get(&self.url, path)
    }

    /// The JSON of a successful answer to a GET request.
    pub fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Status and text of the answer to a POST request; an error if there is none.
    pub fn post(&self, path: &str, body: &[u8]) -> Result<(u16, String), ureq::Error> {
        http::post(&self.url, path, body)
    }

    /// Sends a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) {
        signal_to(self.child.id(), signal);
    }

    /// Waits until the process ends; its exit status, or none if a signal ended it.
    pub fn wait(&mut self) -> Option<i32> {
        let mut ended = None;
        until("the process ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.and_then(|status| status.code())
    }

    /// Asks the process to end, waits for that, and fails if it does not succeed.
    pub fn stop(mut self) {
        self.signal("-TERM");
        assert_eq!(self.wait(), Some(0));
    }

    /// Kills the process without warning, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal("-KILL");
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal, such as `-STOP`, to any process by its id.
pub fn signal_to(process: u32, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}
