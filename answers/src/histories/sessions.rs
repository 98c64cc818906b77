//! The sessions of a suite: its runs on one configuration and one commit that started close together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schema::ids::{CommitKey, ConfigId};
use schema::seconds::HOUR;

use super::counted_run::SessionRun;
use crate::commit_names;
use crate::commit_order::CommitOrder;
use crate::error::AnswerError;
use crate::reads::histories::{self, HistoricRun, IdentifiedCommit};
use crate::reads::newest_uploads::Upload;
use crate::reads::selection::Selection;
use crate::store::Store;

/// A run that starts so many seconds after the one before it, on the same commit, begins a session of its own: what
/// differs then was not changed by a commit.
const PAUSE: u32 = 8 * HOUR as u32;

/// The sessions of a suite on all its configurations.
#[derive(Debug, Default)]
pub(crate) struct SuiteSessions {
    configurations: BTreeMap<ConfigId, Sessions>,
    /// When the runs started that broke as a whole and count for nothing, because a sound run came after them; seconds since
    /// 1970.
    left_out: Vec<u32>,
    /// The time asked about begins here, seconds since 1970. Runs of before are judged and not counted.
    asked_since: u32,
    /// Tests of the largest run.
    tests: u32,
    /// The newest upload of each run.
    uploads: HashSet<Upload>,
    /// The runs that count, in no order.
    counted: Vec<SessionRun>,
}

/// The sessions of a configuration.
#[derive(Debug, Default)]
struct Sessions {
    /// Commits of the sessions, the oldest first.
    commits: Vec<CommitKey>,
    /// The session of a run, by its commit and its start.
    positions: HashMap<(CommitKey, u32), u32>,
    /// Places of these commits among those of all configurations.
    places: Vec<u32>,
    /// Where the newest runs broke as a whole: the commit of the first of them, and their number.
    broken: Option<(CommitKey, u64)>,
}

impl Sessions {
    fn placed(&self) -> impl Iterator<Item = (u32, CommitKey)> + '_ {
        self.places.iter().copied().zip(self.commits.iter().copied())
    }
}

/// Of commits with one key those that the runs name: the identifiers of another repository do not order them.
async fn named_by_runs(
    store: &Store,
    suite: &str,
    selection: &Selection,
    mut identified: Vec<IdentifiedCommit>,
) -> Result<Vec<IdentifiedCommit>, AnswerError> {
    let mut seen = HashSet::new();
    let twice: BTreeSet<CommitKey> = identified.iter().map(|one| one.uuid).filter(|key| !seen.insert(*key)).collect();
    let named = commit_names::named_at(store, suite, Some(&selection.branch), &twice).await?;
    let named: HashSet<(CommitKey, String)> =
        named.into_iter().map(|(key, (repository, _))| (key, repository)).collect();
    identified.retain(|one| !twice.contains(&one.uuid) || named.contains(&(one.uuid, one.repository.clone())));
    Ok(identified)
}

impl SuiteSessions {
    /// The sessions of the selected runs of a suite.
    pub(crate) async fn of(store: &Store, suite: &str, selection: &Selection) -> Result<Self, AnswerError> {
        let (runs, identified) = tokio::try_join!(
            histories::runs(store, suite, selection),
            histories::identified_commits(store, suite, selection)
        )?;
        let identified = named_by_runs(store, suite, selection, identified).await?;
        let commits: BTreeSet<CommitKey> = runs.iter().map(|run| run.uuid).collect();
        Ok(Self::new(runs, &CommitOrder::new(&commits, &identified)))
    }

    pub(super) fn new(runs: Vec<HistoricRun>, order: &CommitOrder) -> Self {
        let mut by_configuration: BTreeMap<ConfigId, Vec<HistoricRun>> = BTreeMap::new();
        let mut all = Self::default();
        for run in runs {
            let HistoricRun { config_id, uuid, version, .. } = run;
            all.uploads.insert(Upload { config_id, uuid, version });
            by_configuration.entry(run.config_id).or_default().push(run);
        }
        for (id, mut runs) in by_configuration {
            all.tests = runs.iter().map(|run| run.tests_run).max().unwrap_or(0).max(all.tests);
            runs.sort_by_key(|run| (order.place(run.uuid), run.uuid, run.start_time));
            // A rerun of a few tests does not say that the whole suite is well again.
            let largest = runs.iter().filter(|run| run.is_broken).map(|run| run.tests_run).max().unwrap_or(0);
            let is_sound = |run: &HistoricRun| !run.is_broken && run.tests_run >= largest / 2;
            let sound = runs.iter().rposition(is_sound);
            let after = sound.map_or(0, |last| last + 1);
            let broken: Vec<CommitKey> = runs[after..].iter().filter(|run| run.is_broken).map(|run| run.uuid).collect();
            let broken = broken.first().map(|first| (*first, broken.len() as u64));
            let mut sessions = Sessions { broken, ..Sessions::default() };
            let mut before: Option<(CommitKey, u32)> = None;
            for (index, run) in runs.into_iter().enumerate() {
                let HistoricRun { uuid, start_time, is_broken, version, .. } = run;
                if is_broken && sound.is_some_and(|last| index < last) {
                    all.left_out.push(start_time);
                    continue;
                }
                let goes_on =
                    |(commit, start): (CommitKey, u32)| commit == uuid && start_time.saturating_sub(start) < PAUSE;
                if !before.is_some_and(goes_on) {
                    sessions.commits.push(uuid);
                    sessions.places.push(order.place(uuid));
                }
                before = Some((uuid, start_time));
                let position = sessions.commits.len() as u32 - 1;
                sessions.positions.insert((uuid, start_time), position);
                all.counted.push(SessionRun {
                    upload: Upload { config_id: id, uuid, version },
                    start_time,
                    position,
                    roster: run.roster,
                    failed: run.tests_unexpected_failed,
                    is_broken,
                });
            }
            all.configurations.insert(id, sessions);
        }
        all
    }

    /// The same, where only runs are counted that started at a time or later, seconds since 1970.
    pub(crate) fn asked_since(self, since: u32) -> Self {
        Self { asked_since: since, ..self }
    }

    /// The time asked about begins here, seconds since 1970.
    pub(crate) fn since(&self) -> u32 {
        self.asked_since
    }

    /// Whether no later upload replaced one.
    pub(crate) fn is_newest(&self, upload: &Upload) -> bool {
        self.uploads.contains(upload)
    }

    /// How many tests the suite has: those of its largest run.
    pub(crate) fn tests(&self) -> u32 {
        self.tests
    }

    /// The configurations that ran.
    pub(crate) fn configurations(&self) -> impl Iterator<Item = ConfigId> + '_ {
        self.configurations.keys().copied()
    }

    /// Configurations whose newest runs broke as a whole, with the commit of the first and the number of these runs.
    pub(crate) fn broken_now(&self) -> impl Iterator<Item = (ConfigId, CommitKey, u64)> + '_ {
        let of = |(id, sessions): (&ConfigId, &Sessions)| sessions.broken.map(|(since, runs)| (*id, since, runs));
        self.configurations.iter().filter_map(of)
    }

    /// Commits of all sessions, the newest first.
    pub(crate) fn commits(&self) -> Vec<CommitKey> {
        let mut commits: Vec<(u32, CommitKey)> = self.configurations.values().flat_map(Sessions::placed).collect();
        commits.sort_unstable_by(|one, other| other.cmp(one));
        commits.dedup();
        commits.into_iter().map(|(_, commit)| commit).collect()
    }

    /// Commits of the runs that are counted.
    pub(crate) fn asked_commits(&self) -> HashSet<CommitKey> {
        self.asked_runs().map(|run| run.upload.uuid).collect()
    }

    /// The same as [`Self::commits`] in the order of the branch, the oldest first.
    pub(super) fn order(&self) -> Vec<CommitKey> {
        let mut commits = self.commits();
        commits.reverse();
        commits
    }

    /// Every run that counts, of whatever time.
    pub(crate) fn runs(&self) -> &[SessionRun] {
        &self.counted
    }

    fn asked_runs(&self) -> impl Iterator<Item = &SessionRun> {
        self.counted.iter().filter(|run| run.start_time >= self.asked_since)
    }

    /// How many configurations ran in the time asked about.
    pub(crate) fn asked_configurations(&self) -> u64 {
        let ids: HashSet<ConfigId> = self.asked_runs().map(|run| run.upload.config_id).collect();
        ids.len() as u64
    }

    /// How many runs of the time asked about broke as a whole and count for nothing.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.iter().filter(|start| **start >= self.asked_since).count() as u64
    }

    /// When the newest of these runs started, seconds since 1970; 0 if there is none.
    pub(crate) fn newest_start(&self) -> u64 {
        self.counted.iter().map(|run| u64::from(run.start_time)).max().unwrap_or(0)
    }

    /// How many runs each configuration has in the time asked about that did not break as a whole.
    pub(crate) fn sound_runs(&self) -> BTreeMap<ConfigId, u64> {
        let mut counts = BTreeMap::new();
        for run in self.asked_runs().filter(|run| !run.is_broken) {
            *counts.entry(run.upload.config_id).or_default() += 1;
        }
        counts
    }

    /// How many sessions a configuration has.
    pub(crate) fn count(&self, id: ConfigId) -> u32 {
        self.configurations.get(&id).map_or(0, |sessions| sessions.commits.len() as u32)
    }

    /// The session of a run; none if the run does not count.
    pub(crate) fn position(&self, id: ConfigId, commit: CommitKey, start_time: u32) -> Option<u32> {
        self.configurations.get(&id)?.positions.get(&(commit, start_time)).copied()
    }
}
