//! Reads which weeks of commits were tested lately.

use schema::ids::CommitKey;
use schema::seconds::{WEEK, monday};

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Weeks of commits that one question looks at.
const MAX_WEEKS: u64 = 600;

/// Ranges of commits, both ends included, that hold every commit of which a run of a suite started since a time, seconds
/// since 1970; oldest first. Weeks that follow each other are one range.
pub(crate) async fn ranges(
    store: &Store,
    suite: &str,
    branch: &str,
    since: u64,
) -> Result<Vec<(CommitKey, CommitKey)>, AnswerError> {
    let since = i64::try_from(since).unwrap_or(i64::MAX);
    let weeks: Vec<u32> = Fragment::new(
        "SELECT DISTINCT commit_week FROM tested_weeks WHERE suite = {suite} AND branch = {branch} \
         AND start_week >= {since} ORDER BY commit_week DESC LIMIT {most}",
    )
    .value("suite", suite)
    .value("branch", branch)
    .value("since", monday(since).max(0) as u64)
    .value("most", MAX_WEEKS)
    .all(&store.client)
    .await?;
    Ok(joined(weeks.into_iter().rev().map(u64::from)))
}

/// The ranges of some weeks, each given by the second at which it begins, oldest first.
fn joined(weeks: impl Iterator<Item = u64>) -> Vec<(CommitKey, CommitKey)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for begin in weeks {
        match ranges.last_mut() {
            Some((_, end)) if *end >= begin => *end = begin + WEEK,
            _ => ranges.push((begin, begin + WEEK)),
        }
    }
    ranges.into_iter().map(|(begin, end)| (CommitKey::start_of(begin), CommitKey::start_of(end).previous())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_weeks_are_one_range() {
        let weeks = [3, 4, 5, 9].map(|week| week * WEEK);
        let range = |first: u64, last: u64| (CommitKey(first * WEEK * 100), CommitKey((last + 1) * WEEK * 100 - 1));
        assert_eq!(joined(weeks.into_iter()), [range(3, 5), range(9, 9)]);
        assert_eq!(joined(std::iter::empty()), []);
    }
}
