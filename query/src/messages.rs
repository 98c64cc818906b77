//! What a failing test said last: the first line of its newest log, for lists that show many tests.

use std::collections::HashMap;

use schema::configuration::stable_hash;

use crate::error::ApiError;
use crate::routes::Service;
use crate::selection::Selection;

/// Tests that are asked for at once; each is a granule of every part of the weeks asked about.
const MAX_TESTS: usize = 200;
/// Bytes of a log that are looked at for its first line, and characters of it that are shown.
const LOOKED_AT: u64 = 2000;
const SHOWN: usize = 160;

/// The first lines by test, of the newest results in the selection that failed and say something.
pub(crate) async fn newest<'a>(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
    tests: impl Iterator<Item = &'a str>,
) -> Result<HashMap<&'a str, String>, ApiError> {
    let names: HashMap<u64, &str> =
        tests.take(MAX_TESTS).map(|test| (stable_hash(&[suite.as_bytes(), test.as_bytes()]), test)).collect();
    if names.is_empty() || selection.is_empty() {
        return Ok(HashMap::new());
    }
    // Bits 0 to 6 are the states from CRASH to ERROR.
    let sql = format!(
        "SELECT test_id, argMax(leftUTF8(JSONExtractString(extra, 'log'), {LOOKED_AT}), (uuid, start_time)) FROM results \
         WHERE suite = ? AND test_id IN ?{} AND bitAnd(actual, 127) != 0 AND position(extra, '\"log\"') > 0 GROUP BY test_id",
        selection.condition()
    );
    let ids: Vec<u64> = names.keys().copied().collect();
    let query = selection.bind_condition(service.client.query(&sql).bind(suite).bind(ids));
    let rows: Vec<(u64, String)> = query.fetch_all().await?;
    let told = |(test_id, log): (u64, String)| Some((*names.get(&test_id)?, first_line(&log)?));
    Ok(rows.into_iter().filter_map(told).collect())
}

/// The first line that says something, cut off where it is long.
fn first_line(log: &str) -> Option<String> {
    let line = log.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut shown: String = line.chars().take(SHOWN).collect();
    if line.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_says_something_is_told() {
        assert_eq!(first_line("\n  \n expected 3 but got 4 \nat line 7"), Some("expected 3 but got 4".to_owned()));
        assert_eq!(first_line(" \n"), None);
        let long = first_line(&"ä".repeat(SHOWN + 1)).unwrap_or_default();
        assert_eq!((long.chars().count(), long.ends_with('…')), (SHOWN + 1, true));
    }
}
