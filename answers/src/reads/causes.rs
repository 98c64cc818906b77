//! Reads what failures said: by pattern, and one by one.

use clickhouse::Row;
use schema::cause::CauseId;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::like;
use schema::seconds::DAY;
use schema::state::{ERROR, State};
use serde::Deserialize;

use super::failures::state_column;
use super::selection::{RunPlace, Selection};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Patterns that masks of a suite are applied to: those that were uploaded last. Each that a mask changes is named in
/// statements.
const MAX_MASKED: u64 = 2000;
/// Tests and configurations that are named of a cause.
pub(crate) const NAMED: usize = 20;

/// How late failures are that are looked at before all others, seconds.
const LATE: u64 = 7 * DAY;

/// Which failures are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Failed<'a> {
    pub(crate) suite: &'a str,
    pub(crate) selection: &'a Selection,
    /// The version of the rule.
    pub(crate) rule: u16,
    /// Only these causes; all if there is none.
    pub(crate) causes: Vec<CauseId>,
    /// Only of this test.
    pub(crate) test: Option<TestId>,
    /// Only with this text in what they said, whatever the case of its ASCII letters.
    pub(crate) text: Option<&'a str>,
    /// Only those that were not expected.
    pub(crate) unexpected: bool,
}

impl Failed<'_> {
    /// The condition of a statement over `failure_messages`. What an upload said that was replaced is not among them.
    fn condition(&self) -> Fragment {
        let Self { suite, selection, rule, causes, test, text, unexpected } = self;
        let text_of = "suite = {suite} AND {selected} AND rule = {rule} AND {state} <= {mildest}{of_newest}";
        let mut condition = Fragment::new(text_of)
            .part("of_newest", &selection.of_newest_uploads(suite))
            .text("state", state_column(*unexpected))
            .value("rule", u64::from(*rule))
            .value("mildest", u64::from(ERROR));
        if !causes.is_empty() {
            condition = condition.and("cause IN {causes}").list("causes", causes.iter().copied());
        }
        if let Some(test) = test {
            condition = condition.and("test_id = {test}").value("test", *test);
        }
        if let Some(text) = text {
            condition =
                condition.and("lower(message) LIKE {like}").value("like", like::holding(&text.to_ascii_lowercase()));
        }
        condition.part("selected", &selection.condition_of(suite)).value("suite", *suite)
    }
}

/// Parts of the time in which failures are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    /// The first second, seconds since 1970.
    pub(crate) since: u64,
    /// Seconds of each.
    pub(crate) length: u64,
    /// How many there are.
    pub(crate) count: u64,
}

/// What the failures of one cause have together.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct CauseCounts {
    pub(crate) cause: CauseId,
    pub(crate) failures: u64,
    pub(crate) tests: u64,
    pub(crate) commits: u64,
    pub(crate) configurations: u64,
    pub(crate) first_seen: u32,
    pub(crate) last_seen: u32,
    pub(crate) first_commit: CommitKey,
    pub(crate) last_commit: CommitKey,
    pub(crate) state: State,
    pub(crate) trend: Vec<u64>,
    /// Some of the tests, and of the configurations.
    pub(crate) some_tests: Vec<TestId>,
    pub(crate) some_places: Vec<ConfigId>,
    /// Failures of all causes, and how many causes there are.
    pub(crate) all_failures: u64,
    pub(crate) all_causes: u64,
}

/// The failures by cause, so many causes at most. `joined` says which causes count as which other.
pub(crate) async fn by_cause(
    store: &Store,
    failed: &Failed<'_>,
    joined: &[(CauseId, CauseId)],
    steps: Steps,
    order: &str,
    most: u64,
) -> Result<Vec<CauseCounts>, AnswerError> {
    let of = if joined.is_empty() { "cause" } else { "if(has({from}, cause), {to}[indexOf({from}, cause)], cause)" };
    Fragment::new(
        "SELECT id AS cause, failures, tests, commits, configurations, first_seen, last_seen, first_commit, last_commit, \
         state, trend, some_tests, some_places, sum(failures) OVER () AS all_failures, count() OVER () AS all_causes FROM (\
           SELECT {of} AS id, count() AS failures, uniqExact(test_id) AS tests, uniqExact(uuid) AS commits, \
           uniqExact(config_id) AS configurations, min(start_time) AS first_seen, max(start_time) AS last_seen, \
           min(uuid) AS first_commit, max(uuid) AS last_commit, min({state}) AS state, \
           countResample(0, {count}, 1)(intDiv(start_time - {since}, {length})) AS trend, \
           arraySlice(arraySort(groupUniqArray(test_id)), 1, {named}) AS some_tests, \
           arraySlice(arraySort(groupUniqArray(config_id)), 1, {named}) AS some_places \
           FROM failure_messages WHERE {condition} GROUP BY id) \
         ORDER BY {order}, cause LIMIT {most}",
    )
    .text("of", of)
    .text("state", state_column(failed.unexpected))
    .text("order", order)
    // A parameter of an aggregate function is written, not bound.
    .text("count", &steps.count.to_string())
    .part("condition", &failed.condition())
    .list("from", joined.iter().map(|(from, _)| *from))
    .list("to", joined.iter().map(|(_, to)| *to))
    .value("since", steps.since)
    .value("length", steps.length)
    .value("named", NAMED)
    .value("most", most)
    .all(&store.client)
    .await
}

/// What a failing test said.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct SaidRow {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    pub(crate) test_id: TestId,
    pub(crate) state: State,
    pub(crate) cause: CauseId,
    pub(crate) message: String,
}

impl SaidRow {
    /// Where its run stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

/// The failures one by one, the newest first.
pub(crate) async fn newest(store: &Store, failed: &Failed<'_>, most: u64) -> Result<Vec<SaidRow>, AnswerError> {
    // A text that many messages hold is cheaper to find in few of them, and the index finds a rare one at once.
    if failed.text.is_some() {
        let late = newest_since(store, failed, store.clock.now().saturating_sub(LATE), most).await?;
        if late.len() as u64 == most {
            return Ok(late);
        }
    }
    newest_since(store, failed, 0, most).await
}

async fn newest_since(store: &Store, failed: &Failed<'_>, since: u64, most: u64) -> Result<Vec<SaidRow>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, sdk, start_time, test_id, {state} AS state, cause, message FROM failure_messages \
         WHERE start_time >= {since} AND {condition} \
         ORDER BY start_time DESC, uuid DESC, config_id, sdk, test_id LIMIT {most}",
    )
    .value("since", since)
    .text("state", state_column(failed.unexpected))
    .part("condition", &failed.condition())
    .value("most", most)
    .all(&store.client)
    .await
}

/// A pattern.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredPattern {
    pub(crate) cause: CauseId,
    pub(crate) pattern: String,
}

/// The patterns of some causes, in no order.
pub(crate) async fn patterns(
    store: &Store,
    suite: &str,
    rule: u16,
    causes: impl ExactSizeIterator<Item = CauseId>,
) -> Result<Vec<StoredPattern>, AnswerError> {
    if causes.len() == 0 {
        return Ok(Vec::new());
    }
    let most = causes.len() as u64;
    Fragment::new("SELECT cause, pattern FROM causes WHERE suite = {suite} AND rule = {rule} AND cause IN {causes}")
        .value("suite", suite)
        .value("rule", u64::from(rule))
        .list("causes", causes)
        .limit(most)
        .all(&store.client)
        .await
}

/// The patterns of a suite that masks are applied to.
pub(crate) async fn newest_patterns(store: &Store, suite: &str, rule: u16) -> Result<Vec<StoredPattern>, AnswerError> {
    Fragment::new(
        "SELECT cause, pattern FROM causes WHERE suite = {suite} AND rule = {rule} ORDER BY last_upload DESC, cause",
    )
    .value("suite", suite)
    .value("rule", u64::from(rule))
    .limit(MAX_MASKED)
    .all(&store.client)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_as_it_is() {
        assert_eq!(like::holding(&"100%_\\É TimeD".to_ascii_lowercase()), "%100\\%\\_\\\\É timed%");
    }
}
