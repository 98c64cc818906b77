//! The intake: accepts uploads and commit registrations over HTTP.
//!
//! Data flow: body (bounded, its memory accounted for: [`body`]) → [`document`] checks it and borrows from it
//! → [`references`] resolves commits that are only named, [`ci`] the run's links → the event is encoded
//! and appended to the log ([`append`]) → 200. An upload that only repeats the last one of its run is not appended
//! but given that one's receipt ([`repeats`]). Whoever asked to wait is answered once the processor's group
//! has committed past it. Commits, and bugs that explain failures ([`bugs`]), come the same way. A commit that nobody
//! registered is asked of its repository's own host ([`sources`]). Files of a run go to the blob store first
//! ([`archive`]).

mod append;
mod archive;
mod body;
mod bugs;
mod ci;
mod dead_letters;
mod document;
mod error;
mod ews;
mod forms;
mod operations;
mod references;
mod repeats;
mod routes;
pub mod sources;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ci::Masters;
use eventlog::EventLog;
use repeats::Repeats;
use schema::blobs::Blobs;
use schema::links::MasterIds;
use sources::Source;
use tokio::sync::Semaphore;

pub use error::IntakeError;
pub use operations::OPERATIONS;
pub use routes::router;

/// The largest request body, in bytes.
pub const MAX_BODY_BYTES: usize = 256 << 20;
/// Bodies held at one time, in MiB over all requests.
const MEMORY_MIB: usize = 384;
/// A host is not asked more than this at one time, however many uploads name what it may know.
const LOOKUPS: usize = 4;

/// What the intake needs to know of its surroundings.
#[derive(Debug, Clone)]
pub struct IntakeOptions {
    /// Default branch by repository id; others use `main`.
    pub default_branches: BTreeMap<String, String>,
    /// Where unknown commits are looked up, by repository id.
    pub sources: BTreeMap<String, Source>,
    /// Buildbot masters by host; one without ids is asked for them.
    pub masters: BTreeMap<String, Option<MasterIds>>,
    /// How long an upload without `Prefer: wait=N` waits for the views; `None` answers at once.
    pub default_wait: Option<Duration>,
}

/// Shared by all requests.
#[derive(Clone)]
pub(crate) struct Intake {
    log: Arc<dyn EventLog>,
    client: clickhouse::Client,
    options: Arc<IntakeOptions>,
    memory: Arc<Semaphore>,
    blobs: Blobs,
    masters: Masters,
    repeats: Arc<Repeats>,
    /// Questions to the repositories' hosts at one time.
    lookups: Arc<Semaphore>,
}

impl Intake {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        client: clickhouse::Client,
        blobs: Blobs,
        options: IntakeOptions,
    ) -> Self {
        let masters = Masters::new(options.masters.clone());
        let memory = Arc::new(Semaphore::new(MEMORY_MIB));
        Self {
            log,
            client,
            options: Arc::new(options),
            memory,
            blobs,
            masters,
            repeats: Arc::default(),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

impl IntakeOptions {
    pub(crate) fn default_branch(&self, repository: &str) -> &str {
        self.default_branches.get(repository).map_or("main", String::as_str)
    }
}
