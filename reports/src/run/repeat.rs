//! What a second element of a test's name means.

use crate::limits;
use crate::model::{Attempt, Status, Test};

/// What a second element of the same name means in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Another test. The two are told apart by their order.
    Distinct,
    /// The next attempt of the test.
    NextAttempt,
    /// pytest: a rerun, whose earlier attempts are written without any child though they failed; but an error in tear-down
    /// (`teardown`) behind a failure of the body belongs to the same attempt.
    Pytest { teardown: bool },
    /// unittest-xml-reporting: an error of tear-down behind a failure of the body belongs to the same attempt; all else is
    /// another test.
    Unittest { teardown: bool },
    /// Gradle: the next attempt behind a failed one, else another test.
    AfterFailure,
    /// Surefire: another test in the same file. In another file of the folder, the reruns of a test that failed
    /// (`first`), which may be read before or after it.
    Surefire { first: bool },
}

impl Repeat {
    /// Whether elements of other reports of the run may belong to the test.
    pub(super) fn spans_reports(self) -> bool {
        matches!(self, Self::Surefire { .. })
    }
}

/// What became of two elements of one name.
pub(super) enum Joined {
    /// They are one test.
    One,
    /// The second is another test.
    Two(Box<Test>),
}

/// Joins a second element with the held one of its name, if they are one test.
pub(super) fn join(held: &mut Test, test: Test, held_repeat: Repeat, repeat: Repeat, same_report: bool) -> Joined {
    let belongs = match repeat {
        Repeat::Distinct => false,
        Repeat::NextAttempt | Repeat::Pytest { .. } => same_report,
        Repeat::Unittest { teardown } => same_report && teardown && held.status().is_failure(),
        Repeat::AfterFailure => same_report && held.status().is_failure(),
        Repeat::Surefire { .. } => !same_report && same_folder(held, &test) && are_reruns(held, &test),
    };
    if !belongs {
        return Joined::Two(Box::new(test));
    }
    match (repeat, held_repeat) {
        (Repeat::Unittest { .. }, _) => return same_attempt(held, test),
        (Repeat::Pytest { teardown }, _) => {
            let last = held.attempts.last_mut();
            if let Some(last) = last {
                if teardown && last.status.is_failure() {
                    return same_attempt(held, test);
                }
                if last.status == Status::Passed {
                    last.status = Status::Failed;
                }
            }
        }
        // The file with the reruns was read first.
        (Repeat::Surefire { first: true }, Repeat::Surefire { first: false }) => {
            let later = std::mem::replace(&mut held.attempts, test.attempts);
            append(held, later);
            return Joined::One;
        }
        _ => {}
    }
    held.properties.extend(test.properties);
    held.properties.truncate(limits::PROPERTIES);
    append(held, test.attempts);
    Joined::One
}

/// The second element adds to the last attempt of the first, whose status stands.
fn same_attempt(held: &mut Test, test: Test) -> Joined {
    let second = test.attempts.into_iter().next_back();
    if let (Some(last), Some(second)) = (held.attempts.last_mut(), second) {
        match (&mut last.message, second.message) {
            (Some(message), Some(more)) => {
                message.push("\n\n", limits::MESSAGE_BYTES);
                message.push(more.as_str(), limits::MESSAGE_BYTES);
            }
            (message @ None, more) => *message = more,
            (Some(_), None) => {}
        }
        if last.output.is_none() {
            last.output = second.output;
        }
    }
    Joined::One
}

fn append(held: &mut Test, attempts: Vec<Attempt>) {
    for attempt in attempts {
        if held.attempts.len() >= limits::ATTEMPTS {
            held.attempts.pop();
        }
        held.attempts.push(attempt);
    }
}

/// Reruns follow a failure. Two passes of one name are two tests.
fn are_reruns(held: &Test, test: &Test) -> bool {
    let failed_first = |test: &Test| test.attempts.first().is_some_and(|attempt| attempt.status.is_failure());
    failed_first(held) || failed_first(test)
}

/// The files of one run of Surefire lie in one folder; a folder beside it has the tests of another module.
fn same_folder(one: &Test, other: &Test) -> bool {
    let folder = |test: &Test| test.report.rsplit_once(['/', '\\']).map(|(folder, _)| folder.to_owned());
    folder(one) == folder(other)
}
