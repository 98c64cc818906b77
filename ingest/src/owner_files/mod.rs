//! Owners of tests that a repository's own files name: they are read at its host now and then, and no request waits for that.
//!
//! Data flow: the entries of a repository ([`SuiteFile`]) → for each the first of its files that the default branch has →
//! compared with what the views show of the suite → where that is something else, the event of `POST /api/owners`. The host may
//! be asked by every intake, but one at a time appends, and looks at the views once more before: what one intake has
//! appended, no other appends again.

pub(crate) mod suite_file;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Row};
use eventlog::EventLog;
use futures_util::future::join_all;
use outbound::Outbound;
use schema::blobs::Blobs;
use schema::clock::now_signed;
use schema::event::Request;
use schema::lease::Lease;
use schema::owners::{OwnersFile, SuiteOwners};
use serde::Deserialize;
use tokio::sync::watch;
use web::blocking::blocking;

use crate::append::{AcceptedRequest, EventAppender, RequestOrigin, no_payload};
use crate::checks::owners::{TextFault, check_text};
use crate::error::IntakeError;
use crate::resolve::sources::{Source, SourceError};
use crate::state::IntakeOptions;
use crate::wait::{STORE_TIMEOUT, wait_until_all_shown, wait_until_shown};

pub use suite_file::SuiteFile;

/// From one reading to the next. GitHub answers 60 questions of an hour to whoever has no token, and looking for a file at all
/// of the usual places takes eight.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// When what the log or the store did not take is tried again.
const SOON: Duration = Duration::from_secs(60);
/// How long the views may take to show what is in the log.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);
/// How long the right to append may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why it is not known who owns the tests of a suite.
#[derive(Debug, thiserror::Error)]
enum OwnerFileError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the branch {branch} has none of these files: {files}")]
    Missing { branch: String, files: String },
    #[error("{path} {fault}")]
    Text { path: String, fault: TextFault },
    #[error("the views do not show yet what was sent before")]
    Behind,
    #[error("another process is about to send what it has read")]
    Busy,
    #[error("the service is stopping")]
    Stopping,
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

impl OwnerFileError {
    /// Whether the file was read, so that nothing has to change at the repository.
    fn passes(&self) -> bool {
        matches!(self, Self::Behind | Self::Busy | Self::Intake(_))
    }
}

/// Reads the files of owners of every repository again and again until `stop` turns true. `right` wants the right to append
/// what was read, which one process of a deployment has at a time.
pub async fn read_owner_files(
    log: Arc<dyn EventLog>,
    client: Client,
    blobs: Blobs,
    options: IntakeOptions,
    right: fn(&Blobs) -> Lease,
    mut stop: watch::Receiver<bool>,
) {
    let IntakeOptions { owner_files, mut sources, default_branches, outbound, owners_every, .. } = options;
    let appender = EventAppender::new(log, blobs.clone());
    let keeper = Arc::new(Keeper { appender, client, blobs, right });
    let readers = owner_files.into_iter().filter_map(|(id, entries)| {
        let source = sources.remove(&id)?;
        let branch = default_branches.get(&id).map_or("main", String::as_str).to_owned();
        let (outbound, stop) = (outbound.clone(), stop.clone());
        let repository = Arc::new(Repository { id, branch, source, entries, outbound, stop });
        Some(Reader { repository, keeper: Arc::clone(&keeper) })
    });
    let every = owners_every.unwrap_or(EVERY);
    let readers: Vec<Reader> = readers.collect();
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        _ = join_all(readers.iter().map(|reader| reader.repeat(every))) => {}
    }
}

/// A repository, and whose owners its files name.
struct Repository {
    id: String,
    branch: String,
    source: Source,
    entries: Vec<SuiteFile>,
    outbound: Outbound,
    stop: watch::Receiver<bool>,
}

impl Repository {
    /// What is said of each suite, in the order of the entries. A host that does not answer is asked nothing more.
    fn read(&self) -> Vec<Result<SuiteOwners, OwnerFileError>> {
        let mut texts = HashMap::new();
        let mut read = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let owners = self.of_suite(entry, &mut texts);
            let is_over = matches!(
                owners,
                Err(OwnerFileError::Stopping
                    | OwnerFileError::Source(SourceError::Failed { .. } | SourceError::NoClone { .. }))
            );
            read.push(owners);
            if is_over {
                break;
            }
        }
        read
    }

    /// What the first file of an entry says; `texts` has the files that were asked for before.
    fn of_suite<'a>(
        &self,
        entry: &'a SuiteFile,
        texts: &mut HashMap<&'a str, Option<String>>,
    ) -> Result<SuiteOwners, OwnerFileError> {
        for path in &entry.files {
            let text = match texts.get(path.as_str()) {
                Some(text) => text.clone(),
                // A process that ends waits for the question that is asked, and need not wait for more.
                None if *self.stop.borrow() => return Err(OwnerFileError::Stopping),
                None => {
                    let text = self.source.file(&self.outbound, &self.branch, path)?;
                    texts.entry(path).or_insert(text).clone()
                }
            };
            let Some(mut text) = text else { continue };
            // Nobody owns anything by a file that has comments alone.
            if OwnersFile::parse(&text).is_empty() {
                text.clear();
            }
            check_text(&text).map_err(|fault| OwnerFileError::Text { path: path.clone(), fault })?;
            return Ok(SuiteOwners { suite: entry.suite.clone(), text, folder: entry.folder.clone() });
        }
        Err(OwnerFileError::Missing { branch: self.branch.clone(), files: entry.files.join(", ") })
    }
}

/// Something that keeps owners from being read, in words, and whether it may be over soon.
struct Problem {
    text: String,
    passes: bool,
}

impl Problem {
    fn of(suite: &str, error: &OwnerFileError) -> Self {
        Self { text: format!("{error} (owners of '{suite}')"), passes: error.passes() }
    }
}

/// Reads one repository. Another one whose host is slow does not hold it up.
struct Reader {
    repository: Arc<Repository>,
    keeper: Arc<Keeper>,
}

impl Reader {
    /// Reads again and again. What is wrong is logged when it begins, and not again until it is something else.
    async fn repeat(&self, every: Duration) {
        let mut told = HashSet::new();
        loop {
            let problems = self.look().await.unwrap_or_else(|error| {
                let suites: Vec<&str> = self.repository.entries.iter().map(|entry| entry.suite.as_str()).collect();
                vec![Problem::of(&suites.join(", "), &error)]
            });
            for Problem { text, .. } in problems.iter().filter(|problem| !told.contains(&problem.text)) {
                let repository = &self.repository.id;
                tracing::warn!(repository, error = text, "owners are not read; what was known of them holds");
            }
            let result = if problems.is_empty() { "ok" } else { "error" };
            metrics::counter!("resultsdb_owner_readings_total", "result" => result).increment(1);
            let pause = if problems.iter().any(|problem| problem.passes) { every.min(SOON) } else { every };
            told = problems.into_iter().map(|problem| problem.text).collect();
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads once, and appends what is new; what is wrong with some of the files.
    async fn look(&self) -> Result<Vec<Problem>, OwnerFileError> {
        let (owners, problems) = self.read().await?;
        if self.keeper.news(owners).await?.is_empty() {
            return Ok(problems);
        }
        let mut right = (self.keeper.right)(&self.keeper.blobs);
        let sent = async {
            tokio::time::timeout(PATIENCE, right.held()).await.map_err(|_| OwnerFileError::Busy)?;
            tokio::select! {
                sent = self.send() => sent,
                () = right.lost() => Err(OwnerFileError::Busy),
            }
        }
        .await;
        right.release().await;
        sent
    }

    /// Reads once more, now that nobody else appends and the views show what others did, and appends what is new still.
    async fn send(&self) -> Result<Vec<Problem>, OwnerFileError> {
        if !wait_until_all_shown(self.keeper.appender.log(), SHOWN_WITHIN).await {
            return Err(OwnerFileError::Behind);
        }
        let (owners, problems) = self.read().await?;
        for owners in self.keeper.news(owners).await? {
            self.keeper.append(&self.repository.id, owners).await?;
        }
        Ok(problems)
    }

    /// What the repository says now, and what is wrong with some of its files.
    async fn read(&self) -> Result<(Vec<SuiteOwners>, Vec<Problem>), IntakeError> {
        let repository = Arc::clone(&self.repository);
        let read = blocking(move || repository.read()).await?;
        let (mut owners, mut problems) = (Vec::new(), Vec::new());
        for (entry, read) in self.repository.entries.iter().zip(read) {
            match read {
                Ok(of_suite) => owners.push(of_suite),
                Err(error) => problems.push(Problem::of(&entry.suite, &error)),
            }
        }
        Ok((owners, problems))
    }
}

/// Keeps what was read.
struct Keeper {
    appender: EventAppender,
    client: Client,
    blobs: Blobs,
    right: fn(&Blobs) -> Lease,
}

#[derive(Row, Deserialize)]
struct StoredFile {
    suite: String,
    content: String,
    folder: String,
}

impl Keeper {
    /// What says something else of a suite than the views show.
    async fn news(&self, mut owners: Vec<SuiteOwners>) -> Result<Vec<SuiteOwners>, IntakeError> {
        if owners.is_empty() {
            return Ok(owners);
        }
        let suites: Vec<&str> = owners.iter().map(|owners| owners.suite.as_str()).collect();
        let query = self.client.query("SELECT ?fields FROM owner_files FINAL WHERE suite IN ?").bind(suites);
        let away = |_| IntakeError::Unavailable("The store does not answer".into());
        let stored = tokio::time::timeout(STORE_TIMEOUT, query.fetch_all::<StoredFile>()).await.map_err(away)??;
        owners.retain(|owners| match stored.iter().find(|stored| stored.suite == owners.suite) {
            None => !owners.text.is_empty(),
            // Where nobody owns anything, the folder means nothing.
            Some(stored) => {
                stored.content != owners.text || (stored.folder != owners.folder && !owners.text.is_empty())
            }
        });
        Ok(owners)
    }

    /// Appends what a repository says of a suite; returns once the views show it, or soon after.
    async fn append(&self, repository: &str, owners: SuiteOwners) -> Result<(), IntakeError> {
        let suite = owners.suite.clone();
        let accepted = AcceptedRequest {
            request: Request::Owners(owners),
            received_at: now_signed(),
            payload: no_payload(),
            fingerprint: None,
            origin: RequestOrigin::of_repository(repository),
        };
        let receipt = self.appender.append(suite.as_bytes(), accepted).await?;
        tracing::info!(repository, suite, "a file of owners says something new");
        wait_until_shown(self.appender.log(), receipt, SHOWN_WITHIN).await;
        Ok(())
    }
}
