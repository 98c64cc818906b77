//! `quarantine export`: what is in quarantine, as test runners read it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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

    /// The file to write; standard output without it, and for -. It stays as it is where the server does not answer.
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
        match self.output.as_deref().filter(|path| path.as_os_str() != "-") {
            None => Ok(io::stdout().lock().write_all(list.as_bytes())?),
            Some(path) => write_whole(path, &list).with_context(|| format!("{} cannot be written", path.display())),
        }
    }

    fn query(&self) -> String {
        let asked = [("suite".to_owned(), self.suite.clone()), ("format".to_owned(), name(&self.format))];
        query(asked.into_iter().chain(self.configuration.iter().map(machine::asked)))
    }
}

/// Writes a list to a file as a whole: one that is half written would leave out less, or something else. A link is followed, and
/// what is no file, such as a pipe, is written to.
fn write_whole(path: &Path, list: &str) -> io::Result<()> {
    let known = fs::metadata(path).ok();
    if known.as_ref().is_some_and(|known| !known.is_file()) {
        return File::options().write(true).open(path)?.write_all(list.as_bytes());
    }
    let path = if known.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut files = tempfile::Builder::new();
    // A test runner often is somebody else: who may read is up to the umask, as for any file.
    #[cfg(unix)]
    files.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = files.tempfile_in(folder.unwrap_or_else(|| ".".as_ref()))?;
    if let Some(known) = known {
        file.as_file().set_permissions(known.permissions())?;
    }
    file.write_all(list.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_keeps_its_rights_and_links_lead_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "before").unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        write_whole(&link, "a\nb\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a\nb\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(write_whole(folder.path(), "a").is_err());
    }

    #[test]
    fn a_pipe_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                let mut read = String::new();
                File::open(pipe).unwrap().read_to_string(&mut read).unwrap();
                read
            }
        });
        write_whole(&pipe, "a\n").unwrap();
        assert_eq!(reader.join().unwrap(), "a\n");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
