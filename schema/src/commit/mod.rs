//! Commits: how they are written on the wire, checked, identified, and joined from several registrations ([`Commit::merged`]).

mod merge;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::CommitKey;

pub use merge::position_of;

/// A commit of one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The repository's id.
    pub repository_id: String,
    /// The branch it is on.
    pub branch: String,
    /// Commit time, seconds since the Unix epoch.
    pub timestamp: i64,
    /// Separates commits of one second, 0 to 99.
    #[serde(default)]
    pub order: i64,
    /// Up to 40 hexadecimal digits, lower case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hash: Option<String>,
    /// Revision number of the repository.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<i64>,
    /// `N@branch`, or `P.N@branch` for the N-th commit after branch point P.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identifier: Option<String>,
    /// The commit's message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<Author>,
}

/// Who wrote a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Name, or the e-mail address if no name is known.
    pub name: String,
    /// Known e-mail addresses.
    pub emails: Vec<String>,
}

/// What a member of an upload's `commits`, or the body of a registration, turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitInput {
    /// Complete; its order is the one it asks for (0 if it names none), which another commit may have.
    Complete(Commit),
    /// Names a commit that is known already.
    Reference {
        /// Where to look.
        repository_id: String,
        /// Hash prefix, revision or identifier.
        reference: String,
    },
}

/// Why something defines no commit; texts as the wire contract has them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct CommitError(pub String);

/// Branches that all mean a repository's default branch.
pub const DEFAULT_BRANCHES: [&str; 3] = ["main", "master", "trunk"];

const REFERENCES: [&str; 5] = ["id", "ref", "hash", "revision", "identifier"];
const DEFINING: [&str; 4] = ["timestamp", "order", "committer", "message"];

impl Commit {
    /// `timestamp·100 + order`.
    pub fn uuid(&self) -> u64 {
        (self.timestamp * 100 + self.order).max(0) as u64
    }

    /// The commit's place in time.
    pub fn key(&self) -> CommitKey {
        CommitKey(self.uuid())
    }

    /// Identifier, else `r<revision>`, else the first 12 digits of the hash.
    pub fn short_name(&self) -> String {
        self.identifier
            .clone()
            .or_else(|| self.revision.map(|revision| format!("r{revision}")))
            .or_else(|| self.hash.as_ref().map(|hash| hash.chars().take(12).collect()))
            .unwrap_or_default()
    }

    /// Every spelling it can be looked up by, in lower case: hash, `r<revision>`, identifier.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let revision = self.revision.map(|revision| format!("r{revision}"));
        [self.hash.clone(), revision, self.identifier.as_ref().map(|identifier| identifier.to_lowercase())]
            .into_iter()
            .flatten()
    }

    /// Whether a reference, in lower case, names it: a revision if it is digits alone; else a spelling S with
    /// reference ≤ S ≤ reference+`g` bytewise, which is any prefix of a hash.
    pub fn is_named_by(&self, reference: &str) -> bool {
        if reference.bytes().all(|byte| byte.is_ascii_digit()) {
            return reference.parse() == Ok(self.revision.unwrap_or_default());
        }
        let end = format!("{reference}{AFTER_HEX}");
        self.names().any(|name| name.as_str() >= reference && name <= end)
    }
}

/// The bytewise end of a prefix match over hashes, revisions and identifiers.
pub const AFTER_HEX: char = 'g';

/// What the runs of a default branch are stored under.
pub const DEFAULT_BRANCH_KEY: &str = "default";

/// The key under which runs of a branch are stored: one key for a default branch, whatever it is called.
pub fn branch_key(branch: Option<&str>) -> &str {
    match branch {
        None => DEFAULT_BRANCH_KEY,
        Some(branch) if DEFAULT_BRANCHES.contains(&branch) => DEFAULT_BRANCH_KEY,
        Some(branch) => branch,
    }
}

/// Where a run stands among the commits that it ran on: at the newest. 0 if it names none.
pub fn run_uuid(commits: &[Commit]) -> u64 {
    commits.iter().map(Commit::uuid).max().unwrap_or_default()
}

/// The branch key of a run: its commits' branches other than the default ones, or `default`.
pub fn branch_keys(commits: &[Commit]) -> Vec<String> {
    let mut keys: Vec<String> = commits
        .iter()
        .map(|commit| commit.branch.clone())
        .filter(|branch| !DEFAULT_BRANCHES.contains(&branch.as_str()))
        .collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        keys.push(DEFAULT_BRANCH_KEY.to_owned());
    }
    keys
}

impl CommitInput {
    /// Reads one commit, complete or a reference; `default_branch` is what main, master and trunk are stored as.
    pub fn from_json(value: &Value, default_branch: &str) -> Result<Self, CommitError> {
        let members = value.as_object().ok_or_else(|| CommitError("A commit must be a json object".into()))?;
        if let Some(commit) = complete(members, default_branch) {
            return Ok(Self::Complete(commit));
        }
        reference(members)
    }
}

fn reference(members: &Map<String, Value>) -> Result<CommitInput, CommitError> {
    let present = |name: &&&str| members.get(**name).is_some_and(|value| !value.is_null());
    let Some(repository_id) = members.get("repository_id").and_then(Value::as_str) else {
        return Err(CommitError("'repository_id' required to define commit".into()));
    };
    let named: Vec<&&str> = REFERENCES.iter().filter(present).collect();
    let name = match named.as_slice() {
        [] => return Err(CommitError("No commit reference specified".into())),
        [name] => **name,
        _ => return Err(CommitError("Multiple commit references specified".into())),
    };
    if DEFINING.iter().any(|name| members.contains_key(*name)) {
        return Err(CommitError(
            "Not enough arguments provided to define a commit, but too many to search for a commit".into(),
        ));
    }
    let known = |name: &str| name == "repository_id" || name == "branch" || REFERENCES.contains(&name);
    if let Some(unknown) = members.keys().find(|name| !known(name)) {
        return Err(CommitError(format!("'{unknown}' is not valid for defining commits")));
    }
    let reference = match &members[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Ok(CommitInput::Reference { repository_id: repository_id.to_owned(), reference })
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Orders that a second has: commits of one second have different ones, from 0 on.
pub const ORDERS: i64 = 100;

/// The store counts seconds in 32 bits: the year 2106.
const MAX_TIMESTAMP: i64 = u32::MAX as i64;

fn complete(members: &Map<String, Value>, default_branch: &str) -> Option<Commit> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let canonical = |branch: &str| {
        if DEFAULT_BRANCHES.contains(&branch) { default_branch.to_owned() } else { branch.to_owned() }
    };
    let repository_id = text("repository_id")?.to_owned();
    let timestamp = integer(members.get("timestamp")?).filter(|seconds| (1..=MAX_TIMESTAMP).contains(seconds))?;
    let order = members.get("order").map_or(Some(0), integer).filter(|order| (0..ORDERS).contains(order))?;
    let branch = canonical(text("branch")?);

    let (mut hash, mut revision) = (text("hash").map(str::to_owned), members.get("revision").and_then(revision_number));
    if let Some(id) = members.get("id") {
        match revision_number(id) {
            Some(number) => revision = Some(number),
            None => hash = Some(id.as_str()?.to_owned()),
        }
    }
    if hash.is_none() && revision.is_none() {
        return None;
    }
    if let Some(hash) = &mut hash {
        if hash.is_empty() || hash.len() > 40 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        hash.make_ascii_lowercase();
    }
    let identifier = match members.get("identifier").filter(|value| !value.is_null()) {
        None => None,
        Some(value) => {
            let spelled = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (number, of) = spelled.split_once('@').unwrap_or((&spelled, &branch));
            let parts: Vec<&str> = number.split('.').collect();
            let numeric = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
            if !numeric || parts.len() > 2 || canonical(of) != branch {
                return None;
            }
            Some(format!("{number}@{branch}"))
        }
    };
    Some(Commit {
        repository_id,
        branch,
        timestamp,
        order,
        hash,
        revision,
        identifier,
        message: text("message").map(str::to_owned),
        author: match members.get("author").or_else(|| members.get("committer")) {
            None | Some(Value::Null) => None,
            Some(value) => Some(author(value)?),
        },
    })
}

/// `[rR]?\d{1,10}` as a positive number.
fn revision_number(value: &Value) -> Option<i64> {
    let number = match value {
        Value::String(text) => {
            let digits = text.strip_prefix(['r', 'R']).unwrap_or(text);
            if digits.is_empty() || digits.len() > 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            digits.parse().ok()?
        }
        other => other.as_i64()?,
    };
    (number > 0).then_some(number)
}

fn author(value: &Value) -> Option<Author> {
    match value {
        Value::String(text) => Some(Author {
            name: text.clone(),
            emails: if text.contains('@') { vec![text.clone()] } else { Vec::new() },
        }),
        Value::Object(members) => {
            let mut emails: Vec<String> = members
                .get("emails")
                .and_then(Value::as_array)
                .map(|emails| emails.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default();
            emails.extend(members.get("email").and_then(Value::as_str).map(str::to_owned));
            Some(Author { name: members.get("name")?.as_str()?.to_owned(), emails })
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_a_complete_commit_in_the_default_branch_s_spelling() {
        let body = json!({"repository_id": "webkit", "branch": "trunk", "timestamp": "1700000000", "id": "r300000", "identifier": "1000@trunk"});
        let CommitInput::Complete(commit) = CommitInput::from_json(&body, "main").unwrap() else {
            panic!("not complete")
        };
        assert_eq!(
            (commit.branch.as_str(), commit.revision, commit.identifier.as_deref()),
            ("main", Some(300_000), Some("1000@main"))
        );
        assert_eq!(commit.uuid(), 170_000_000_000);
        assert_eq!(commit.short_name(), "1000@main");
    }

    #[test]
    fn reports_errors_in_the_contract_s_order() {
        for (body, text) in [
            (json!({"id": "a"}), "'repository_id' required to define commit"),
            (json!({"repository_id": "w", "id": "a", "ref": "b"}), "Multiple commit references specified"),
            (json!({"repository_id": "w"}), "No commit reference specified"),
            (
                json!({"repository_id": "w", "id": "a", "order": 1}),
                "Not enough arguments provided to define a commit, but too many to search for a commit",
            ),
            (json!({"repository_id": "w", "id": "a", "x": 1}), "'x' is not valid for defining commits"),
        ] {
            assert_eq!(CommitInput::from_json(&body, "main").unwrap_err().0, text);
        }
    }

    #[test]
    fn branch_keys_leave_default_branches_out() {
        let on = |branch: &str| Commit {
            repository_id: "w".into(),
            branch: branch.into(),
            timestamp: 1,
            order: 0,
            hash: None,
            revision: Some(1),
            identifier: None,
            message: None,
            author: None,
        };
        assert_eq!(branch_keys(&[on("main")]), ["default"]);
        assert_eq!(branch_keys(&[on("main"), on("b"), on("a")]), ["a", "b"]);
    }
}
