//! One test of a document.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

use super::RUN_TEST;
use crate::model::{Attempt, Status, Test};

/// Bytes of a message that are kept. The whole one is in the report, which the run's archive has.
const LOG_BYTES: usize = 16 << 10;
/// Bytes of a property's value that are kept.
const PROPERTY_BYTES: usize = 1 << 10;
/// Bytes of a name that a server takes.
const NAME_BYTES: usize = 4000;

/// A test as a member of the results. None of its members is an object: an object would be another test.
#[derive(Serialize)]
pub(super) struct Leaf<'t> {
    /// The states of all attempts, in their order.
    actual: String,
    expected: &'static str,
    /// Milliseconds of the last attempt, or of all together if only that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    owners: &'t [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<[&'t str; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flakiness_num_tries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flakiness_num_passes: Option<usize>,
    /// Only where there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<AttemptMember<'t>>,
}

#[derive(Serialize)]
struct AttemptMember<'t> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'t str>,
}

impl<'t> Leaf<'t> {
    /// `logs_left` is how many bytes of messages the document may still have.
    pub(super) fn new(test: &'t Test, owners: &'t [String], logs_left: &mut usize) -> Self {
        let mut actual = String::new();
        for attempt in &test.attempts {
            let _ = write!(actual, "{}{}", if actual.is_empty() { "" } else { " " }, state(attempt.status));
        }
        let is_expected_to_fail =
            |attempt: &Attempt| matches!(attempt.status, Status::ExpectedFailure | Status::UnexpectedPass);
        let last = test.attempts.last().and_then(|attempt| attempt.milliseconds);
        let log = test.attempts.iter().rev().find_map(message);
        let attempts = if test.attempts.len() > 1 { test.attempts.as_slice() } else { &[] };
        let passes = attempts.iter().filter(|attempt| !attempt.status.is_failure()).count();
        // A test that failed each time is retried, and no flake.
        let is_flaky = 0 < passes && passes < attempts.len();
        Self {
            actual,
            expected: if test.attempts.iter().any(is_expected_to_fail) { "FAIL" } else { "PASS" },
            time: whole(last.or(test.total_milliseconds)),
            log: log.and_then(|log| within(log, logs_left)),
            file: test.file.as_deref(),
            line: test.line,
            owners,
            properties: test
                .properties
                .iter()
                .map(|(name, value)| [cut(name, PROPERTY_BYTES), cut(value, PROPERTY_BYTES)])
                .collect(),
            flakiness_num_tries: is_flaky.then_some(attempts.len()),
            flakiness_num_passes: is_flaky.then_some(passes),
            attempts: attempts
                .iter()
                .map(|attempt| AttemptMember {
                    state: state(attempt.status),
                    time: whole(attempt.milliseconds),
                    started: attempt.started.as_ref().map(ToString::to_string),
                    log: message(attempt).and_then(|log| within(log, logs_left)),
                })
                .collect(),
        }
    }
}

/// The word of a document for how an attempt ended.
#[must_use]
pub fn state(status: Status) -> &'static str {
    match status {
        Status::Passed | Status::UnexpectedPass => "PASS",
        Status::Failed | Status::ExpectedFailure => "FAIL",
        Status::Error => "ERROR",
        Status::Skipped => "SKIP",
        Status::Timeout => "TIMEOUT",
        Status::Crash => "CRASH",
    }
}

fn message(attempt: &Attempt) -> Option<&str> {
    attempt.message.as_ref().map(|message| message.as_str()).filter(|message| !message.is_empty())
}

/// A message as it is kept; none where the document has no room left for messages.
fn within<'t>(log: &'t str, logs_left: &mut usize) -> Option<&'t str> {
    let log = cut(log, LOG_BYTES);
    *logs_left = logs_left.checked_sub(log.len())?;
    Some(log)
}

fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// Milliseconds as servers count them: whole, and of at most nine digits.
fn whole(milliseconds: Option<f64>) -> Option<u64> {
    const MOST: f64 = 999_999_999.0;
    milliseconds.filter(|time| time.is_finite() && *time >= 0.0).map(|time| time.round().min(MOST) as u64)
}

/// A test's name as servers take it: control characters are written as escapes, and a name that is too long or empty, or
/// that is the one of the run itself, is made another.
#[must_use]
pub fn clean_name(name: &str) -> Cow<'_, str> {
    if name.is_empty() || name == RUN_TEST {
        return Cow::Owned(format!("{name}(test)"));
    }
    let escaped: Cow<'_, str> = if name.chars().any(char::is_control) {
        let mut escaped = String::with_capacity(name.len() + 16);
        for character in name.chars() {
            if character.is_control() {
                escaped.extend(character.escape_default());
            } else {
                escaped.push(character);
            }
        }
        Cow::Owned(escaped)
    } else {
        Cow::Borrowed(name)
    };
    if escaped.len() <= NAME_BYTES {
        return escaped;
    }
    // Names that differ behind the cut stay different.
    let digest = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Cow::Owned(format!("{}… {digest:016x}", cut(&escaped, NAME_BYTES - 32)))
}
