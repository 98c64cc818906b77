//! Results of suites and of single tests.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use schema::configuration::{Configuration, stable_hash};
use schema::state::States;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::commits::Bounds;
use crate::configurations::Matching;
use crate::error::ApiError;
use crate::parameters::Parameters;

/// Runs or results of one configuration, as the API answers them: oldest first.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<T> {
    pub(crate) configuration: Configuration,
    pub(crate) results: Vec<T>,
}

/// A run of a suite.
#[derive(Debug, Serialize)]
pub(crate) struct SuiteRun {
    pub(crate) uuid: u64,
    pub(crate) start_time: u32,
    details: Value,
    pub(crate) stats: Box<RawValue>,
}

/// What a run query asks for besides its suite and test.
pub(crate) struct Selection<'a> {
    pub(crate) branch: &'a str,
    pub(crate) matching: &'a Matching,
    pub(crate) bounds: Bounds,
    pub(crate) sdks: Vec<&'a str>,
    pub(crate) limit: u64,
}

impl<'a> Selection<'a> {
    /// The values of `sdk` that rows must have; none means any.
    pub(crate) fn sdks(parameters: &'a Parameters) -> Vec<&'a str> {
        parameters.all("sdk").collect()
    }

    /// Conditions and order that both tables share. More time bounds than commit bounds: newest by start time.
    fn tail(&self) -> String {
        let mut text =
            String::from(" AND branch = ? AND config_id IN ? AND uuid BETWEEN ? AND ? AND start_time BETWEEN ? AND ?");
        if !self.sdks.is_empty() {
            text.push_str(" AND sdk IN ?");
        }
        text.push_str(if self.by_time() {
            " ORDER BY start_time DESC, sdk, uuid"
        } else {
            " ORDER BY uuid DESC, sdk, start_time"
        });
        text.push_str(" LIMIT ? BY config_id");
        text
    }

    fn by_time(&self) -> bool {
        let times = u8::from(self.bounds.after_time.is_some()) + u8::from(self.bounds.before_time.is_some());
        times > u8::from(self.bounds.begin > 0)
    }

    fn bind(&self, query: clickhouse::query::Query) -> clickhouse::query::Query {
        let ids: Vec<u64> = self.matching.keys().copied().collect();
        let query = query
            .bind(self.branch)
            .bind(ids)
            .bind(self.bounds.begin)
            .bind(self.bounds.end)
            .bind(self.bounds.after_time.unwrap_or(0))
            .bind(self.bounds.before_time.unwrap_or(u32::MAX));
        let query = if self.sdks.is_empty() { query } else { query.bind(&self.sdks) };
        query.bind(self.limit)
    }

    /// Groups rows by configuration and SDK, oldest first.
    fn group<R, T>(
        &self,
        rows: Vec<R>,
        place: impl Fn(&R) -> (u64, String, u64, u32),
        show: impl Fn(R) -> Result<T, ApiError>,
    ) -> Result<Vec<Entry<T>>, ApiError> {
        let mut groups: BTreeMap<Configuration, Vec<(u64, T)>> = BTreeMap::new();
        let by_time = self.by_time();
        for row in rows {
            let (config_id, sdk, uuid, start_time) = place(&row);
            let Some(configuration) = self.matching.get(&config_id) else { continue };
            let configuration = Configuration { sdk: (!sdk.is_empty()).then_some(sdk), ..configuration.clone() };
            let key = if by_time { u64::from(start_time) } else { uuid };
            groups.entry(configuration).or_default().push((key, show(row)?));
        }
        Ok(groups
            .into_iter()
            .map(|(configuration, mut rows)| {
                rows.sort_by_key(|(key, _)| *key);
                Entry { configuration, results: rows.into_iter().map(|(_, row)| row).collect() }
            })
            .collect())
    }
}

#[derive(Row, Deserialize)]
struct RunFound {
    config_id: u64,
    uuid: u64,
    sdk: String,
    start_time: u32,
    flaky: u32,
    stats: String,
}

/// The runs of a suite.
pub(crate) async fn of_suite(
    client: &Client,
    suite: &str,
    selection: &Selection<'_>,
) -> Result<Vec<Entry<SuiteRun>>, ApiError> {
    if selection.matching.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT ?fields FROM runs WHERE suite = ?{}", selection.tail());
    let rows: Vec<RunFound> = selection.bind(client.query(&sql).bind(suite)).fetch_all().await?;
    selection.group(
        rows,
        |row| (row.config_id, row.sdk.clone(), row.uuid, row.start_time),
        |row| {
            Ok(SuiteRun {
                uuid: row.uuid,
                start_time: row.start_time,
                details: json!({ "number_of_flaky_tests": row.flaky }),
                stats: RawValue::from_string(row.stats).map_err(|error| ApiError::Internal(error.to_string()))?,
            })
        },
    )
}

#[derive(Row, Deserialize)]
struct ResultFound {
    config_id: u64,
    uuid: u64,
    sdk: String,
    start_time: u32,
    actual: u16,
    expected: u16,
    extra: String,
}

/// The results of one test.
pub(crate) async fn of_test(
    client: &Client,
    suite: &str,
    test: &str,
    selection: &Selection<'_>,
) -> Result<Vec<Entry<Map<String, Value>>>, ApiError> {
    if selection.matching.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT ?fields FROM results WHERE suite = ? AND test_id = ?{}", selection.tail());
    let test_id = stable_hash(&[suite.as_bytes(), test.as_bytes()]);
    let rows: Vec<ResultFound> = selection.bind(client.query(&sql).bind(suite).bind(test_id)).fetch_all().await?;
    selection.group(
        rows,
        |row| (row.config_id, row.sdk.clone(), row.uuid, row.start_time),
        |row| {
            let mut shown = Map::new();
            shown.insert("uuid".into(), row.uuid.into());
            shown.insert("start_time".into(), row.start_time.into());
            shown.insert("actual".into(), States::from_bits(row.actual).to_string().into());
            shown.insert("expected".into(), States::from_bits(row.expected).to_string().into());
            if !row.extra.is_empty() {
                let extra: Map<String, Value> =
                    serde_json::from_str(&row.extra).map_err(|error| ApiError::Internal(error.to_string()))?;
                shown.extend(extra);
            }
            Ok(shown)
        },
    )
}

/// Names of a suite's tests that start with one of the prefixes, sorted.
pub(crate) async fn tests(
    client: &Client,
    suite: &str,
    prefixes: &[String],
    limit: u64,
) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    for prefix in prefixes {
        let rest = limit - names.len() as u64;
        if rest == 0 {
            break;
        }
        let sql = "SELECT test FROM tests WHERE suite = ? AND test BETWEEN ? AND ? ORDER BY test LIMIT ?";
        let found: Vec<String> =
            client.query(sql).bind(suite).bind(prefix).bind(format!("{prefix}~")).bind(rest).fetch_all().await?;
        names.extend(found);
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Suites by configuration.
pub(crate) async fn suites(
    client: &Client,
    branch: &str,
    matching: &Matching,
    asked: &[&str],
) -> Result<Vec<(Configuration, Vec<String>)>, ApiError> {
    let ids: Vec<u64> = matching.keys().copied().collect();
    let rows: Vec<(u64, String)> = if ids.is_empty() {
        Vec::new()
    } else {
        client
            .query("SELECT config_id, suite FROM suites WHERE branch = ? AND config_id IN ? ORDER BY suite")
            .bind(branch)
            .bind(ids)
            .fetch_all()
            .await?
    };
    let mut found: BTreeMap<Configuration, Vec<String>> = BTreeMap::new();
    for (config_id, suite) in rows {
        if let Some(configuration) = matching.get(&config_id)
            && (asked.is_empty() || asked.contains(&suite.as_str()))
        {
            found.entry(configuration.clone()).or_default().push(suite);
        }
    }
    if found.is_empty() {
        return Err(ApiError::NotFound("No suites matching the specified criteria".to_owned()));
    }
    Ok(found.into_iter().collect())
}
