//! What all requests of the intake share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::Door;
use eventlog::EventLog;
use outbound::Outbound;
use schema::blobs::Blobs;
use schema::links::MasterIds;
use schema::receipt::Receipt;
use schema::retention::Retention;
use web::prefer::Preferences;

use crate::append::EventAppender;
use crate::checks::body::BodyMemory;
use crate::converted_reports::Conversions;
use crate::duplicates::Duplicates;
use crate::owner_files::suite_file::SuiteFile;
use crate::resolve::ci::BuildbotMasters;
use crate::resolve::commits::CommitResolver;
use crate::resolve::sources::Source;
use crate::wait::wait_until_shown;

/// What the intake needs to know of its surroundings.
#[derive(Debug, Clone, Default)]
pub struct IntakeOptions {
    /// Who may come in; anybody unless it is given.
    pub door: Door,
    /// Default branch by repository id; others use `main`.
    pub default_branches: BTreeMap<String, String>,
    /// Where unknown commits are looked up, by repository id.
    pub sources: BTreeMap<String, Source>,
    /// In which files of a repository with a source owners of tests are said, by its id; a suite stands in one entry of all.
    pub owner_files: BTreeMap<String, Vec<SuiteFile>>,
    /// From one reading of these files to the next; a quarter of an hour unless it is given.
    pub owners_every: Option<Duration>,
    /// Buildbot masters by host; one without ids is asked for them.
    pub masters: BTreeMap<String, Option<MasterIds>>,
    /// What sources and masters may be asked; public hosts unless it is given.
    pub outbound: Outbound,
    /// How long an upload without `Prefer: wait=N` waits for the views; `None` answers at once.
    pub default_wait: Option<Duration>,
    /// Whether uploads whose senders have no preference are handled strictly: refused rather than taken in part.
    pub is_strict: bool,
    /// How long a report of what became of uploads waits for more of them; a minute unless it is given.
    pub report_after: Option<Duration>,
    /// How long results are kept: what is over when it comes is answered so.
    pub retention: Retention,
}

/// Shared by all requests; a clone is the same intake.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) door: Door,
    pub(crate) appender: EventAppender,
    pub(crate) blobs: Blobs,
    pub(crate) client: clickhouse::Client,
    pub(crate) commits: Arc<CommitResolver>,
    pub(crate) masters: BuildbotMasters,
    /// The repository whose file says who owns the tests of a suite, by suite.
    pub(crate) owners_from: Arc<BTreeMap<String, String>>,
    pub(crate) duplicates: Arc<Duplicates>,
    pub(crate) body_memory: BodyMemory,
    pub(crate) conversions: Conversions,
    pub(crate) is_strict: bool,
    pub(crate) retention: Arc<Retention>,
    default_wait: Option<Duration>,
}

impl Intake {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        client: clickhouse::Client,
        blobs: Blobs,
        options: IntakeOptions,
    ) -> Self {
        let IntakeOptions {
            door,
            default_branches,
            sources,
            owner_files,
            masters,
            outbound,
            default_wait,
            is_strict,
            retention,
            ..
        } = options;
        let owners_from = owner_files
            .into_iter()
            .flat_map(|(repository, entries)| entries.into_iter().map(move |entry| (entry.suite, repository.clone())));
        Self {
            door,
            commits: Arc::new(CommitResolver::new(
                Arc::clone(&log),
                client.clone(),
                default_branches,
                sources,
                outbound.clone(),
            )),
            masters: BuildbotMasters::new(masters, outbound),
            owners_from: Arc::new(owners_from.collect()),
            duplicates: Arc::new(Duplicates::new(Arc::clone(&log), client.clone())),
            body_memory: BodyMemory::default(),
            conversions: Conversions::default(),
            appender: EventAppender::new(log, blobs.clone()),
            blobs,
            client,
            is_strict,
            retention: Arc::new(retention),
            default_wait,
        }
    }

    /// Waits until the views show an event, as long as the sender prefers or, without a preference, as long as this
    /// intake waits by itself; whether they show it.
    pub(crate) async fn wait_as_preferred(&self, preferences: &Preferences, receipt: Receipt) -> bool {
        match preferences.wait.or(self.default_wait) {
            Some(limit) => wait_until_shown(self.appender.log(), receipt, limit).await,
            None => false,
        }
    }
}
