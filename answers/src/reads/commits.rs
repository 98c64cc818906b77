//! Reads commits: ranges of branches, keys, words of messages.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use clickhouse::Row;
use schema::commit::{Commit, DEFAULT_BRANCH_KEY, DEFAULT_BRANCHES};
use schema::ids::CommitKey;
use schema::store::commits::{Among, PLACE, REGISTRATIONS, by_reference, merged, repositories};
use serde::Deserialize;

use super::statement::Fragment;
use crate::error::{AnswerError, broken};
use crate::store::Store;

/// What holds a page of commits of most branches, weeks.
const FIRST_SPAN: u64 = 4;
/// A branch without commits is asked about three times, down to the year 1970.
const WIDER: u64 = 32;
/// The first word of a search may name the author alone.
const AUTHOR: &str = "author:";

/// Which end of a range is kept under a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The oldest commits.
    Oldest,
    /// The newest commits.
    Newest,
}

/// Branches of repositories, each as repository and branch. All are asked about in one statement: anybody who may upload can
/// make repositories known, so that a statement for each would take any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Branches(Vec<(String, String)>);

impl Branches {
    /// One branch of a repository.
    pub(crate) fn of(repository: &str, branch: &str) -> Self {
        std::iter::once((repository, branch)).collect()
    }

    /// The condition that a commit is on one of them.
    fn condition(&self) -> Fragment {
        Fragment::new(
            "repository IN {repositories} AND branch IN {branches} \
             AND (repository, branch) IN (SELECT arrayJoin(arrayZip({repositories}, {branches})))",
        )
        .list("repositories", self.0.iter().map(|(repository, _)| repository))
        .list("branches", self.0.iter().map(|(_, branch)| branch))
    }
}

impl<R: Into<String>, B: Into<String>> FromIterator<(R, B)> for Branches {
    fn from_iter<I: IntoIterator<Item = (R, B)>>(branches: I) -> Self {
        Self(branches.into_iter().map(|(repository, branch)| (repository.into(), branch.into())).collect())
    }
}

/// Commits of some branches between two keys, both inclusive; of each repository at most `limit`.
pub(crate) async fn between(
    store: &Store,
    branches: &Branches,
    (begin, end): (CommitKey, CommitKey),
    keep: Keep,
    limit: u64,
) -> Result<Vec<Commit>, AnswerError> {
    let order = if keep == Keep::Oldest { "uuid" } else { "uuid DESC" };
    let mut asked = branches.clone();
    let mut found = Vec::new();
    // The end that is kept is asked first: the store would read the whole range and then sort.
    let mut weeks = FIRST_SPAN;
    while !asked.0.is_empty() {
        let (from, to) = match keep {
            Keep::Oldest => (begin, end.min(later(begin, weeks))),
            Keep::Newest => (begin.max(end.weeks_earlier(weeks)), end),
        };
        let statement = Fragment::new(
            "SELECT {registrations} FROM commits WHERE {on_branches} AND uuid BETWEEN {from} AND {to} \
             GROUP BY {place} ORDER BY {order}, branch LIMIT {limit} BY repository",
        )
        .text("order", order)
        .part("on_branches", &asked.condition())
        .value("from", from)
        .value("to", to)
        .value("limit", limit);
        let is_all = (from, to) == (begin, end);
        let mut of_each: HashMap<String, Vec<Commit>> = HashMap::new();
        for commit in commits(store, statement).await? {
            let of_one = of_each.entry(commit.repository_id.clone()).or_default();
            // Commits of one place come together, and may be more than one.
            if (of_one.len() as u64) < limit {
                of_one.push(commit);
            }
        }
        let is_done =
            |repository: &String| is_all || of_each.get(repository).is_some_and(|of_one| of_one.len() as u64 >= limit);
        let (done, more): (Vec<_>, Vec<_>) = asked.0.into_iter().partition(|(repository, _)| is_done(repository));
        let done: BTreeSet<String> = done.into_iter().map(|(repository, _)| repository).collect();
        found.extend(done.iter().filter_map(|repository| of_each.remove(repository)).flatten());
        asked = Branches(more);
        weeks = weeks.saturating_mul(WIDER);
    }
    Ok(found)
}

fn later(key: CommitKey, weeks: u64) -> CommitKey {
    CommitKey(key.0.saturating_add(weeks.saturating_mul(schema::seconds::WEEK).saturating_mul(100)))
}

/// The commits of some repositories that one spelling names, of any branch; of each repository at most `limit`. Commits of
/// changes under review are named by it where no other of the repository is: a change that was merged as it was leaves its
/// commit on two branches.
pub(crate) async fn named(
    store: &Store,
    repositories: &[&str],
    name: &str,
    limit: u64,
) -> Result<Vec<Commit>, AnswerError> {
    let mut found = by_reference(&store.client, repositories, name, Among::Branches, limit).await?;
    let known: BTreeSet<&str> = found.iter().map(|commit| commit.repository_id.as_str()).collect();
    let others: Vec<&str> = repositories.iter().copied().filter(|repository| !known.contains(repository)).collect();
    if !others.is_empty() {
        found.extend(by_reference(&store.client, &others, name, Among::All, limit).await?);
    }
    Ok(found)
}

/// Ids of the repositories that registered commits made known, sorted.
pub(crate) async fn registered_repositories(store: &Store) -> Result<Vec<String>, AnswerError> {
    Ok(repositories(&store.client).await?)
}

/// The same as they were when the views were last looked at.
pub(crate) async fn remembered_repositories(store: &Store) -> Result<Arc<[String]>, AnswerError> {
    let read = async { Ok(registered_repositories(store).await?.into()) };
    match store.watermark.known() {
        Some(watermark) => store.known_repositories.get(watermark, read).await,
        None => read.await,
    }
}

/// Commits of exactly one key on one branch of a repository.
pub(crate) async fn at(
    store: &Store,
    repository: &str,
    branch: &str,
    key: CommitKey,
) -> Result<Vec<Commit>, AnswerError> {
    let statement = Fragment::new(
        "SELECT {registrations} FROM commits WHERE repository = {repository} AND branch = {branch} AND uuid = {key} \
         GROUP BY {place}",
    )
    .value("repository", repository)
    .value("branch", branch)
    .value("key", key);
    commits(store, statement).await
}

/// The commits of some keys: of those with the same key the last one is to be preferred.
pub(crate) async fn of_keys(store: &Store, keys: &BTreeSet<CommitKey>) -> Result<Vec<Commit>, AnswerError> {
    let (Some(oldest), Some(newest)) = (keys.first(), keys.last()) else { return Ok(Vec::new()) };
    let statement = Fragment::new(
        "SELECT {registrations} FROM commits WHERE uuid BETWEEN {oldest} AND {newest} AND uuid IN {keys} \
         GROUP BY {place} ORDER BY branch IN {default_branches}, repository DESC, branch DESC",
    )
    .value("oldest", *oldest)
    .value("newest", *newest)
    .list("keys", keys.iter().copied())
    .list("default_branches", DEFAULT_BRANCHES);
    commits(store, statement).await
}

/// Keys of the commits of a branch key between two keys, both inclusive, in any repository; the newest `most`.
pub(crate) async fn keys_of_branch(
    store: &Store,
    branch: &str,
    (begin, end): (CommitKey, CommitKey),
    most: u64,
) -> Result<Vec<CommitKey>, AnswerError> {
    let own = [branch];
    let branches: &[&str] = if branch == DEFAULT_BRANCH_KEY { &DEFAULT_BRANCHES } else { &own };
    let keys: Vec<u64> = Fragment::new(
        "SELECT DISTINCT uuid FROM commits WHERE branch IN {branches} AND uuid BETWEEN {begin} AND {end} \
         ORDER BY uuid DESC LIMIT {most}",
    )
    .list("branches", branches.iter().copied())
    .value("begin", begin)
    .value("end", end)
    .value("most", most)
    .all(&store.client)
    .await?;
    Ok(keys.into_iter().map(CommitKey).collect())
}

/// Keys of the commits of a branch.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct BranchKeys {
    pub(crate) repository: String,
    pub(crate) branch: String,
    pub(crate) keys: Vec<CommitKey>,
}

/// The same of some branches of repositories.
pub(crate) async fn keys_of_branches(
    store: &Store,
    branches: &Branches,
    (begin, end): (CommitKey, CommitKey),
    most: u64,
) -> Result<Vec<BranchKeys>, AnswerError> {
    Fragment::new(
        "SELECT repository, branch, groupArray(uuid) AS keys FROM (SELECT DISTINCT repository, branch, uuid FROM commits \
         WHERE {on_branches} AND uuid BETWEEN {begin} AND {end} ORDER BY uuid DESC LIMIT {most}) GROUP BY repository, branch",
    )
    .part("on_branches", &branches.condition())
    .value("begin", begin)
    .value("end", end)
    .value("most", most)
    .all(&store.client)
    .await
}

/// Branches of some repositories that start so, each as repository and branch, sorted; of each repository at most `limit`.
pub(crate) async fn branches(
    store: &Store,
    repositories: &[&str],
    prefix: &str,
    limit: u64,
) -> Result<Vec<(String, String)>, AnswerError> {
    Fragment::new(
        "SELECT DISTINCT repository, branch FROM commits WHERE repository IN {repositories} AND branch >= {prefix} \
         AND startsWith(branch, {prefix}) ORDER BY repository, branch LIMIT {limit} BY repository",
    )
    .list("repositories", repositories.iter().copied())
    .value("prefix", prefix)
    .value("limit", limit)
    .all(&store.client)
    .await
}

/// The newest commits of some branches of which every word is in the message or the author's names; of each repository at
/// most `limit`.
pub(crate) async fn worded(
    store: &Store,
    branches: &Branches,
    (begin, end): (CommitKey, CommitKey),
    words: &[&str],
    limit: u64,
) -> Result<Vec<Commit>, AnswerError> {
    // The last message counts: a corrected one is not found by its old words.
    let last = |read: &str, member: &str| {
        format!("argMaxIf({read}(document, '{member}'), (version, document), has_{member} = 1)")
    };
    let (message, author) = (last("JSONExtractString", "message"), last("JSONExtractRaw", "author"));
    let mut has_words = Fragment::new("1");
    for (number, word) in words.iter().enumerate() {
        let name = format!("word{number}");
        let has = |text: &str| format!("positionCaseInsensitiveUTF8({text}, {{{name}}}) > 0");
        has_words = match word.strip_prefix(AUTHOR) {
            Some(word) => has_words.and(&has(&author)).value(&name, word),
            None => has_words.and(&format!("({} OR {})", has(&message), has(&author))).value(&name, *word),
        };
    }
    let statement = Fragment::new(
        "SELECT {registrations} FROM commits WHERE {on_branches} AND uuid BETWEEN {begin} AND {end} \
         GROUP BY {place} HAVING {has_words} ORDER BY uuid DESC, branch LIMIT {limit} BY repository",
    )
    .part("has_words", &has_words)
    .part("on_branches", &branches.condition())
    .value("begin", begin)
    .value("end", end)
    .value("limit", limit);
    commits(store, statement).await
}

/// The commits of a statement that selects `{registrations}` and groups by `{place}`.
async fn commits(store: &Store, statement: Fragment) -> Result<Vec<Commit>, AnswerError> {
    let statement = statement.text("registrations", REGISTRATIONS).text("place", PLACE);
    let places: Vec<Vec<String>> = statement.all(&store.client).await?;
    merged(&places).map_err(broken)
}
