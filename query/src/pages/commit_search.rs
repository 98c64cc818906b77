//! Which commits the list shows: a page of a branch, or what a search finds.

use schema::commit::Commit;
use schema::store::commits::{by_reference, select};

use crate::commits::{self, asked, now_uuid};
use crate::error::ApiError;
use crate::parameters::{POINT, Parameters, RANGE};
use crate::ranges;
use crate::routes::Service;

/// Commits on a page unless more are asked for.
const COMMITS: u64 = 50;
/// Messages are read this far back from where a search starts, in units of uuids: a year.
const SEARCHED: u64 = 365 * 86_400 * 100;
/// Words of a search; more narrow it no further.
const MAX_WORDS: usize = 8;
/// The first word of a search may name the author alone.
const AUTHOR: &str = "author:";

/// What the list knows of a query; it takes any other parameter too and leaves it alone.
pub(super) const KNOWN: [&[&str]; 3] = [&POINT, &RANGE, &["limit", "q"]];

/// One page of the list, newest first.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) commits: Vec<Commit>,
    /// Whether there is more on the older side.
    pub(super) older: bool,
    /// Whether there is more on the newer side.
    pub(super) newer: bool,
    /// How far back messages were read, if that was not far enough to fill the page.
    pub(super) searched_to: Option<u64>,
}

/// The commits that the parameters ask for.
pub(super) async fn find(service: &Service, parameters: &Parameters) -> Result<Found, ApiError> {
    let limit = parameters.limit(COMMITS)?.min(service.options.commits_limits.max);
    let upwards = has(parameters, "after_") && !has(parameters, "before_");
    let mut found = match parameters.first("q").map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => search(service, parameters, text, limit + 1).await?,
        // One more than is shown tells whether there are more.
        None => Found { commits: commits::find(service, parameters, limit + 1).await?, ..Found::default() },
    };
    found.commits.sort_by_cached_key(|commit| std::cmp::Reverse((commit.uuid(), commit.repository_id.clone())));
    let more = cut(&mut found.commits, limit as usize, upwards);
    (found.older, found.newer) = if upwards { (true, more) } else { (more, has(parameters, "before_")) };
    if found.older {
        found.searched_to = None;
    }
    Ok(found)
}

fn has(parameters: &Parameters, prefix: &str) -> bool {
    parameters.pairs().any(|(name, _)| name.starts_with(prefix))
}

/// Keeps about `limit` commits, the oldest or the newest, and all that share a uuid with the last of them: the next page
/// begins at another uuid. Whether any were cut off.
fn cut(commits: &mut Vec<Commit>, limit: usize, oldest: bool) -> bool {
    if oldest {
        commits.reverse();
    }
    let mut kept = limit.min(commits.len());
    while kept > 0 && kept < commits.len() && commits[kept].uuid() == commits[kept - 1].uuid() {
        kept += 1;
    }
    let more = kept < commits.len();
    commits.truncate(kept);
    if oldest {
        commits.reverse();
    }
    more
}

/// Commits that a single word names, and those whose message or author has all words.
async fn search(service: &Service, parameters: &Parameters, text: &str, limit: u64) -> Result<Found, ApiError> {
    let range = ranges::of_commits(service, parameters).await?;
    let end = range.end.unwrap_or_else(now_uuid);
    let floor = end.saturating_sub(SEARCHED);
    let begin = range.begin.unwrap_or(0).max(floor);
    let words: Vec<&str> = text.split_whitespace().take(MAX_WORDS).collect();
    let ids: Vec<&str> = parameters.all("repository_id").collect();
    let mut found = Found::default();
    for (repository, default_branch) in asked(service, &ids).await? {
        if let [word] = words[..] {
            let named = by_reference(&service.client, &repository, word, limit).await?;
            let asked: Vec<&str> = parameters.all("branch").collect();
            let is_asked = |commit: &Commit| asked.is_empty() || asked.contains(&commit.branch.as_str());
            let inside =
                |commit: &Commit| commit.uuid() <= end && range.begin.is_none_or(|begin| commit.uuid() >= begin);
            found.commits.extend(named.into_iter().filter(|commit| is_asked(commit) && inside(commit)));
        }
        let mut branches: Vec<&str> = parameters.all("branch").collect();
        if branches.is_empty() {
            branches.push(&default_branch);
        }
        found.commits.extend(worded(service, &repository, &branches, (begin, end), &words, limit).await?);
    }
    found.commits.sort_by_cached_key(|commit| (commit.uuid(), commit.repository_id.clone(), commit.branch.clone()));
    found.commits.dedup();
    found.searched_to = (begin == floor && floor > 0).then_some(floor);
    Ok(found)
}

/// Commits of which every word is in the message or the author's names, the newest.
async fn worded(
    service: &Service,
    repository: &str,
    branches: &[&str],
    (begin, end): (u64, u64),
    words: &[&str],
    limit: u64,
) -> Result<Vec<Commit>, ApiError> {
    const IN_AUTHOR: &str = "positionCaseInsensitiveUTF8(JSONExtractRaw(document, 'author'), ?) > 0";
    const IN_MESSAGE: &str = "positionCaseInsensitiveUTF8(JSONExtractString(document, 'message'), ?) > 0";
    let authors = |word: &str| word.strip_prefix(AUTHOR).map(str::to_owned);
    let mut condition = String::from("repository = ? AND branch IN ? AND uuid BETWEEN ? AND ?");
    for word in words {
        match authors(word) {
            Some(_) => condition.push_str(&format!(" AND {IN_AUTHOR}")),
            None => condition.push_str(&format!(" AND ({IN_MESSAGE} OR {IN_AUTHOR})")),
        }
    }
    condition.push_str(" ORDER BY uuid DESC, branch LIMIT ?");
    let found = select(&service.client, &condition, |query| {
        let query = query.bind(repository).bind(branches).bind(begin).bind(end);
        let query = words.iter().fold(query, |query, word| match authors(word) {
            Some(author) => query.bind(author),
            None => query.bind(*word).bind(*word),
        });
        query.bind(limit)
    });
    Ok(found.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits(uuids: &[i64]) -> Vec<Commit> {
        let commit = |uuid: &i64| Commit {
            repository_id: "webkit".into(),
            branch: "main".into(),
            timestamp: *uuid,
            order: 0,
            hash: None,
            revision: None,
            identifier: None,
            message: None,
            author: None,
        };
        uuids.iter().map(commit).collect()
    }

    fn kept(uuids: &[i64], limit: usize, oldest: bool) -> (Vec<i64>, bool) {
        let mut commits = commits(uuids);
        let more = cut(&mut commits, limit, oldest);
        (commits.iter().map(|commit| commit.timestamp).collect(), more)
    }

    #[test]
    fn a_page_ends_between_uuids() {
        assert_eq!(kept(&[9, 8, 7, 7, 6], 3, false), (vec![9, 8, 7, 7], true));
        assert_eq!(kept(&[9, 9, 8, 7], 3, true), (vec![9, 9, 8, 7], false));
        assert_eq!(kept(&[9, 8, 7], 2, true), (vec![8, 7], true));
        assert_eq!(kept(&[9], 3, false), (vec![9], false));
        assert_eq!(kept(&[], 3, false), (vec![], false));
    }
}
