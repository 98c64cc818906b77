//! What a failing test said last: the first line of its newest log, for lists that show many tests.

use std::collections::HashMap;

use schema::ids::TestId;

use crate::error::AnswerError;
use crate::reads::results::{self, TestLog};
use crate::reads::selection::Selection;
use crate::store::Store;

/// Tests that are asked for at once; each is a granule of every part of the weeks asked about.
const MAX_TESTS: usize = 200;
/// Characters of a line that are told.
const MAX_CHARACTERS: usize = 160;

/// The first lines by test, of the newest results in the selection that failed and say something.
pub async fn newest<'a>(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: impl Iterator<Item = &'a str>,
) -> Result<HashMap<&'a str, String>, AnswerError> {
    let names: HashMap<TestId, &str> = tests.take(MAX_TESTS).map(|test| (TestId::of(suite, test), test)).collect();
    if names.is_empty() || selection.is_empty() {
        return Ok(HashMap::new());
    }
    let logs = results::newest_logs(store, suite, selection, names.keys().copied()).await?;
    let line = |row: TestLog| Some((*names.get(&row.test_id)?, first_line(&row.log)?));
    Ok(logs.into_iter().filter_map(line).collect())
}

/// Whether two messages begin alike: their first lines differ in numbers at most, which are often times and addresses.
pub(crate) fn is_alike(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let line = first_line(text).unwrap_or_default();
        line.split(|character: char| character.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("0")
    };
    plain(one) == plain(other)
}

/// The first line that says something, cut off where it is long.
fn first_line(log: &str) -> Option<String> {
    let line = log.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut told: String = line.chars().take(MAX_CHARACTERS).collect();
    if line.chars().nth(MAX_CHARACTERS).is_some() {
        told.push('…');
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_says_something_is_told() {
        assert_eq!(first_line("\n  \n expected 3 but got 4 \nat line 7"), Some("expected 3 but got 4".to_owned()));
        assert_eq!(first_line(" \n"), None);
        assert!(is_alike("took 31 ms\nat a", "\ntook 4 ms") && !is_alike("took 31 ms", "took 31 s"));
        let long = first_line(&"ä".repeat(MAX_CHARACTERS + 1)).unwrap_or_default();
        assert_eq!((long.chars().count(), long.ends_with('…')), (MAX_CHARACTERS + 1, true));
    }
}
