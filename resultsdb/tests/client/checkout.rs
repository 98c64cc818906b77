//! A checkout on a machine without any CI, and a server.

use std::cell::Cell;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;
use test_support::clock::now;
use test_support::git::git;
use test_support::server::Server;

use crate::RESULTSDB;

pub struct Checkout {
    folder: TempDir,
    /// Hash of the first commit.
    pub head: String,
    pub server: Server,
    time: Cell<i64>,
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A report of tests of the class C, each with whether it passes.
pub fn junit(tests: &[(&str, bool)]) -> String {
    let mut text = String::from("<testsuite name=\"s\">");
    for (name, passes) in tests {
        let failure = if *passes { "" } else { "<failure message=\"expected 1\"/>" };
        let _ = write!(text, "<testcase classname=\"C\" name=\"{name}\" time=\"0.01\">{failure}</testcase>");
    }
    text + "</testsuite>"
}

impl Checkout {
    /// With one commit on `main`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = RESULTSDB.serve(&folder.path().join("data"));
        let checkout = Self { head: String::new(), server, time: Cell::new(now() - 86400), folder };
        let repository = checkout.path("");
        std::fs::create_dir(&repository).unwrap();
        git(&repository, checkout.time.get(), &["init", "--quiet", "--initial-branch", "main"]);
        git(&repository, checkout.time.get(), &["remote", "add", "origin", "git@example.org:octo/widget.git"]);
        let head = checkout.commit();
        Self { head, ..checkout }
    }

    /// A file of the checkout.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("checkout").join(name)
    }

    /// Makes a commit, a minute after the last one, and returns its hash.
    pub fn commit(&self) -> String {
        self.time.set(self.time.get() + 60);
        git(&self.path(""), self.time.get(), &["commit", "--quiet", "--allow-empty", "--message", "A change"]);
        git(&self.path(""), self.time.get(), &["rev-parse", "HEAD"])
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(""), self.time.get(), arguments)
    }

    /// A command with nothing in its environment but where the server is.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("RESULTSDB_URL", &self.server.url);
        command
    }

    /// Runs a command of the client.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(RESULTSDB.path()).args(arguments).output().unwrap()
    }

    pub fn stop_server(&mut self) {
        self.server.signal("-TERM");
        assert_eq!(self.server.wait(), Some(0));
    }

    /// Starts the server again on the data and address that it had.
    pub fn restart_server(&mut self, address: &str) {
        let data = self.folder.path().join("data");
        self.server = RESULTSDB.spawn(&["serve", "--listen", address, "--data-dir", data.to_str().unwrap()]);
    }
}
