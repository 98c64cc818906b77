//! Which repositories there are: those of the configuration, and those that commits made known. Whoever asks for a commit by
//! its name asks all of them, so that not everybody may make more of them, and nobody any number.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clickhouse::Client;
use schema::intake_report::UploadFault;
use schema::store::commits::repositories;

use crate::error::{IntakeError, faulty};

/// Repositories that may become known without standing in the configuration.
const MOST: usize = 1000;
/// A store that answers later is done without: as long as the log takes uploads, they are taken.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// The repositories.
pub(super) struct Repositories {
    client: Client,
    configured: HashSet<String>,
    /// Others that are known for certain.
    known: Mutex<HashSet<String>>,
}

impl Repositories {
    pub(super) fn new(client: Client, configured: HashSet<String>) -> Self {
        Self { client, configured, known: Mutex::default() }
    }

    /// Lets a commit of a repository be stored.
    ///
    /// # Errors
    /// It is a new one, and may not be, or there are too many.
    pub(super) async fn admit(&self, repository: &str, may_be_new: bool) -> Result<(), IntakeError> {
        if self.configured.contains(repository) || self.known().contains(repository) {
            return Ok(());
        }
        let stored = match tokio::time::timeout(STORE_TIMEOUT, repositories(&self.client)).await {
            Ok(Ok(stored)) => stored,
            Ok(Err(error)) => {
                tracing::warn!(%error, "it is not known which repositories there are");
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        let mut known = self.known();
        known.extend(stored);
        if known.contains(repository) {
            return Ok(());
        }
        if !may_be_new {
            let text = format!(
                "'{repository}' is not a recognized repository, and uploads for changes alone do not make one known: add it to \
                 [repositories] of the configuration, or register a commit of one of its branches"
            );
            return Err(IntakeError::UnknownCommit(text));
        }
        if known.len() >= MOST {
            let text = format!(
                "There are {MOST} repositories that stand nowhere in the configuration, which is as many as there can be: add \
                 '{repository}' to [repositories]"
            );
            return Err(faulty(UploadFault::Commit, text));
        }
        known.insert(repository.to_owned());
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody knows a repository.
pub(super) fn unknown(repository: &str) -> IntakeError {
    IntakeError::UnknownCommit(format!("'{repository}' is not a recognized repository"))
}
