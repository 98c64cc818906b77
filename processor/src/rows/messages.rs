//! The rows of what the failing tests of a run said, and of the patterns of that.

use schema::cause::primary::primary;
use schema::cause::{Pattern, RULE};
use schema::configuration::stable_hash;
use schema::ids::TestId;
use schema::results::TestResult;
use schema::store::results::Run;
use schema::store::rows::{CauseRow, FailureMessageRow};

use super::columns::week;
use super::event_rows::EventRows;

/// Bytes of a log that are kept beside its failure; the result has more of it.
const LOG_BYTES: usize = 4 << 10;
/// Bytes of the logs of one run. Of a run that breaks as a whole thousands of tests say the same: what is behind keeps its
/// message alone, of which each failure has one.
const RUN_BYTES: usize = 8 << 20;

/// What the failing tests of a run said, until it is known that its results are well formed.
#[derive(Debug, Default)]
pub(super) struct Messages {
    rows: Vec<(FailureMessageRow, Pattern)>,
    bytes: usize,
}

impl Messages {
    /// Adds what a failing test said; a log that says nothing is none.
    pub(super) fn push(&mut self, run: &Run, test: TestId, result: &TestResult, log: &str) {
        let Some(message) = primary(log) else { return };
        let Some(pattern) = Pattern::of(&message) else { return };
        let kept = &log[..log.floor_char_boundary(LOG_BYTES)];
        let message = if self.bytes + kept.len() <= RUN_BYTES { kept.to_owned() } else { message };
        self.bytes += message.len();
        let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run.clone();
        let row = FailureMessageRow {
            suite,
            branch,
            rule: RULE,
            cause: pattern.id,
            config_id,
            uuid,
            sdk,
            start_time,
            test_id: test.0,
            worst: result.actual.worst(),
            worst_unexpected: result.actual.worst_unexpected(result.expected),
            message,
            version,
        };
        self.rows.push((row, pattern));
    }

    /// Adds the rows, and the patterns that are new.
    pub(super) fn add(self, rows: &mut EventRows, received_at: i64) {
        let week = week(received_at);
        for (row, pattern) in self.rows {
            let key = stable_hash(&[b"cause", row.suite.as_bytes(), &RULE.to_le_bytes(), &row.cause.0.to_le_bytes()]);
            if rows.is_new(key, week) {
                let (suite, cause) = (row.suite.clone(), row.cause);
                rows.causes.push(CauseRow { suite, rule: RULE, cause, pattern: pattern.text, last_upload: week });
            }
            rows.failure_messages.push(row);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schema::state::States;

    use super::*;

    fn run() -> Run {
        let (suite, branch, sdk) = ("s".to_owned(), "default".to_owned(), String::new());
        Run { suite, branch, config_id: 1, uuid: 170_000_000_000, sdk, start_time: 1_700_000_060, version: 7 }
    }

    fn failed() -> TestResult {
        let (actual, expected) = (States::parse("FAIL"), States::parse("PASS"));
        TestResult {
            actual,
            expected,
            has_passed: false,
            flaky: false,
            time: None,
            extra: String::new(),
            unknown: None,
        }
    }

    #[test]
    fn failures_of_one_pattern_name_it_once() {
        let mut messages = Messages::default();
        for (test, log) in [(1, "took 31 ms\nat a"), (2, "took 4 ms"), (3, "no file"), (4, " \n")] {
            messages.push(&run(), TestId(test), &failed(), log);
        }
        let mut rows = EventRows::default();
        messages.add(&mut rows, 1_700_000_100);
        let patterns: Vec<&str> = rows.causes.iter().map(|row| row.pattern.as_str()).collect();
        assert_eq!(patterns, ["took * ms", "no file"]);
        let said: Vec<(u64, &str)> =
            rows.failure_messages.iter().map(|row| (row.test_id, row.message.as_str())).collect();
        assert_eq!(said, [(1, "took 31 ms\nat a"), (2, "took 4 ms"), (3, "no file")]);
        assert_eq!(rows.failure_messages[0].cause, rows.failure_messages[1].cause);
    }

    #[test]
    fn a_run_keeps_so_much_of_its_logs() {
        let mut messages = Messages::default();
        let log = format!("boom\n{}", "é".repeat(LOG_BYTES));
        for test in 0..3000 {
            messages.push(&run(), TestId(test), &failed(), &log);
        }
        let lengths: Vec<usize> = messages.rows.iter().map(|(row, _)| row.message.len()).collect();
        assert!(lengths[0] <= LOG_BYTES && lengths[0] > LOG_BYTES - 4, "{}", lengths[0]);
        assert_eq!((lengths.len(), lengths.last()), (3000, Some(&"boom".len())));
        assert!(lengths.iter().sum::<usize>() <= RUN_BYTES + 3000 * "boom".len());
    }
}
