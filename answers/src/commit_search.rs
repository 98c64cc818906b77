//! Lists of commits: those that a question names, pages of a branch, and commits by words of their messages or authors.

use schema::commit::Commit;
use schema::ids::CommitKey;
use schema::seconds::DAY;

use crate::ask::{CommitRange, CommitSelector};
use crate::commit_range;
use crate::commits::{NO_COMMITS, asked, named};
use crate::error::{AnswerError, not_found};
use crate::reads::commits::{self as reads, Branches, Keep, between};
use crate::store::{Repository, Store};

/// Messages are read this far back from where a search starts, seconds: a year.
const SEARCHED: u64 = 365 * DAY;
/// Words of a search; more narrow it no further.
const MAX_WORDS: usize = 8;

/// Which commits are asked for.
#[derive(Debug, Clone, Default)]
pub struct CommitQuestion {
    /// Repositories; all if empty.
    pub repositories: Vec<String>,
    /// Branches; the default branch of each repository if empty.
    pub branches: Vec<String>,
    /// The point or range.
    pub range: CommitRange,
}

impl CommitQuestion {
    /// The asked branches of some repositories.
    fn branches_of(&self, repositories: &[Repository]) -> Branches {
        let of = |repository: &'_ Repository| -> Vec<(String, String)> {
            let own = std::slice::from_ref(&repository.default_branch);
            let branches = if self.branches.is_empty() { own } else { &self.branches };
            branches.iter().map(|branch| (repository.id.clone(), branch.clone())).collect()
        };
        repositories.iter().flat_map(of).collect()
    }
}

/// The asked commits, oldest first, at most `limit` of each repository.
pub async fn find(store: &Store, question: &CommitQuestion, limit: u64) -> Result<Vec<Commit>, AnswerError> {
    let (begin, end) = commit_range::of_commits(store, &question.range).await?;
    let mut found = Vec::new();
    match &question.range.at {
        Some(CommitSelector::Names { names, .. }) => {
            found = named(store, &question.repositories, names, limit).await?;
        }
        at => {
            let spans: Vec<(CommitKey, CommitKey)> = match at {
                Some(CommitSelector::Keys(keys)) => keys.iter().map(|key| (*key, *key)).collect(),
                Some(CommitSelector::Times(seconds)) => {
                    let span = |second: &u64| (CommitKey::start_of(*second), CommitKey::end_of(*second));
                    seconds.iter().map(span).collect()
                }
                _ => vec![(begin.unwrap_or(CommitKey::FIRST), end.unwrap_or_else(|| store.clock.newest_commit_key()))],
            };
            let has_point = matches!(at, Some(CommitSelector::Keys(_) | CommitSelector::Times(_)));
            let only_after = !has_point && begin.is_some() && end.is_none();
            let keep = if only_after { Keep::Oldest } else { Keep::Newest };
            let asked = asked(store, &question.repositories).await?;
            let branches = question.branches_of(&asked);
            for span in &spans {
                found.extend(between(store, &branches, *span, keep, limit).await?);
            }
        }
    }
    found.sort_by_cached_key(|commit| (commit.key(), commit.repository_id.clone(), commit.branch.clone()));
    found.dedup();
    if found.is_empty() { Err(not_found(NO_COMMITS)) } else { Ok(found) }
}

/// The one commit that a question names.
pub async fn exactly_one(store: &Store, question: &CommitQuestion) -> Result<Commit, AnswerError> {
    let mut found = find(store, question, 100).await?;
    match (found.len(), found.pop()) {
        (1, Some(commit)) => Ok(commit),
        (count, _) => Err(AnswerError::SeveralCommits(count)),
    }
}

/// One page of commits, newest first.
#[derive(Debug, Default)]
pub struct CommitPage {
    /// The commits.
    pub commits: Vec<Commit>,
    /// Whether there is more on the older side.
    pub has_older: bool,
    /// Whether there is more on the newer side.
    pub has_newer: bool,
    /// How far back messages were read, if that was not far enough to fill the page.
    pub searched_to: Option<CommitKey>,
}

/// A page of about `limit` commits, of a search if `words` are given.
pub async fn page(
    store: &Store,
    question: &CommitQuestion,
    words: Option<&str>,
    limit: u64,
) -> Result<CommitPage, AnswerError> {
    let upwards = question.range.after.is_some() && question.range.before.is_none();
    // One more than is shown tells whether there are more.
    let mut page = match words.map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => search(store, question, words, limit + 1).await?,
        None => CommitPage { commits: find(store, question, limit + 1).await?, ..CommitPage::default() },
    };
    page.commits.sort_by_cached_key(|commit| std::cmp::Reverse((commit.key(), commit.repository_id.clone())));
    let more = cut(&mut page.commits, limit as usize, upwards);
    (page.has_older, page.has_newer) = if upwards { (true, more) } else { (more, question.range.before.is_some()) };
    if page.has_older {
        page.searched_to = None;
    }
    Ok(page)
}

/// Keeps about `limit` commits, the oldest or the newest, and all that share a key with the last of them: the next page
/// begins at another key. Whether any were cut off.
fn cut(commits: &mut Vec<Commit>, limit: usize, oldest: bool) -> bool {
    if oldest {
        commits.reverse();
    }
    let mut kept = limit.min(commits.len());
    while kept > 0 && kept < commits.len() && commits[kept].key() == commits[kept - 1].key() {
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
async fn search(store: &Store, question: &CommitQuestion, words: &str, limit: u64) -> Result<CommitPage, AnswerError> {
    let (from, to) = commit_range::of_commits(store, &question.range).await?;
    let end = to.unwrap_or_else(|| store.clock.newest_commit_key());
    let floor = end.earlier(SEARCHED);
    let begin = from.unwrap_or(CommitKey::FIRST).max(floor);
    let words: Vec<&str> = words.split_whitespace().take(MAX_WORDS).collect();
    let mut page = CommitPage::default();
    let asked = asked(store, &question.repositories).await?;
    if let [word] = words[..] {
        let is_asked = |commit: &Commit| {
            (question.branches.is_empty() || question.branches.contains(&commit.branch))
                && commit.key() <= end
                && from.is_none_or(|from| commit.key() >= from)
        };
        let ids: Vec<&str> = asked.iter().map(|repository| repository.id.as_str()).collect();
        page.commits.extend(reads::named(store, &ids, word, limit).await?.into_iter().filter(is_asked));
    }
    let branches = question.branches_of(&asked);
    page.commits.extend(reads::worded(store, &branches, (begin, end), &words, limit).await?);
    page.commits.sort_by_cached_key(|commit| (commit.key(), commit.repository_id.clone(), commit.branch.clone()));
    page.commits.dedup();
    page.searched_to = (begin == floor && floor > CommitKey::FIRST).then_some(floor);
    Ok(page)
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
