//! Which stored rows of runs a question selects: branch, configurations, bounds, SDKs and the limit.

use std::collections::{BTreeMap, HashMap};

use clickhouse::query::Query;
use clickhouse::{Row, RowOwned, RowRead};
use schema::configuration::{Configuration, stable_hash};
use serde::{Deserialize, Serialize};

use crate::commits::now_uuid;
use crate::configurations::{self, Matching, Stored};
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::ranges::{self, Bounds};
use crate::routes::Service;

/// By what rows of `runs` and `failures` of one suite and branch tell which upload wrote them. Uploads of one
/// configuration, whatever its SDK, and commit share a partition, so that their versions differ; three numbers
/// are cheaper to look up than a whole natural key.
pub(crate) const UPLOAD: &str = "config_id, uuid, version";

/// Rows of one configuration, as the API answers them: oldest first.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<T> {
    pub(crate) configuration: Configuration,
    pub(crate) results: Vec<T>,
}

/// Where a row stands: what its order and its configuration depend on; with a suite and a branch, which run it is of.
#[derive(Debug, Clone, Row, Deserialize)]
pub(crate) struct Place {
    pub(crate) config_id: u64,
    pub(crate) uuid: u64,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
}

/// A stored row of a run.
pub(crate) trait OfRun {
    fn config_id(&self) -> u64;

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
/// In units of uuids.
const WEEK: u64 = 7 * 86_400 * 100;

/// What a run query asks for besides its suite and test.
#[derive(Debug, Clone)]
pub(crate) struct Selection<'a> {
    pub(crate) branch: String,
    pub(crate) matching: Matching,
    pub(crate) bounds: Bounds,
    pub(crate) sdks: Vec<&'a str>,
    pub(crate) limit: u64,
}

/// The branch key that the parameters ask for; the default branch by its own name means the default key.
pub(crate) fn branch_key(parameters: &Parameters) -> String {
    match parameters.first("branch") {
        None | Some("main" | "master" | "trunk") => "default".to_owned(),
        Some(other) => other.to_owned(),
    }
}

impl<'a> Selection<'a> {
    /// Reads every member from the parameters; `limit` is that of the endpoint.
    pub(crate) async fn read(service: &Service, parameters: &'a Parameters, limit: u64) -> Result<Self, ApiError> {
        let limit = parameters.limit(limit)?;
        let bounds = ranges::of_runs(service, parameters).await?;
        Self::within(service, parameters, bounds, limit).await
    }

    /// The same with bounds that come from elsewhere.
    pub(crate) async fn within(
        service: &Service,
        parameters: &'a Parameters,
        bounds: Bounds,
        limit: u64,
    ) -> Result<Self, ApiError> {
        let branch = branch_key(parameters);
        let matching = configurations::matching(service, parameters, &branch).await?;
        Ok(Self { branch, matching, bounds, sdks: parameters.all("sdk").collect(), limit })
    }

    /// Whether no row can be selected, so that nothing need be asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.matching.is_empty()
    }

    /// The last weeks of the selection, as many as usually hold the limit: every week asked costs a read, even where it
    /// has nothing for the question. [`Self::older`] says whether that was enough.
    fn recent(&self) -> Self {
        let weeks = (self.limit / RUNS_PER_WEEK).max(MIN_WEEKS);
        let begin = self.bounds.end.min(now_uuid()).saturating_sub(weeks * WEEK);
        if self.by_time() || weeks > MAX_WEEKS || begin <= self.bounds.begin {
            return self.clone();
        }
        Self { bounds: Bounds { begin, ..self.bounds }, ..self.clone() }
    }

    /// The newest rows of the asked suites (any if none is named): those of recent weeks, and of older ones where those
    /// did not fill the limit. `ask` makes the question of a selection, which binds it and answers newest first.
    pub(crate) async fn newest<R: OfRun + RowOwned + RowRead>(
        &self,
        service: &Service,
        suites: &[&str],
        ask: impl Fn(&Self) -> Query,
    ) -> Result<Vec<R>, ApiError> {
        let recent = self.recent();
        let mut rows: Vec<R> = ask(&recent).fetch_all().await?;
        let only = suites.first().copied().unwrap_or_default();
        let found = rows.iter().map(|row| (row.config_id(), row.suite().unwrap_or(only)));
        if let Some(older) = self.older(service, &recent, suites, found).await? {
            rows.extend(ask(&older).fetch_all::<R>().await?);
            let mut counts: HashMap<(u64, String), u64> = HashMap::new();
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
        service: &Service,
        recent: &Self,
        suites: &[&str],
        found: impl Iterator<Item = (u64, &'b str)>,
    ) -> Result<Option<Self>, ApiError> {
        if recent.bounds.begin == self.bounds.begin {
            return Ok(None);
        }
        let mut counts: HashMap<(u64, &str), u64> = HashMap::new();
        for partition in found {
            *counts.entry(partition).or_default() += 1;
        }
        let stored = configurations::stored(service, &self.branch).await?;
        let lacks = |one: &&Stored| {
            let mut ran = one.suites.iter().filter(|it| suites.is_empty() || suites.contains(&it.as_str()));
            ran.any(|suite| counts.get(&(one.id, suite.as_str())).is_none_or(|count| *count < self.limit))
        };
        let known = |one: &Stored| Some((one.id, self.matching.get(&one.id)?.clone()));
        let matching: Matching = stored.iter().filter(lacks).filter_map(known).collect();
        let bounds = Bounds { end: recent.bounds.begin.saturating_sub(1), ..self.bounds };
        Ok((!matching.is_empty()).then(|| Self { matching, bounds, ..self.clone() }))
    }

    /// Conditions that all tables of runs share; follows another condition.
    pub(crate) fn condition(&self) -> String {
        let mut text =
            String::from(" AND branch = ? AND config_id IN ? AND uuid BETWEEN ? AND ? AND start_time BETWEEN ? AND ?");
        if !self.sdks.is_empty() {
            text.push_str(" AND sdk IN ?");
        }
        text
    }

    /// The stored order, and the limit, which counts rows of each partition.
    pub(crate) fn tail(&self, partition: &str) -> String {
        let order = if self.by_time() { "start_time DESC, sdk, uuid" } else { "uuid DESC, sdk, start_time" };
        format!(" ORDER BY {order} LIMIT ? BY {partition}")
    }

    /// Fills the placeholders of [`Self::condition`].
    pub(crate) fn bind_condition(&self, query: Query) -> Query {
        let ids: Vec<u64> = self.matching.keys().copied().collect();
        let query = query
            .bind(&self.branch)
            .bind(ids)
            .bind(self.bounds.begin)
            .bind(self.bounds.end)
            .bind(self.bounds.after_time.unwrap_or(0))
            .bind(self.bounds.before_time.unwrap_or(u32::MAX));
        if self.sdks.is_empty() { query } else { query.bind(&self.sdks) }
    }

    /// Fills the placeholders of [`Self::condition`] and [`Self::tail`].
    pub(crate) fn bind(&self, query: Query) -> Query {
        self.bind_condition(query).bind(self.limit)
    }

    /// A question over what is selected of a suite's runs, or of a test's results. `rows` says what is taken of a row of
    /// `runs`, and of one of `results`; the question goes on with `tail`.
    pub(crate) fn question(
        &self,
        service: &Service,
        suite: &str,
        test: Option<&str>,
        rows: (&str, &str),
        (fields, tail): (&str, &str),
    ) -> Query {
        let (rows, of_test) = if test.is_some() { (rows.1, " AND test_id = ?") } else { (rows.0, "") };
        let sql = format!("SELECT {fields} FROM ({rows} WHERE suite = ?{of_test}{}) {tail}", self.condition());
        let mut query = service.client.query(&sql).bind(suite);
        if let Some(test) = test {
            query = query.bind(stable_hash(&[suite.as_bytes(), test.as_bytes()]));
        }
        self.bind_condition(query)
    }

    /// More time bounds than commit bounds: newest by start time.
    fn by_time(&self) -> bool {
        let times = u8::from(self.bounds.after_time.is_some()) + u8::from(self.bounds.before_time.is_some());
        times > self.bounds.commit_bounds
    }

    /// The configuration of a row, with its SDK.
    pub(crate) fn configuration(&self, place: &Place) -> Option<Configuration> {
        let configuration = self.matching.get(&place.config_id)?;
        Some(Configuration { sdk: (!place.sdk.is_empty()).then(|| place.sdk.clone()), ..configuration.clone() })
    }

    /// Rows oldest first, those of equal age in their stored order.
    pub(crate) fn sort<R>(&self, rows: &mut [R], place: impl Fn(&R) -> Place) {
        let by_time = self.by_time();
        rows.sort_by_cached_key(|row| {
            let place = place(row);
            if by_time { u64::from(place.start_time) } else { place.uuid }
        });
    }

    /// Groups rows by configuration and SDK, oldest first.
    pub(crate) fn group<R, T>(
        &self,
        mut rows: Vec<R>,
        place: impl Fn(&R) -> Place,
        show: impl Fn(R) -> Result<T, ApiError>,
    ) -> Result<Vec<Entry<T>>, ApiError> {
        self.sort(&mut rows, &place);
        let mut groups: BTreeMap<Configuration, Vec<T>> = BTreeMap::new();
        for row in rows {
            if let Some(configuration) = self.configuration(&place(&row)) {
                groups.entry(configuration).or_default().push(show(row)?);
            }
        }
        Ok(groups.into_iter().map(|(configuration, results)| Entry { configuration, results }).collect())
    }
}
