//! `quarantine export`: what is in quarantine, as test runners read it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::{PATH, name, query};
use crate::machine;
use crate::options::ServerOptions;

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// The suite.
    #[arg(long, allow_hyphen_values = true)]
    suite: String,

    /// The form of the list.
    #[arg(long, value_enum, default_value = "plain")]
    format: ListForm,

    /// A member of the configuration that the list is for, such as platform=Mac; it may be repeated. What is in quarantine
    /// on other configurations is not on the list.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = machine::member)]
    configuration: Vec<(String, String)>,

    /// The file to write; standard output without it. It stays as it is where the server does not answer.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ListForm {
    /// Names, one a line.
    Plain,
    /// Lines of WebKit's TestExpectations.
    TestExpectations,
    /// Arguments for `pytest @FILE`.
    Pytest,
    /// A pattern for Jest's `--testNamePattern`.
    Jest,
    /// A filter for `cargo nextest run -E`.
    Nextest,
}

impl ExportArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The server is away or refuses, or the file cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let list = self.server.server()?.get(&format!("{PATH}/export?{}", self.query()))?;
        let Some(path) = &self.output else {
            std::io::stdout().lock().write_all(list.as_bytes())?;
            return Ok(());
        };
        // A list that is half written would leave out less, or something else.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut files = tempfile::Builder::new();
        // A test runner often is somebody else: what may read is up to the umask, as for any file.
        #[cfg(unix)]
        files.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = files.tempfile_in(folder.unwrap_or_else(|| ".".as_ref()));
        let written = file.and_then(|file| fs::write(file.path(), &list).and_then(|()| Ok(file.persist(path)?)));
        written.with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(())
    }

    fn query(&self) -> String {
        let asked = [("suite".to_owned(), self.suite.clone()), ("format".to_owned(), name(&self.format))];
        query(asked.into_iter().chain(self.configuration.iter().map(machine::asked)))
    }
}
