//! `GET /api/flaky`: which tests of a suite are unreliable, over weeks.
//!
//! Almost all results are passes, so the question goes to the failures first: they name the tests that can be on the
//! list at all, at a hundredth of the rows. Only for those is every result read, which gives exact counts, flips and
//! disagreements. Runs that failed as a whole say nothing about their tests and are left out.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::bug::BugLink;
use schema::configuration::{Configuration, stable_hash};
use schema::state::ERROR;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use web::openapi::{Operation, list_of, object, text, texts, whole};

use crate::bugs::known;
use crate::error::{ApiError, bad};
use crate::language::{Field, Question, Subject};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::{Selection, UPLOAD};

/// The version of the rule, for whoever keeps its verdicts.
const RULE: &str = "wilson-1";
/// 95 % of a normal distribution lie within this many standard deviations.
const Z: f64 = 1.96;
/// A run, of those in `runs`, with a larger share of unexpected failures broke as a whole.
pub(crate) const BROKEN: &str = "tests_unexpected_failed > 0.8 * tests_run";
/// Tests whose results are read for each one that is answered.
const CANDIDATES: u64 = 3;
/// What can be asked about the tests of the list.
pub(crate) const FIELDS: [Field; 3] = [Field::Flaky, Field::Count, Field::Bug];

/// How unreliable a test was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Unreliable {
    pub(crate) test: String,
    /// Results in the time asked about.
    pub(crate) runs: u64,
    /// Those that failed unexpectedly.
    pub(crate) unexpected: u64,
    /// Their share.
    pub(crate) rate: f64,
    /// The interval that holds the true share with 95 % confidence (Wilson); the lower end ranks.
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// Neighbouring results, in the order of commits on one configuration, that differ.
    pub(crate) flips: u64,
    /// Those on the configuration with the most of them.
    #[serde(skip)]
    pub(crate) most_flips: u64,
    /// Commits on which one configuration saw it both fail and pass.
    pub(crate) disagreements: u64,
    /// Configurations on which it ran.
    pub(crate) configurations: u64,
    /// Those that explain its failures, by their addresses.
    #[serde(serialize_with = "addresses")]
    pub(crate) bugs: Vec<BugLink>,
}

fn addresses<S: Serializer>(bugs: &[BugLink], serializer: S) -> Result<S::Ok, S::Error> {
    known::addresses(bugs).serialize(serializer)
}

impl Unreliable {
    fn is_meant(&self, question: &Question) -> bool {
        question.matches(&Subject {
            test: &self.test,
            share: self.rate,
            count: self.configurations,
            bugs: &self.bugs.iter().collect::<Vec<_>>(),
            ..Subject::default()
        })
    }
}

/// The asked suite and the most unreliable of its tests.
pub(crate) struct Answer {
    pub(crate) suite: String,
    pub(crate) weeks: u64,
    /// Runs that broke as a whole and are left out.
    pub(crate) broken: u64,
    pub(crate) tests: Vec<Unreliable>,
}

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/flaky",
    "Tests ranked by how unreliable they were",
    &[&CONFIGURATION, &["suite", "weeks", "q", "recent", "branch", "limit", "format"]],
    || {
        let share = json!({ "type": "number", "minimum": 0, "maximum": 1 });
        let test = object(&[
            ("test", text()),
            ("runs", whole()),
            ("unexpected", whole()),
            ("rate", share.clone()),
            ("lower", share.clone()),
            ("upper", share),
            ("flips", whole()),
            ("disagreements", whole()),
            ("configurations", whole()),
            ("bugs", texts()),
        ]);
        object(&[
            ("suite", text()),
            ("weeks", whole()),
            ("rule", text()),
            ("broken", whole()),
            ("tests", list_of(test)),
        ])
    },
);

/// The Wilson score interval of `part` of `whole`, both ends between 0 and 1 (Wilson 1927).
pub(crate) fn wilson(part: u64, whole: u64) -> (f64, f64) {
    if whole == 0 {
        return (0.0, 1.0);
    }
    let (share, count) = (part as f64 / whole as f64, whole as f64);
    let centre = share + Z * Z / (2.0 * count);
    let margin = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    let scale = 1.0 + Z * Z / count;
    (((centre - margin) / scale).max(0.0), ((centre + margin) / scale).min(1.0))
}

/// Answers in JSON.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let answer = find(service, &Parameters::read(query, OPERATION.parameters)?, None).await?;
    let Answer { suite, weeks, broken, tests } = answer;
    let shown = json!({ "suite": suite, "weeks": weeks, "rule": RULE, "broken": broken, "tests": tests });
    Ok(Json(shown).into_response())
}

/// What the parameters ask for; a page may name a suite for those who did not.
pub(crate) async fn find(
    service: &Service,
    parameters: &Parameters,
    default_suite: Option<&str>,
) -> Result<Answer, ApiError> {
    let suite = parameters.first("suite").filter(|suite| !suite.is_empty()).or(default_suite);
    let suite = suite.ok_or_else(|| bad("No test suite specified"))?.to_owned();
    let weeks = parameters.weeks()?;
    let limit = parameters.limit(100)?.min(1000);
    let question = Question::read(parameters.first("q").unwrap_or_default(), &FIELDS)?;
    let selection = Selection::within(service, parameters, Bounds::last_weeks(weeks), limit).await?;
    let (mut tests, mut broken) = (Vec::new(), 0);
    if !selection.is_empty() {
        let runs = runs(service, &suite, &selection).await?;
        broken = runs.broken;
        let candidates = candidates(service, &suite, &selection, &runs, &question, limit * CANDIDATES).await?;
        tests = measure(service, &suite, &selection, &runs, &candidates).await?;
        let bugs = known::of_suite(service, &suite).await?;
        let ran: Vec<Configuration> =
            runs.of_configuration.keys().filter_map(|id| selection.matching.get(id).cloned()).collect();
        for test in &mut tests {
            test.bugs = bugs.of(&test.test, &ran).into_iter().cloned().collect();
        }
        tests.retain(|test| test.is_meant(&question));
        tests.sort_by(|one, other| other.lower.total_cmp(&one.lower).then_with(|| one.test.cmp(&other.test)));
        tests.truncate(limit as usize);
    }
    Ok(Answer { suite, weeks, broken, tests })
}

/// The runs of a selection.
struct Runs {
    of_configuration: HashMap<u64, u64>,
    /// Those that broke as a whole.
    broken: u64,
}

async fn runs(service: &Service, suite: &str, selection: &Selection<'_>) -> Result<Runs, ApiError> {
    let sql = format!(
        "SELECT config_id, count(), countIf({BROKEN}) FROM runs WHERE suite = ?{} GROUP BY config_id",
        selection.condition()
    );
    let query = selection.bind_condition(service.client.query(&sql).bind(suite));
    let rows: Vec<(u64, u64, u64)> = query.fetch_all().await?;
    let broken = rows.iter().map(|(_, _, broken)| broken).sum();
    Ok(Runs { of_configuration: rows.into_iter().map(|(config_id, runs, _)| (config_id, runs)).collect(), broken })
}

/// The tests that may be the most unreliable. How often a test ran is not known here; the runs of the configurations
/// on which it failed stand in for it, which favours tests that fail on few configurations.
async fn candidates(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
    runs: &Runs,
    question: &Question,
    limit: u64,
) -> Result<Vec<String>, ApiError> {
    let sql = format!(
        "SELECT test, sum(failed), sum(ran) FROM (\
           SELECT test, count() AS failed, greatest(failed, transform(config_id, ?, ?, failed)) AS ran \
           FROM failures WHERE suite = ?{condition} AND worst_unexpected <= {ERROR} AND ({UPLOAD}) IN \
           (SELECT {UPLOAD} FROM runs WHERE suite = ?{condition} AND NOT ({BROKEN})) GROUP BY test, config_id) \
         GROUP BY test",
        condition = selection.condition(),
    );
    let (ids, counts): (Vec<u64>, Vec<u64>) = runs.of_configuration.iter().unzip();
    let query = service.client.query(&sql).bind(ids).bind(counts).bind(suite);
    let query = selection.bind_condition(query).bind(suite);
    let rows: Vec<(String, u64, u64)> = selection.bind_condition(query).fetch_all().await?;
    let lower = |(test, failed, ran): (String, u64, u64)| (wilson(failed, ran).0, test);
    let mut ranked: Vec<(f64, String)> =
        rows.into_iter().filter(|(test, ..)| question.may_match(test)).map(lower).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    ranked.truncate(limit as usize);
    Ok(ranked.into_iter().map(|(_, test)| test).collect())
}

#[derive(Row, Deserialize)]
struct Measured {
    test_id: u64,
    runs: u64,
    unexpected: u64,
    flips: u64,
    most_flips: u64,
    disagreements: u64,
    configurations: u64,
}

/// Reads every result of the candidates.
async fn measure(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
    runs: &Runs,
    candidates: &[String],
) -> Result<Vec<Unreliable>, ApiError> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let names: HashMap<u64, &String> =
        candidates.iter().map(|test| (stable_hash(&[suite.as_bytes(), test.as_bytes()]), test)).collect();
    // Runs that broke as a whole are rare: where there are none, no row is looked up among them.
    let sound = if runs.broken == 0 {
        String::new()
    } else {
        format!(
            " AND (config_id, uuid, sdk, start_time) NOT IN \
             (SELECT config_id, uuid, sdk, start_time FROM runs WHERE suite = ?{} AND {BROKEN})",
            selection.condition()
        )
    };
    // Bits 0 to 6 are the states from CRASH to ERROR; an expected FAIL (bit 5) covers IMAGE, AUDIO and TEXT (2 to 4).
    let sql = format!(
        "SELECT test_id, sum(n) AS runs, sum(failed) AS unexpected, sum(flipped) AS flips, toUInt64(max(flipped)) AS most_flips, \
                toUInt64(sum(disagreed)) AS disagreements, count() AS configurations FROM (\
           SELECT test_id, config_id, count() AS n, countIf(failing) AS failed, \
                  arraySort(groupArray((uuid, start_time, failing))) AS history, \
                  arrayCount((one, other) -> one.3 != other.3, arrayPopBack(history), arrayPopFront(history)) AS flipped, \
                  uniqExactIf(uuid, failing) + uniqExactIf(uuid, NOT failing) - uniqExact(uuid) AS disagreed \
           FROM (SELECT test_id, config_id, uuid, start_time, \
                        bitAnd(bitAnd(actual, bitNot(bitOr(expected, if(bitTest(expected, 5), 28, 0)))), 127) != 0 AS failing \
                 FROM results WHERE suite = ? AND test_id IN ?{condition}{sound}) \
           GROUP BY test_id, config_id) GROUP BY test_id",
        condition = selection.condition(),
    );
    let ids: Vec<u64> = names.keys().copied().collect();
    let mut query = selection.bind_condition(service.client.query(&sql).bind(suite).bind(ids));
    if runs.broken > 0 {
        query = selection.bind_condition(query.bind(suite));
    }
    let rows: Vec<Measured> = query.fetch_all().await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let (lower, upper) = wilson(row.unexpected, row.runs);
            Some(Unreliable {
                test: (*names.get(&row.test_id)?).clone(),
                runs: row.runs,
                unexpected: row.unexpected,
                rate: row.unexpected as f64 / row.runs.max(1) as f64,
                lower,
                upper,
                flips: row.flips,
                most_flips: row.most_flips,
                disagreements: row.disagreements,
                configurations: row.configurations,
                bugs: Vec::new(),
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values of the closed formula, computed by hand.
    #[test]
    fn the_interval_is_wilson_s() {
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
        let (lower, upper) = wilson(5, 10);
        close(lower, 0.2366);
        close(upper, 0.7634);
        close(wilson(1, 1).0, 0.2065);
        close(wilson(0, 10).1, 0.2775);
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn more_evidence_narrows_the_interval(part in 0u64..50, more in 0u64..50) {
            let whole = part + more + 1;
            let (few, many) = (wilson(part, whole), wilson(part * 10, whole * 10));
            let share = part as f64 / whole as f64;
            prop_assert!(few.0 <= share + 1e-9 && share <= few.1 + 1e-9);
            prop_assert!(few.0 <= many.0 + 1e-9 && many.1 <= few.1 + 1e-9);
        }
    }
}
