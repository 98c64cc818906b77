//! Values of events in the form that columns have.

use schema::store::results::Run;

/// Seconds of a week.
///
/// Tests and suites rarely change their names, and only the year matters of how old a name is. Rows therefore say in which
/// week a name was uploaded, so that all uploads of a week write each name once.
pub(super) const WEEK_SECONDS: u32 = schema::seconds::WEEK as u32;

/// The version of rows that may come through any partition, where offsets do not compare: the first half of the event's
/// id. It is a UUIDv7, which starts with the milliseconds at which the intake made it.
pub(super) fn time_version(event_id: &uuid::Uuid) -> u64 {
    event_id.as_u64_pair().0
}

/// The beginning of the week of a time, both in seconds since 1970; weeks are multiples of [`WEEK_SECONDS`].
pub(super) fn week(time: i64) -> u32 {
    seconds(time) / WEEK_SECONDS * WEEK_SECONDS
}

/// The Monday at which the week of a time begins, both in seconds since 1970.
pub(super) fn monday(time: i64) -> u32 {
    seconds(schema::seconds::monday(time))
}

/// A time in seconds since 1970 as a column holds it.
pub(super) fn seconds(time: i64) -> u32 {
    time.clamp(0, i64::from(u32::MAX)) as u32
}

/// The time of a run's newest commit, seconds since 1970.
pub(super) fn commit_seconds(run: &Run) -> i64 {
    (run.uuid / 100) as i64
}

/// The JSON text of a value.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
