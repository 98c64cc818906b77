//! The rows of runs that a run filter selects: its branch, configurations, bounds, SDKs and limit, and the SQL conditions
//! that these are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use clickhouse::{Row, RowOwned, RowRead};
use schema::commit::branch_key;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId};
use schema::retention::{ARCHIVE_SECONDS, Retention};
use schema::seconds::WEEK;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::configurations::{self, Configurations, StoredConfiguration};
use super::renames;
use super::statement::Fragment;
use super::tested_weeks;
use crate::ask::{RunFilter, StartTimes};
use crate::commit_range::{self, RunBounds};
use crate::error::AnswerError;
use crate::renames::Tenure;
use crate::store::Store;

/// Columns that identify the upload that wrote a row of `runs` or `failures`, within one suite and branch. Uploads of one
/// configuration, whatever its SDK, and commit share a partition of the log, so that their versions differ; three numbers
/// are cheaper to look up than a whole natural key.
pub(crate) const UPLOAD: &str = "config_id, uuid, version";

/// Rows of one configuration with its SDK, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OfConfiguration<T> {
    /// The configuration.
    pub configuration: Configuration,
    /// Its rows.
    pub results: Vec<T>,
}

/// Place of a row among the runs of a suite and a branch: what its order and its configuration depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Row, Serialize, Deserialize)]
pub struct RunPlace {
    /// The configuration without its SDK.
    pub config_id: ConfigId,
    /// The commit.
    pub uuid: CommitKey,
    /// The SDK; empty if none is known.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
}

/// A stored row of a run.
pub(crate) trait RunRow {
    fn config_id(&self) -> ConfigId;

    /// None where the question names the one suite.
    fn suite(&self) -> Option<&str> {
        None
    }
}

/// Runs of one suite on one configuration that a week usually has at least; a guess that costs only time.
const RUNS_PER_WEEK: u64 = 10;
/// Recent configurations ran within two weeks.
const MIN_WEEKS: u64 = 3;
/// Beyond this two questions cost more than they save.
const MAX_WEEKS: u64 = 26;

/// What a filter selects, once the stored configurations and the commits that it names are known.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The branch key.
    pub branch: String,
    /// The configurations.
    pub matching: HashMap<ConfigId, Configuration>,
    /// Commits and start times.
    pub bounds: RunBounds,
    /// Ranges of commits, both ends included, outside of which no run is looked for; empty if the bounds are all.
    pub(crate) ranges: Vec<(CommitKey, CommitKey)>,
    /// SDKs; any if empty.
    pub sdks: Vec<String>,
    /// Rows of each configuration.
    pub limit: u64,
    /// How long runs are kept, and what time it is.
    pub(crate) kept: (Arc<Retention>, i64),
    /// Runs that were received later are left out, seconds since 1970.
    pub(crate) known_until: Option<u32>,
}

impl Selection {
    /// What a filter selects; `limit` rows of each configuration unless the filter says.
    pub async fn of(store: &Store, filter: &RunFilter, limit: u64) -> Result<Self, AnswerError> {
        let bounds = commit_range::of_runs(store, filter).await?;
        Self::within(store, filter, bounds, filter.limit.unwrap_or(limit)).await
    }

    /// The same with bounds and a limit that come from elsewhere.
    pub async fn within(store: &Store, filter: &RunFilter, bounds: RunBounds, limit: u64) -> Result<Self, AnswerError> {
        let branch = branch_key(filter.branch.as_deref()).to_owned();
        let matching = configurations::matching(store, filter, &branch).await?;
        let now = i64::try_from(store.clock.now()).unwrap_or(i64::MAX);
        let kept = (Arc::clone(&store.retention), now);
        let (sdks, known_until) = (filter.sdks.clone(), store.known_until);
        Ok(Self { branch, matching, bounds, ranges: Vec::new(), sdks, limit, kept, known_until })
    }

    /// The runs of a suite that started within these weeks until now, of whatever commits. A run or a commit that lies further
    /// ahead than a clock may be is a mistake: it is not there until its time comes.
    pub async fn started_within(
        store: &Store,
        suite: &str,
        filter: &RunFilter,
        weeks: u64,
        limit: u64,
    ) -> Result<Self, AnswerError> {
        let since = store.clock.now().saturating_sub(weeks.saturating_mul(WEEK));
        let mut selection =
            Self::within(store, filter, RunBounds::between(CommitKey::FIRST, CommitKey::LAST), limit).await?;
        let newest = store.clock.newest_commit_key();
        let seconds = |time: u64| Some(u32::try_from(time).unwrap_or(u32::MAX));
        selection.bounds.started = StartTimes { after: seconds(since), before: seconds(store.clock.newest_start()) };
        selection.ranges = tested_weeks::ranges(store, suite, &selection.branch, since).await?;
        match (selection.ranges.first(), selection.ranges.last()) {
            (Some((begin, _)), Some((_, end))) => {
                (selection.bounds.begin, selection.bounds.end) = (*begin, (*end).min(newest));
            }
            _ => selection.matching.clear(),
        }
        Ok(selection)
    }

    /// The same for commits from one key to another.
    pub fn between(&self, begin: CommitKey, end: CommitKey) -> Self {
        Self { bounds: RunBounds { begin, end, ..self.bounds }, ..self.clone() }
    }

    /// Whether no row can be selected, so that nothing need be asked.
    pub fn is_empty(&self) -> bool {
        self.matching.is_empty()
    }

    /// The last weeks of the selection, as many as usually hold the limit: every week asked costs a read, even where it
    /// has nothing for the question. [`Self::older`] says whether that was enough.
    fn recent(&self, now: CommitKey) -> Self {
        let weeks = (self.limit / RUNS_PER_WEEK).max(MIN_WEEKS);
        let begin = self.bounds.end.min(now).weeks_earlier(weeks);
        if self.is_by_time() || weeks > MAX_WEEKS || begin <= self.bounds.begin {
            return self.clone();
        }
        Self { bounds: RunBounds { begin, ..self.bounds }, ..self.clone() }
    }

    /// The newest rows of the asked suites (any if none is named): those of recent weeks, and of older ones where those
    /// did not fill the limit. `ask` makes the statement of a selection, which answers newest first.
    pub(crate) async fn newest<R: RunRow + RowOwned + RowRead>(
        &self,
        store: &Store,
        suites: &[&str],
        ask: impl Fn(&Self) -> Fragment,
    ) -> Result<Vec<R>, AnswerError> {
        let recent = self.recent(store.clock.commit_key());
        let mut rows: Vec<R> = ask(&recent).all(&store.client).await?;
        let only = suites.first().copied().unwrap_or_default();
        let found = rows.iter().map(|row| (row.config_id(), row.suite().unwrap_or(only)));
        if let Some(older) = self.older(store, &recent, suites, found).await? {
            rows.extend(ask(&older).all::<R>(&store.client).await?);
            let mut counts: HashMap<(ConfigId, String), u64> = HashMap::new();
            rows.retain(|row| {
                let suite = row.suite().unwrap_or(only).to_owned();
                let count = counts.entry((row.config_id(), suite)).or_default();
                *count += 1;
                *count <= self.limit
            });
        }
        Ok(rows)
    }

    /// What is to be asked of older weeks, because the recent ones did not fill the limit: the configurations that ran one
    /// of the suites (any if none is named). `found` tells the configuration and suite of each recent row.
    async fn older<'b>(
        &self,
        store: &Store,
        recent: &Self,
        suites: &[&str],
        found: impl Iterator<Item = (ConfigId, &'b str)>,
    ) -> Result<Option<Self>, AnswerError> {
        if recent.bounds.begin == self.bounds.begin {
            return Ok(None);
        }
        let mut counts: HashMap<(ConfigId, &str), u64> = HashMap::new();
        for partition in found {
            *counts.entry(partition).or_default() += 1;
        }
        let stored = configurations::stored(store, &self.branch).await?;
        let begins_earlier = |suite: &String| {
            let first = stored.first_weeks.get(suite).copied().unwrap_or(0);
            CommitKey::start_of(first) < recent.bounds.begin
        };
        let lacks = |one: &&StoredConfiguration| {
            let mut ran = one.suites.iter().filter(|it| suites.is_empty() || suites.contains(&it.as_str()));
            ran.any(|suite| {
                begins_earlier(suite) && counts.get(&(one.id, suite.as_str())).is_none_or(|count| *count < self.limit)
            })
        };
        let known = |one: &StoredConfiguration| Some((one.id, self.matching.get(&one.id)?.clone()));
        let matching: Configurations = stored.all.iter().filter(lacks).filter_map(known).collect();
        let bounds = RunBounds { end: recent.bounds.begin.previous(), ..self.bounds };
        Ok((!matching.is_empty()).then(|| Self { matching, bounds, ..self.clone() }))
    }

    /// The oldest commit whose runs of a suite are not over.
    fn oldest(&self, suite: &str) -> CommitKey {
        let (retention, now) = &self.kept;
        CommitKey::start_of(retention.oldest_commit(suite, &self.branch, *now).max(0) as u64)
    }

    /// Whether a run of a suite is over, which only the longest retention tells a statement about several suites.
    pub(crate) fn is_over(&self, suite: &str, commit: CommitKey) -> bool {
        commit < self.oldest(suite)
    }

    /// Conditions that all tables of runs share, for the runs of one suite. They carry the end of the retention themselves:
    /// an engine drops expired rows when it pleases, and one by one in ordinary merges.
    pub(crate) fn condition_of(&self, suite: &str) -> Fragment {
        self.condition(self.oldest(suite))
    }

    /// The same for rows of `runs`, which say when they were received.
    pub(crate) fn condition_of_runs(&self, suite: &str) -> Fragment {
        let condition = self.condition_of(suite);
        match self.known_until {
            None => condition,
            Some(time) => condition
                .and("if(received_at = 0, start_time, received_at) <= {known_until}")
                .value("known_until", time),
        }
    }

    fn condition(&self, oldest: CommitKey) -> Fragment {
        let RunBounds { begin, end, started, .. } = self.bounds;
        let condition = Fragment::new(
            "branch = {branch} AND config_id IN {config_ids} AND uuid BETWEEN {begin} AND {end} \
             AND start_time BETWEEN {started_after} AND {started_before}",
        )
        .value("branch", &self.branch)
        .list("config_ids", self.matching.keys().copied())
        .value("begin", begin.max(oldest))
        .value("end", end)
        .value("started_after", started.after.unwrap_or(0))
        .value("started_before", started.before.unwrap_or(u32::MAX));
        let condition = self.within_ranges(condition);
        if self.sdks.is_empty() { condition } else { condition.and("sdk IN {sdks}").list("sdks", &self.sdks) }
    }

    /// A condition narrowed to the ranges of commits. A single range is the bounds themselves.
    fn within_ranges(&self, condition: Fragment) -> Fragment {
        if self.ranges.len() < 2 {
            return condition;
        }
        let name = |index: usize, end: &str| format!("range{index}{end}");
        let within = |index| format!("uuid BETWEEN {{{}}} AND {{{}}}", name(index, "from"), name(index, "to"));
        let any: Vec<String> = (0..self.ranges.len()).map(within).collect();
        let condition = condition.and(&format!("({})", any.join(" OR ")));
        self.ranges.iter().enumerate().fold(condition, |condition, (index, (from, to))| {
            condition.value(&name(index, "from"), *from).value(&name(index, "to"), *to)
        })
    }

    /// The condition that the rows of `results` come from the newest upload of their run, with AND before it: what an upload
    /// left of one that it replaced is no result. The reference shows it all the same, and so does a store that is
    /// [`Store::keeping_replaced_results`].
    pub(crate) fn not_replaced(&self, store: &Store, suite: &str) -> Fragment {
        if store.keeps_replaced_results { Fragment::default() } else { self.of_newest_uploads(suite) }
    }

    /// The same for verdicts, which never go by what was replaced.
    pub(crate) fn of_newest_uploads(&self, suite: &str) -> Fragment {
        Fragment::new(" AND ({upload}) IN (SELECT {upload} FROM runs WHERE suite = {suite} AND {selected})")
            .text("upload", UPLOAD)
            .part("selected", &self.condition_of_runs(suite))
            .value("suite", suite)
    }

    /// The same, of some suites; of any if none is named.
    pub(crate) fn of_suites(&self, suites: &[&str]) -> Fragment {
        let (retention, now) = &self.kept;
        let condition = self.condition(CommitKey::start_of((now - retention.longest_seconds()).max(0) as u64));
        if suites.is_empty() {
            return condition;
        }
        condition.and("suite IN {suites}").list("suites", suites.iter().copied())
    }

    /// The same for archives, which are kept from the start of their run on, however old its commit is.
    pub(crate) fn of_archives(&self, suites: &[&str]) -> Fragment {
        let (_, now) = &self.kept;
        let condition = self.condition(CommitKey::FIRST).and("start_time > {over}");
        let condition = condition.value("over", (now - ARCHIVE_SECONDS).max(0) as u64);
        if suites.is_empty() {
            return condition;
        }
        condition.and("suite IN {suites}").list("suites", suites.iter().copied())
    }

    /// The stored order, and the limit, which counts rows of each group of columns.
    pub(crate) fn newest_of_each(&self, columns: &str) -> Fragment {
        let order = if self.is_by_time() { "start_time DESC, sdk, uuid" } else { "uuid DESC, sdk, start_time" };
        Fragment::new(format!("ORDER BY {order} LIMIT {{limit}} BY {columns}")).value("limit", self.limit)
    }

    /// A statement over what is selected of a suite's runs, or of a test's results under its names. `rows` says what is taken
    /// of a row of `runs`, and of one of `results`.
    pub(crate) fn over(
        &self,
        store: &Store,
        suite: &str,
        test: Option<&[Tenure]>,
        rows: Sources,
        fields: &str,
        tail: &str,
    ) -> Fragment {
        let (rows, of_test) = match test {
            None => (rows.runs, Fragment::default()),
            Some(test) => {
                let of_test = Fragment::new(" AND {within}{not_replaced}").part("within", &renames::within(test));
                (rows.results, of_test.part("not_replaced", &self.not_replaced(store, suite)))
            }
        };
        Fragment::new("SELECT {fields} FROM ({rows} WHERE suite = {suite}{of_test} AND {selected}) {tail}")
            .text("fields", fields)
            .text("rows", rows)
            .text("tail", tail)
            .part("of_test", &of_test)
            .part("selected", &self.condition_of(suite))
            .value("suite", suite)
    }

    /// Whether there are more time bounds than commit bounds: then the newest start comes first.
    fn is_by_time(&self) -> bool {
        let started = self.bounds.started;
        let times = u8::from(started.after.is_some()) + u8::from(started.before.is_some());
        times > self.bounds.commit_ends
    }

    /// The configuration of a row, with its SDK.
    pub fn configuration(&self, place: &RunPlace) -> Option<Configuration> {
        let configuration = self.matching.get(&place.config_id)?;
        Some(Configuration { sdk: (!place.sdk.is_empty()).then(|| place.sdk.clone()), ..configuration.clone() })
    }

    /// Sorts rows oldest first, those of equal age by configuration and then in their stored order. Nothing is left to the
    /// order in which the store happened to send them.
    pub(crate) fn sort<R>(&self, rows: &mut [R], place: impl Fn(&R) -> RunPlace) {
        let by_time = self.is_by_time();
        rows.sort_by_cached_key(|row| {
            let place = place(row);
            let (start, commit) = (u64::from(place.start_time), place.uuid.0);
            let (age, then) = if by_time { (start, commit) } else { (commit, start) };
            (age, place.config_id, place.sdk, then)
        });
    }

    /// Rows grouped by configuration and SDK, oldest first.
    pub(crate) fn group<R, T>(
        &self,
        mut rows: Vec<R>,
        place: impl Fn(&R) -> RunPlace,
        make: impl Fn(R) -> Result<T, AnswerError>,
    ) -> Result<Vec<OfConfiguration<T>>, AnswerError> {
        self.sort(&mut rows, &place);
        let mut groups: BTreeMap<Configuration, Vec<T>> = BTreeMap::new();
        for row in rows {
            if let Some(configuration) = self.configuration(&place(&row)) {
                groups.entry(configuration).or_default().push(make(row)?);
            }
        }
        let groups = groups.into_iter();
        Ok(groups.map(|(configuration, results)| OfConfiguration { configuration, results }).collect())
    }
}

/// What a statement takes of a row of `runs`, and of a row of `results`: two selects that give the same columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sources {
    pub(crate) runs: &'static str,
    pub(crate) results: &'static str,
}
