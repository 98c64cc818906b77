//! From an event to the rows of every view: pure, so that a rebuild makes the same rows again.

use std::collections::HashSet;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use schema::bug::BugLink;
use schema::commit::{Commit, branch_keys};
use schema::configuration::{Configuration, stable_hash};
use schema::event::{Event, Header, Links, Request};
use schema::receipt::Receipt;
use schema::results::{self, Counts};
use schema::state;
use schema::store::results::{ResultRow, Run, RunResults};
use schema::store::rows::{
    ArchiveRow, BugRow, CommitNameRow, CommitRow, ConfigurationRow, DeadLetterRow, EwsRow, FailureRow, LinkRow,
    QueueRow, ReceiptRow, RepositoryRow, RunRow, SuiteRow, TestRow, UploadRow,
};
use serde_json::{Map, Value};

use crate::dead_letter_decision;

/// How long results live after their commit's time, seconds: five years.
pub const TTL_SECONDS: i64 = 1826 * 86_400;
/// How long archives live after their commit's time, seconds: eight weeks.
pub const ARCHIVE_TTL_SECONDS: i64 = 56 * 86_400;

/// Tests and suites change their names rarely, and how old a name is matters by the year: its row says only in which
/// week it was uploaded, seconds, so that a week's uploads write each name once.
const WEEK_SECONDS: u32 = 7 * 86_400;
/// Whether a configuration ran lately matters by the day: its row says in which hour it started last, so that an hour's
/// uploads write it once.
const HOUR_SECONDS: u32 = 3600;

/// What rows say that would only repeat rows that are in the store: a hash of their key, and their time.
pub type KnownRows = HashSet<(u64, u32), FxBuildHasher>;

/// Rows of a batch of events, by table.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Views {
    pub configurations: Vec<ConfigurationRow>,
    pub suites: Vec<SuiteRow>,
    pub tests: Vec<TestRow>,
    pub commits: Vec<CommitRow>,
    pub commit_names: Vec<CommitNameRow>,
    pub runs: Vec<RunRow>,
    pub results: Vec<RunResults>,
    pub failures: Vec<FailureRow>,
    pub uploads: Vec<UploadRow>,
    pub repositories: Vec<RepositoryRow>,
    pub links: Vec<LinkRow>,
    pub queues: Vec<QueueRow>,
    pub archives: Vec<ArchiveRow>,
    pub ews_results: Vec<EwsRow>,
    pub receipts: Vec<ReceiptRow>,
    pub bugs: Vec<BugRow>,
    /// One for each event that could not be processed, in the order of the batch.
    pub dead_letters: Vec<DeadLetterRow>,
    /// Letters that somebody decided about; rows of the same table.
    pub dead_letter_decisions: Vec<DeadLetterRow>,
    known: Option<Arc<KnownRows>>,
    /// What there are rows of that would be left out if they were known.
    told: KnownRows,
}

fn is_over(run: &Run, ttl: i64, received_at: i64) -> bool {
    (run.uuid / 100) as i64 + ttl <= received_at
}

fn archive(run: Run, digest: &str, size: u64) -> ArchiveRow {
    let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run;
    ArchiveRow { suite, branch, config_id, uuid, sdk, start_time, digest: digest.to_owned(), size, version }
}

fn ews(run: &Run, test: &str, result: &str, details: &str, flaky_type: Option<&str>, received_at: i64) -> EwsRow {
    EwsRow {
        flaky: u8::from(flaky_type.is_some()),
        suite: run.suite.clone(),
        test: test.to_owned(),
        branch: run.branch.clone(),
        config_id: run.config_id,
        uuid: run.uuid,
        sdk: run.sdk.clone(),
        start_time: run.start_time,
        uploaded_at: seconds(received_at),
        result: result.to_owned(),
        details: details.to_owned(),
        flaky_type: flaky_type.unwrap_or_default().to_owned(),
        version: run.version,
    }
}

fn bug(link: BugLink, received_at: i64, version: u64) -> BugRow {
    let BugLink { suite, test, url, note, configuration, is_open } = link;
    let configuration = json(&configuration);
    BugRow {
        suite,
        test,
        url,
        configuration,
        note,
        is_open: u8::from(is_open),
        linked_at: seconds(received_at),
        version,
    }
}

fn upload(run: Run, commits: &str, document: &Arc<String>) -> UploadRow {
    let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run;
    let (commits, test_results) = (commits.to_owned(), Arc::clone(document));
    UploadRow { suite, branch, config_id, uuid, sdk, start_time, commits, test_results, version }
}

impl Views {
    /// No rows yet; repositories, configurations, suites and tests that are `known` get none.
    pub fn beside(known: Arc<KnownRows>) -> Self {
        Self { known: Some(known), ..Self::default() }
    }

    /// What is known once these rows are in the store.
    pub fn told(&self) -> &KnownRows {
        &self.told
    }

    /// Whether nothing tells this yet, neither the store nor these rows; they do from now on.
    fn is_new(&mut self, key: u64, time: u32) -> bool {
        let is_known = self.known.as_ref().is_some_and(|known| known.contains(&(key, time)));
        !is_known && self.told.insert((key, time))
    }

    /// Adds the rows of one event; `version` grows with its offset.
    pub fn add(&mut self, event: Event, version: u64) {
        let Event { header, test_results } = event;
        let (received_at, time) = (header.received_at, time_version(&header.event_id));
        match header.request {
            Request::Commit(commit) => self.add_commit(&commit, time),
            Request::Bug(link) => self.bugs.push(bug(link, received_at, time)),
            Request::DeadLetterDecision(decision) => {
                self.dead_letter_decisions.push(dead_letter_decision::row(decision, &test_results, time));
            }
            Request::Upload { suite, configuration, commits, timestamp, links } => {
                let commits_text = json(&commits);
                let mut stored = Vec::new();
                self.of_each_branch(&suite, &configuration, &commits, timestamp, version, |views, run| {
                    views.register(run, &configuration, received_at);
                    // Late data of an expired week is accepted and not stored.
                    if !is_over(run, TTL_SECONDS, received_at) {
                        views.add_run(run, &commits_text, test_results.get(), received_at);
                        if let Some(links) = &links {
                            views.add_links(run, links, received_at);
                        }
                        stored.push(run.clone());
                    }
                });
                let document = Arc::new(String::from(Box::<str>::from(test_results)));
                self.uploads.extend(stored.into_iter().map(|run| upload(run, &commits_text, &document)));
                commits.iter().for_each(|commit| self.add_commit(commit, time));
            }
            Request::Archive { suite, configuration, commits, timestamp, digest, size } => {
                self.of_each_branch(&suite, &configuration, &commits, timestamp, version, |views, run| {
                    views.register(run, &configuration, received_at);
                    if !is_over(run, ARCHIVE_TTL_SECONDS, received_at) {
                        views.archives.push(archive(run.clone(), &digest, size));
                    }
                });
                commits.iter().for_each(|commit| self.add_commit(commit, time));
            }
            Request::Ews { suite, configuration, commits, timestamp, flaky_type, details } => {
                let details = details.map_or_else(String::new, |details| json(&details));
                self.of_each_branch(&suite, &configuration, &commits, timestamp, version, |views, run| {
                    views.register(run, &configuration, received_at);
                    for (test, result) in results::members(test_results.get()).unwrap_or_default() {
                        let flaky_type = flaky_type.as_deref();
                        views.ews_results.push(ews(run, &test, result, &details, flaky_type, received_at));
                    }
                });
                commits.iter().for_each(|commit| self.add_commit(commit, time));
            }
        }
    }

    fn of_each_branch(
        &mut self,
        suite: &str,
        configuration: &Configuration,
        commits: &[Commit],
        timestamp: i64,
        version: u64,
        mut add: impl FnMut(&mut Self, &Run),
    ) {
        let uuid = commits.iter().map(Commit::uuid).max().unwrap_or_default();
        for branch in branch_keys(commits) {
            let run = Run {
                suite: suite.into(),
                branch,
                config_id: configuration.id(),
                uuid,
                sdk: configuration.sdk.as_deref().unwrap_or_default().into(),
                start_time: seconds(timestamp),
                version,
            };
            add(self, &run);
        }
    }

    fn add_commit(&mut self, commit: &Commit, time: u64) {
        if self.is_new(stable_hash(&[b"repository", commit.repository_id.as_bytes()]), 0) {
            self.repositories.push(RepositoryRow { repository: commit.repository_id.clone(), first_seen: 0 });
        }
        self.commit_names.extend(commit.names().map(|name| CommitNameRow {
            repository: commit.repository_id.clone(),
            name,
            branch: commit.branch.clone(),
            uuid: commit.uuid(),
            version: time,
        }));
        self.commits.push(CommitRow {
            repository: commit.repository_id.clone(),
            branch: commit.branch.clone(),
            uuid: commit.uuid(),
            hash: commit.hash.clone().unwrap_or_default(),
            revision: commit.revision.unwrap_or_default().max(0) as u64,
            identifier: commit.identifier.clone().unwrap_or_default(),
            document: json(commit),
            version: time,
        });
    }

    fn add_links(&mut self, run: &Run, links: &Links, received_at: i64) {
        let text = |link: &Option<String>| link.clone().unwrap_or_default();
        let (queue, build, worker) = (text(&links.queue), text(&links.build), text(&links.worker));
        let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run.clone();
        self.links.push(LinkRow { suite, branch, config_id, uuid, sdk, start_time, queue, build, worker, version });
        if let Some(queue) = &links.queue {
            self.queues.push(QueueRow {
                branch: run.branch.clone(),
                config_id: run.config_id,
                suite: run.suite.clone(),
                sdk: run.sdk.clone(),
                queue: queue.clone(),
                last_upload: seconds(received_at),
            });
        }
    }

    fn register(&mut self, run: &Run, configuration: &Configuration, received_at: i64) {
        let (branch, id) = (run.branch.as_bytes(), run.config_id.to_le_bytes());
        let hour = run.start_time.div_ceil(HOUR_SECONDS).saturating_mul(HOUR_SECONDS);
        if self.is_new(stable_hash(&[b"configuration", branch, &id]), hour) {
            self.configurations.push(ConfigurationRow {
                branch: run.branch.clone(),
                config_id: run.config_id,
                configuration: json(&configuration.without_sdk()),
                last_start_time: hour,
            });
        }
        let week = week(received_at);
        if self.is_new(stable_hash(&[b"suite", branch, &id, run.suite.as_bytes()]), week) {
            self.suites.push(SuiteRow {
                branch: run.branch.clone(),
                config_id: run.config_id,
                suite: run.suite.clone(),
                last_upload: week,
            });
        }
    }

    /// Adds what a repetition of an upload is told by.
    pub fn add_receipts(&mut self, header: &Header, partition: u32, offset: u64) {
        let Some(once) = &header.fingerprint else { return };
        let receipt = Receipt { partition, offset, event_id: header.event_id }.to_string();
        let row = |name: &str, version| ReceiptRow {
            name: name.to_owned(),
            content: once.content.clone(),
            receipt: receipt.clone(),
            received_at: seconds(header.received_at),
            version,
        };
        self.receipts.push(row(&once.run, offset + 1));
        // The first stays; the key says nothing of the partition, so that only time tells which that is.
        self.receipts.extend(once.key.as_deref().map(|key| row(key, u64::MAX - time_version(&header.event_id))));
    }

    fn add_run(&mut self, run: &Run, commits: &str, test_results: &str, received_at: i64) {
        let members = results::members(test_results).unwrap_or_default();
        let member = |name: &str| results::member(&members, name);
        let start = (self.failures.len(), self.tests.len());
        let mut results = RunResults::of(run.clone());
        let mut counts = Counts::default();
        let walked = match member("results") {
            Some(tree) => results::walk(tree, |test, result| {
                counts.add(&result);
                self.add_result(run, &mut results, test, &result, received_at);
            }),
            None => Err(results::ResultsError::NotAnObject),
        };
        if walked.is_err() {
            // The intake told the uploader; the document is kept, its half-read results are not.
            self.failures.truncate(start.0);
            for row in self.tests.drain(start.1..) {
                self.told.remove(&(row.test_id, row.last_upload));
            }
            return;
        }
        self.results.push(results);
        let mut stats: Map<String, Value> =
            member("run_stats").and_then(|stats| serde_json::from_str(stats).ok()).unwrap_or_default();
        counts.extend(&mut stats);
        self.runs.push(RunRow {
            suite: run.suite.clone(),
            branch: run.branch.clone(),
            config_id: run.config_id,
            uuid: run.uuid,
            sdk: run.sdk.clone(),
            start_time: run.start_time,
            flaky: counts.flaky,
            tests_run: counts.run,
            tests_unexpected_failed: counts.unexpected[0],
            stats: json(&stats),
            commits: commits.to_owned(),
            details: member("details").map_or_else(String::new, |details| (*details).to_owned()),
            version: run.version,
        });
    }

    fn add_result(
        &mut self,
        run: &Run,
        results: &mut RunResults,
        test: &str,
        result: &results::TestResult,
        received_at: i64,
    ) {
        let test_id = stable_hash(&[run.suite.as_bytes(), test.as_bytes()]);
        let week = week(received_at);
        if self.is_new(test_id, week) {
            self.tests.push(TestRow { suite: run.suite.clone(), test: test.to_owned(), test_id, last_upload: week });
        }
        results.push(ResultRow {
            test_id,
            actual: result.actual.bits(),
            expected: result.expected.bits(),
            time_and_one: result.time.map_or(0, |time| time + 1),
            extra: &result.extra,
        });
        let (worst, worst_unexpected) = (result.actual.worst(), result.actual.worst_unexpected(result.expected));
        if worst <= state::ERROR {
            self.failures.push(FailureRow {
                suite: run.suite.clone(),
                branch: run.branch.clone(),
                config_id: run.config_id,
                uuid: run.uuid,
                sdk: run.sdk.clone(),
                start_time: run.start_time,
                test: test.to_owned(),
                worst,
                worst_unexpected,
                version: run.version,
            });
        }
    }
}

/// Commits come through any partition, where offsets do not compare; the first half of an event's
/// id does: UUIDv7 starts with the milliseconds at which the intake made it.
fn time_version(event_id: &uuid::Uuid) -> u64 {
    event_id.as_u64_pair().0
}

/// The beginning of the week of a time, seconds.
fn week(time: i64) -> u32 {
    seconds(time) / WEEK_SECONDS * WEEK_SECONDS
}

fn seconds(time: i64) -> u32 {
    time.clamp(0, i64::from(u32::MAX)) as u32
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
