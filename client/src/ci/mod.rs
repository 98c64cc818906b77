//! What CIs say of a run in environment variables: one file a CI.

mod azure;
mod buildbot;
mod buildkite;
mod circleci;
mod github;
mod gitlab;
mod jenkins;
mod woodpecker;

use reports::document::{Change, Shard};

use crate::environment::Environment;

/// What a CI says of the run. What it does not say is asked of git, or given by options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CiRun {
    /// The CI.
    pub(crate) name: &'static str,
    /// Hash of the commit that was checked out.
    pub(crate) commit: Option<String>,
    /// The branch; of a change, the branch that the change comes from.
    pub(crate) branch: Option<String>,
    /// The change under review that the run belongs to.
    pub(crate) change: Option<Change>,
    /// Hash of the commit that the change is based on.
    pub(crate) base: Option<String>,
    /// The repository's name.
    pub(crate) repository: Option<String>,
    /// The run's page.
    pub(crate) link: Option<String>,
    /// The run's id, the same for all its parts.
    pub(crate) id: Option<String>,
    /// Which of several parallel parts this is.
    pub(crate) shard: Option<Shard>,
    /// Members of `details` beside the link.
    pub(crate) details: Vec<(&'static str, String)>,
}

type Detect = fn(&Environment) -> Option<CiRun>;

/// Woodpecker calls its variables like GitLab, whose own one is therefore asked for first.
const CIS: [Detect; 8] = [
    github::detect,
    gitlab::detect,
    buildkite::detect,
    circleci::detect,
    azure::detect,
    woodpecker::detect,
    jenkins::detect,
    buildbot::detect,
];

/// What the CI says in whose environment this process runs; none outside any.
pub(crate) fn detect(environment: &Environment) -> Option<CiRun> {
    let mut run = CIS.iter().find_map(|detect| detect(environment))?;
    let of = run.id.clone();
    // A run that is not divided is no part of another.
    run.shard = run.shard.filter(|shard| shard.count > 1).map(|shard| Shard { of, ..shard });
    Some(run)
}

/// A part, counted from 1.
fn shard(index: Option<u32>, count: Option<u32>) -> Option<Shard> {
    let (index, count) = index.zip(count)?;
    (1..=count).contains(&index).then_some(Shard { index, count, of: None })
}

/// A change with the authors that are known of it.
fn change(id: Option<&str>, authors: &[Option<&str>]) -> Option<Change> {
    let id = id.filter(|id| *id != "false")?.to_owned();
    let mut known: Vec<String> = authors.iter().flatten().map(|author| (*author).to_owned()).collect();
    known.dedup();
    Some(Change { id, authors: known, base: None })
}

/// The last part of a repository's address or full name, without `.git`.
pub(crate) fn repository_name(address: &str) -> Option<String> {
    let path = address.trim_end_matches('/').trim_end_matches(".git");
    let name = path.rsplit(['/', ':']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Both parts of an author written as `Name <e-mail>`, or the whole.
fn author_parts(author: Option<&str>) -> [Option<&str>; 2] {
    match author.and_then(|author| author.strip_suffix('>')?.split_once('<')) {
        Some((name, email)) => [Some(name.trim()).filter(|name| !name.is_empty()), Some(email)],
        None => [author, None],
    }
}

#[cfg(test)]
mod tests;
