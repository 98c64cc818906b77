//! Cells of histories, from what tests did in runs.

use analysis::history::Cell;
use schema::ids::CommitKey;
use schema::outcomes::Outcome;
use schema::state::State;

use super::SuiteSessions;
use crate::reads::histories::RunOutcome;

/// A cell of one run; none if the test did not run in it, or if the run does not count.
pub(super) fn of_test(outcome: &RunOutcome, sessions: &SuiteSessions) -> Option<Cell> {
    let RunOutcome { config_id, uuid, start_time, .. } = *outcome;
    let position = sessions.position(config_id, uuid, start_time)?;
    // What an upload left of one that it replaced is no result.
    if !sessions.is_newest(&outcome.upload()) {
        return None;
    }
    of_outcome(&outcome.outcome(), uuid, position, start_time)
}

/// A cell of one run on a commit that started at a time, seconds since 1970; none if the test did not run in it.
pub(super) fn of_outcome(outcome: &Outcome, commit: CommitKey, position: u32, start_time: u32) -> Option<Cell> {
    let Outcome { actual: states, expected, has_passed, .. } = *outcome;
    // Who skipped a test says nothing about it.
    if !states.ran() {
        return None;
    }
    let (worst, worst_of_all) = (states.unexpected_state(expected), states.worst_state());
    let has_failed = worst.is_failure();
    let has_passed = has_passed || states.has_passed();
    Some(Cell {
        commit,
        position,
        runs: 1,
        failed: u32::from(has_failed),
        unrecovered: u32::from(has_failed && !has_passed),
        expected_failures: u32::from(!has_failed && worst_of_all.is_failure()),
        surprising_passes: u32::from(states.is_surprising_pass(expected)),
        worst: if has_failed { worst } else { State::PASS },
        worst_of_all,
        first_start: start_time,
        last_start: start_time,
    })
}
