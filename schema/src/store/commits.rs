//! Looks commits up by how people spell them; the intake and the query service must agree on that.
//!
//! Table `commits` has a row for each registration that says something else of a commit. Reads group the rows by place
//! and join them with [`merged`], so that a limit counts places.

use clickhouse::Client;
use clickhouse::error::{Error, Result};

use crate::commit::{AFTER_HEX, Commit};
use crate::run_notes::CHANGE_BRANCHES;

/// The column that a statement selects whose rows are grouped by [`PLACE`]: the documents of a place's registrations,
/// oldest first. Registrations of one moment are ordered by their texts.
pub const REGISTRATIONS: &str = "arrayMap(it -> it.2, arraySort(groupArray((version, document)))) AS registrations";
/// The columns that a statement groups by: those of one place of a repository's branch.
pub const PLACE: &str = "repository, branch, uuid";

/// The commits of each place, in the order of the places; `places` are rows of [`REGISTRATIONS`].
pub fn merged(places: &[Vec<String>]) -> serde_json::Result<Vec<Commit>> {
    let mut commits = Vec::with_capacity(places.len());
    for registrations in places {
        let read = registrations.iter().map(|document| serde_json::from_str(document));
        let registrations: Vec<Commit> = read.collect::<serde_json::Result<_>>()?;
        commits.extend(Commit::merged(registrations.into_iter()));
    }
    Ok(commits)
}

/// Among which commits of a repository a reference names some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among<'a> {
    /// Those of all branches but the ones of changes under review ([`CHANGE_BRANCHES`]): whoever may upload for a change could
    /// otherwise take the name of a commit that is, or will be, on another branch.
    Branches,
    /// Those of one branch.
    Branch(&'a str),
    /// All.
    All,
}

/// The commits of some repositories that `reference` names, at most `limit` of each, ordered by spelling.
///
/// [`Commit::is_named_by`] says when a reference names a commit.
pub async fn by_reference(
    client: &Client,
    repositories: &[&str],
    reference: &str,
    among: Among<'_>,
    limit: u64,
) -> Result<Vec<Commit>> {
    let reference = reference.to_lowercase();
    if reference.is_empty() {
        return Ok(Vec::new());
    }
    let (from, to) = if reference.bytes().all(|byte| byte.is_ascii_digit()) {
        let revision = format!("r{}", reference.trim_start_matches('0'));
        (revision.clone(), revision)
    } else {
        (reference.clone(), format!("{reference}{AFTER_HEX}"))
    };
    let (on_branch, branch) = match among {
        Among::Branches => ("NOT startsWith(branch, ?)", CHANGE_BRANCHES),
        Among::Branch(branch) => ("branch = ?", branch),
        Among::All => ("startsWith(branch, ?)", ""),
    };
    let condition = format!(
        "repository IN ? AND (repository, branch, uuid) IN (SELECT repository, branch, uuid FROM commit_names \
         WHERE repository IN ? AND name BETWEEN ? AND ? AND {on_branch} ORDER BY name LIMIT ? BY repository)"
    );
    let mut found = select(client, &condition, |query| {
        query.bind(repositories).bind(repositories).bind(&from).bind(&to).bind(branch).bind(limit)
    })
    .await?;
    // A commit that was registered again may have another identifier now.
    found.retain(|commit| commit.is_named_by(&reference));
    let spelling = |commit: &Commit| commit.names().filter(|name| *name >= from).min();
    found.sort_by_cached_key(|commit| (spelling(commit), commit.branch.clone(), commit.uuid()));
    Ok(found)
}

/// The commits that meet a condition, whose placeholders `bind` fills.
pub async fn select(
    client: &Client,
    condition: &str,
    bind: impl FnOnce(clickhouse::query::Query) -> clickhouse::query::Query,
) -> Result<Vec<Commit>> {
    let query = format!("SELECT {REGISTRATIONS} FROM commits WHERE {condition} GROUP BY {PLACE} ORDER BY {PLACE}");
    let places: Vec<Vec<String>> = bind(client.query(&query)).fetch_all().await?;
    merged(&places).map_err(|error| Error::Other(Box::new(error)))
}

/// Repositories that registered commits made known, sorted.
pub async fn repositories(client: &Client) -> Result<Vec<String>> {
    client.query("SELECT repository FROM repositories ORDER BY repository").fetch_all().await
}
