//! Checks what an upload says of its run beside the results. These members are not the reference's: an upload that has none
//! of them says nothing.

use schema::results::{self, MAX_NAME_BYTES, Member};
use schema::run_notes::{MAX_SHARDS, RunNotes};
use serde::de::DeserializeOwned;

use crate::error::{IntakeError, bad};

/// The most tests that a run can be said to have, and the bytes of their names.
const MAX_EXPECTED: usize = 200_000;
const MAX_EXPECTED_BYTES: usize = 8 << 20;
/// The most problems, and the longest, bytes.
const MAX_PROBLEMS: usize = 1000;
const MAX_PROBLEM_BYTES: usize = 64 << 10;
/// The longest id, link, tool or author, bytes.
const MAX_TEXT_BYTES: usize = 2048;
/// The most authors of a change.
const MAX_AUTHORS: usize = 100;

/// What the members of a document say of the run; none if they say nothing.
pub(crate) fn read(members: &[Member<'_>]) -> Result<Option<Box<RunNotes>>, IntakeError> {
    let notes = RunNotes {
        run: member(members, "run", "an object with id, link, exit_code and tool, as far as they are known")?
            .unwrap_or_default(),
        shard: member(members, "shard", "an object with index and count, such as {\"index\": 3, \"count\": 8}")?,
        expects: member(members, "expects", "a list of names of tests")?.unwrap_or_default(),
        problems: member(members, "problems", "a list of sentences")?.unwrap_or_default(),
        change: member(members, "change", "an object with id, authors and base")?,
    };
    check(&notes)?;
    Ok((notes != RunNotes::default()).then(|| Box::new(notes)))
}

/// A member as what it must be.
fn member<T: DeserializeOwned>(
    members: &[Member<'_>],
    name: &'static str,
    wanted: &'static str,
) -> Result<Option<T>, IntakeError> {
    match results::member(members, name) {
        None | Some("null") => Ok(None),
        Some(raw) => serde_json::from_str(raw).map(Some).map_err(|_| bad(format!("'{name}' must be {wanted}"))),
    }
}

fn check(notes: &RunNotes) -> Result<(), IntakeError> {
    let RunNotes { run, shard, expects, problems, change } = notes;
    if let Some(shard) = shard
        && (shard.count > MAX_SHARDS || !(1..=shard.count).contains(&shard.index))
    {
        let given = format!("{} of {}", shard.index, shard.count);
        return Err(bad(format!("'shard' must be one of at most {MAX_SHARDS} parts, counted from 1, not {given}")));
    }
    let of_change = change.iter().flat_map(|change| change.authors.iter().chain([&change.id]).chain(&change.base));
    let of_shard = shard.iter().filter_map(|shard| shard.of.as_ref());
    let of_run = [&run.id, &run.link, &run.tool].into_iter().flatten();
    if of_run
        .chain(of_shard)
        .chain(of_change)
        .any(|text| text.len() > MAX_TEXT_BYTES || text.chars().any(char::is_control))
    {
        return Err(bad(format!(
            "'run', 'shard' and 'change' have texts of at most {MAX_TEXT_BYTES} bytes without control characters"
        )));
    }
    if change.as_ref().is_some_and(|change| change.authors.len() > MAX_AUTHORS || change.id.is_empty()) {
        return Err(bad(format!("'change' has an id and at most {MAX_AUTHORS} authors")));
    }
    let is_name =
        |name: &String| !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control);
    let bytes: usize = expects.iter().map(String::len).sum();
    if expects.len() > MAX_EXPECTED || bytes > MAX_EXPECTED_BYTES || !expects.iter().all(is_name) {
        return Err(bad(format!(
            "'expects' has at most {MAX_EXPECTED} names of tests, {} MiB together",
            MAX_EXPECTED_BYTES >> 20
        )));
    }
    if problems.len() > MAX_PROBLEMS || problems.iter().any(|problem| problem.len() > MAX_PROBLEM_BYTES) {
        return Err(bad(format!(
            "'problems' has at most {MAX_PROBLEMS} sentences of at most {} KiB",
            MAX_PROBLEM_BYTES >> 10
        )));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(document: &str) -> Result<Option<Box<RunNotes>>, String> {
        read(&results::members(document).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_said_is_kept() {
        let notes = of(r#"{"suite":"s","run":{"id":"7","link":"https://ci/7","exit_code":1,"tool":"pytest"},
            "shard":{"index":3,"count":8,"of":"7"},"expects":["a","b"],"problems":["it broke"],
            "change":{"id":"12","authors":["ada"]}}"#)
        .unwrap()
        .unwrap();
        assert_eq!((notes.run.exit_code, notes.shard.unwrap().index, notes.expects.len()), (Some(1), 3, 2));
        assert_eq!((notes.problems[0].as_str(), notes.change.unwrap().authors[0].as_str()), ("it broke", "ada"));
        assert_eq!(of(r#"{"suite":"s","run":{},"expects":[],"shard":null}"#).unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        for (document, said) in [
            (r#"{"shard":3}"#, "'shard' must be an object"),
            (r#"{"shard":{"index":0,"count":8}}"#, "not 0 of 8"),
            (r#"{"shard":{"index":9,"count":8}}"#, "not 9 of 8"),
            (r#"{"shard":{"index":1,"count":5000}}"#, "at most 1000 parts"),
            (r#"{"expects":{"a":1}}"#, "'expects' must be a list"),
            (r#"{"expects":[""]}"#, "'expects' has at most"),
            (r#"{"problems":"x"}"#, "'problems' must be a list"),
            (r#"{"run":{"exit_code":"red"}}"#, "'run' must be"),
            (r#"{"run":{"tool":"a\nb"}}"#, "without control characters"),
            (r#"{"change":{"id":""}}"#, "'change' has an id"),
        ] {
            let error = of(document).unwrap_err();
            assert!(error.contains(said), "{document}: {error}");
        }
    }
}
