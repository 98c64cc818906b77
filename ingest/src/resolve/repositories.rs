//! Which repositories there are: those of the configuration, and those that commits made known. Whoever asks for a commit by
//! its name asks all of them, so that not everybody may make more of them, and nobody any number.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use clickhouse::Client;
use schema::intake_report::UploadFault;
use schema::store::commits::repositories;

use crate::error::{IntakeError, faulty};
use crate::wait::STORE_TIMEOUT;

/// Repositories that may become known without standing in the configuration.
const MOST: usize = 1000;

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

    /// Whether there is a repository.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn has(&self, repository: &str) -> clickhouse::error::Result<bool> {
        if self.configured.contains(repository) || self.known().contains(repository) {
            return Ok(true);
        }
        let stored = repositories(&self.client).await?;
        let mut known = self.known();
        known.extend(stored);
        Ok(known.contains(repository))
    }

    /// Lets a commit of a repository be stored.
    ///
    /// # Errors
    /// It is a new one, and may not be, or there are too many.
    pub(super) async fn admit(&self, repository: &str, may_be_new: bool) -> Result<(), IntakeError> {
        match tokio::time::timeout(STORE_TIMEOUT, self.has(repository)).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) | Err(_) => return Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "it is not known which repositories there are");
                return Ok(());
            }
        }
        if !may_be_new {
            let text = format!(
                "'{repository}' is not a recognized repository, and uploads for changes alone do not make one known: add it to \
                 [repositories] of the configuration, or register a commit of one of its branches"
            );
            return Err(IntakeError::UnknownCommit(text));
        }
        let mut known = self.known();
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
