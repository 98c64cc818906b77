//! Histories as texts, for tests: one commit a character, one commit a day, the oldest first.

use schema::ids::CommitKey;
use schema::seconds::DAY;
use schema::state::State;

use crate::finding::{Finding, finding};
use crate::history::{Cell, History};
use crate::judge::{Judgement, Question, judge};
use crate::rules::Rules;

/// The commit of a number, 1 being the first.
pub(crate) fn day(number: u64) -> CommitKey {
    CommitKey::start_of(number * DAY)
}

pub(crate) const TEXT: u8 = 4;

/// The cell of a character: `P` passed, `F` failed with TEXT, `C` crashed, `M` failed in one run and passed in another, `R`
/// passed on a retry, `E` failed as expected, `S` passed although a failure was expected, `.` did not run.
fn cell(letter: u8, position: u32) -> Option<Cell> {
    let text = State::at(TEXT);
    let number = u64::from(position) + 1;
    let start = (number * DAY) as u32;
    let passed = Cell::passed(day(number), position, start);
    Some(match letter {
        b'P' => passed,
        b'F' => Cell { failed: 1, unrecovered: 1, worst: text, worst_of_all: text, ..passed },
        b'C' => Cell { failed: 1, unrecovered: 1, worst: State::CRASH, worst_of_all: State::CRASH, ..passed },
        b'M' => Cell { runs: 2, failed: 1, unrecovered: 1, worst: text, worst_of_all: text, ..passed },
        b'R' => Cell { failed: 1, worst: text, worst_of_all: text, ..passed },
        b'E' => Cell { expected_failures: 1, worst_of_all: text, ..passed },
        b'S' => Cell { surprising_passes: 1, ..passed },
        _ => return None,
    })
}

/// The cells of a text.
pub(crate) fn cells(text: &str) -> Vec<Cell> {
    text.bytes().zip(0..).filter_map(|(letter, position)| cell(letter, position)).collect()
}

/// A question on the day of the last commit; what ran in so many days before it is new.
pub(crate) fn question(text: &str, days: u64) -> Question {
    let now = text.len() as u64 * DAY;
    Question { now, new_since: now.saturating_sub(days * DAY), rules: Rules::default() }
}

/// The judgement of a text on the day of its last commit; what ran in the three days before it is new.
pub(crate) fn judged(text: &str) -> Judgement {
    let cells = cells(text);
    judge(&History { cells: &cells, commits: text.len() as u32 }, &question(text, 3))
}

/// The finding on a test from texts of the same length, one for each configuration.
pub(crate) fn found(texts: &[&str], days: u64) -> Option<Finding> {
    let longest = texts.iter().max_by_key(|text| text.len()).copied().unwrap_or_default();
    let all: Vec<Vec<Cell>> = texts.iter().map(|text| cells(text)).collect();
    let histories: Vec<History<'_>> =
        all.iter().zip(texts).map(|(cells, text)| History { cells, commits: text.len() as u32 }).collect();
    finding(&histories, &question(longest, days))
}
