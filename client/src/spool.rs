//! Uploads that a server which was away did not take. They wait in a folder, each in a folder of its own, and the next call
//! sends them, the oldest first.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use crate::delivery::{Delivery, Label};
use crate::environment::Environment;
use crate::server::{RequestError, Server};

/// How long an upload waits before it is given up.
const KEPT_FOR: Duration = Duration::from_secs(14 * 24 * 3600);
/// Bytes that may wait.
const MAX_BYTES: u64 = 1 << 30;

const LABEL: &str = "upload.json";
const DOCUMENT: &str = "document.json";
const ARCHIVE: &str = "reports.zip";
/// Begins the name of an upload that is still being written, or that the server refused.
const ASIDE: char = '.';

/// Uploads that wait.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Those in a folder, which need not be there.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Those of this user.
    pub(crate) fn of_user(environment: &Environment) -> Self {
        let home = || environment.get("HOME").map(|home| Path::new(home).join(".local/state"));
        let state = environment.first(&["XDG_STATE_HOME", "LOCALAPPDATA"]).map(PathBuf::from).or_else(home);
        Self { folder: state.unwrap_or_else(std::env::temp_dir).join("resultsdb/spool") }
    }

    /// Where they are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps an upload until the server takes it.
    ///
    /// # Errors
    /// The folder cannot be written, or is full.
    pub(crate) fn keep(&self, delivery: &mut Delivery) -> anyhow::Result<()> {
        let failed = || format!("the upload cannot be kept in {}", self.folder.display());
        create_private(&self.folder).with_context(failed)?;
        let used: u64 =
            self.entries().iter().flat_map(|entry| [DOCUMENT, ARCHIVE].map(|name| size(&entry.join(name)))).sum();
        if used + delivery.document.metadata().with_context(failed)?.len() > MAX_BYTES {
            anyhow::bail!("{}: it already has {} MiB of uploads that wait", failed(), used >> 20);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!("{since:015}-{}", delivery.label.key);
        let written = self.folder.join(format!("{ASIDE}{name}"));
        let write = |delivery: &mut Delivery| -> io::Result<()> {
            fs::create_dir(&written)?;
            copy(&mut delivery.document, &written.join(DOCUMENT))?;
            if let Some(archive) = &mut delivery.archive {
                copy(archive, &written.join(ARCHIVE))?;
            }
            fs::write(written.join(LABEL), serde_json::to_vec(&delivery.label)?)?;
            // From here on it is whole, and the next call sees it.
            fs::rename(&written, self.folder.join(name))
        };
        let kept = write(delivery);
        if kept.is_err() {
            let _ = fs::remove_dir_all(&written);
        }
        kept.with_context(failed)
    }

    /// Sends what waits for a server, the oldest first, and says how many it took. Uploads that it refuses, and those that
    /// waited too long, are set aside and told of on standard error.
    ///
    /// # Errors
    /// The server is away, still or again.
    pub(crate) fn send(&self, server: &Server) -> Result<usize, RequestError> {
        let mut sent = 0;
        for entry in self.entries() {
            // Another call may be sending it, or has sent it.
            let Some(delivery) = read(&entry).filter(|delivery| delivery.label.url == server.url()) else { continue };
            if is_old(&entry) {
                eprintln!("an upload that waited in {} for two weeks is given up", entry.display());
                let _ = fs::remove_dir_all(&entry);
                continue;
            }
            match delivery.send(server) {
                Ok(()) => {
                    sent += 1;
                    let _ = fs::remove_dir_all(&entry);
                }
                Err(away @ RequestError::Away { .. }) => return Err(away),
                // Another call may have the key for it.
                Err(error @ RequestError::NotLetIn { .. }) => {
                    eprintln!("an upload goes on to wait in {}: {error}", entry.display());
                }
                Err(error) => {
                    eprintln!("an upload that waited in {} is not taken: {error}", entry.display());
                    let name = entry.file_name().unwrap_or_default().to_string_lossy();
                    let _ = fs::rename(&entry, self.folder.join(format!("{ASIDE}refused-{name}")));
                }
            }
        }
        Ok(sent)
    }

    /// The folders of what waits, the oldest first.
    fn entries(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut waiting: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with(ASIDE))
            .map(|entry| entry.path())
            .collect();
        waiting.sort();
        waiting
    }
}

/// Makes a folder that only its user may read: reports may say what others must not know.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn read(entry: &Path) -> Option<Delivery> {
    let label: Label = serde_json::from_slice(&fs::read(entry.join(LABEL)).ok()?).ok()?;
    Some(Delivery {
        label,
        document: File::open(entry.join(DOCUMENT)).ok()?,
        archive: File::open(entry.join(ARCHIVE)).ok(),
    })
}

fn copy(file: &mut File, to: &Path) -> io::Result<()> {
    file.rewind()?;
    io::copy(file, &mut File::create(to)?)?;
    file.rewind()
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default()
}

fn is_old(entry: &Path) -> bool {
    let modified = fs::metadata(entry.join(LABEL)).and_then(|metadata| metadata.modified());
    modified.ok().and_then(|modified| modified.elapsed().ok()).is_some_and(|age| age > KEPT_FOR)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::stand_in::StandIn;

    fn delivery(key: &str) -> Delivery {
        let mut document = tempfile::tempfile().unwrap();
        document.write_all(b"{}").unwrap();
        let form = serde_json::json!({ "suite": "s" }).as_object().unwrap().clone();
        let label = Label { url: "http://127.0.0.1:9".into(), key: key.into(), form };
        Delivery { label, document, archive: None }
    }

    #[test]
    fn uploads_wait_whole_and_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("a/b"));
        assert!(spool.entries().is_empty());
        spool.keep(&mut delivery("one")).unwrap();
        fs::create_dir(spool.folder().join(".half-written")).unwrap();
        let entries = spool.entries();
        assert_eq!(entries.len(), 1);
        let mut waiting = read(&entries[0]).unwrap();
        let mut text = String::new();
        waiting.document.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), &waiting.label, waiting.archive.is_none()), ("{}", &delivery("one").label, true));
    }

    #[test]
    fn what_a_server_that_is_away_does_not_take_waits_on() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        spool.keep(&mut delivery("one")).unwrap();
        let away = spool.send(&Server::new("http://127.0.0.1:9", 1).unwrap());
        assert!(matches!(away, Err(RequestError::Away { .. })), "{away:?}");
        assert_eq!(spool.send(&Server::new("http://127.0.0.1:8", 1).unwrap()).unwrap(), 0);
        assert_eq!(spool.entries().len(), 1);
    }

    #[test]
    fn what_is_sent_with_a_wrong_key_waits_on_and_stops_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        let answers = [(403, "{}"), (401, "{}"), (200, r#"{"status":"ok"}"#), (400, "{}")];
        let server = StandIn::answering(answers.map(|(status, text)| (status, text.to_owned())).to_vec());
        for key in ["one", "two", "three", "four"] {
            let mut waiting = delivery(key);
            waiting.label.url.clone_from(&server.url);
            spool.keep(&mut waiting).unwrap();
        }
        assert_eq!(spool.send(&Server::new(&server.url, 1).unwrap()).unwrap(), 1);
        assert_eq!((server.seen().len(), spool.entries().len()), (4, 2));
    }

    #[test]
    fn the_folder_is_the_user_s() {
        let of = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Spool::of_user(&variables.collect()).folder
        };
        assert_eq!(of(&[("HOME", "/h")]), Path::new("/h/.local/state/resultsdb/spool"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Path::new("/s/resultsdb/spool"));
    }
}
