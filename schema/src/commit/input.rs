//! What an upload or a registration says of a commit: the whole of it, or only a name to look it up by.

use serde_json::{Map, Value};

use super::{Author, Commit, DEFAULT_BRANCHES, ORDERS};
use crate::plain::is_plain;
use crate::run_notes::CHANGE_BRANCHES;

/// Git keeps a branch in a file of its name, and no path is longer.
const MAX_BRANCH_BYTES: usize = 4096;

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
        /// The branch of a change under review ([`CHANGE_BRANCHES`]) that the commit is on. Other branches are not told apart:
        /// the wire contract passes them over.
        change: Option<String>,
    },
}

/// Why something defines no commit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text}")]
pub struct CommitError {
    text: String,
    /// Which member keeps it from being complete.
    pub incomplete: Option<&'static str>,
}

impl CommitError {
    /// An error with a text of the wire contract.
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), incomplete: None }
    }
}

const REFERENCES: [&str; 5] = ["id", "ref", "hash", "revision", "identifier"];
const DEFINING: [&str; 4] = ["timestamp", "order", "committer", "message"];

/// The store counts seconds in 32 bits: the year 2106.
const MAX_TIMESTAMP: i64 = u32::MAX as i64;

impl CommitInput {
    /// Reads one commit, complete or a reference; `default_branch` is what main, master and trunk are stored as.
    ///
    /// # Errors
    /// It is neither.
    pub fn from_json(value: &Value, default_branch: &str) -> Result<Self, CommitError> {
        let members = value.as_object().ok_or_else(|| CommitError::new("A commit must be a json object"))?;
        match complete(members, default_branch) {
            Ok(commit) => Ok(Self::Complete(commit)),
            Err(incomplete) => {
                reference(members).map_err(|error| CommitError { incomplete: Some(incomplete), ..error })
            }
        }
    }
}

impl CommitInput {
    /// Id of its repository.
    pub fn repository_id(&self) -> &str {
        match self {
            Self::Complete(commit) => &commit.repository_id,
            Self::Reference { repository_id, .. } => repository_id,
        }
    }

    /// The same commit by its name alone, which somebody else has to have registered: by its hash, else by its revision or
    /// identifier.
    #[must_use]
    pub fn into_reference(self) -> Self {
        match self {
            Self::Complete(Commit { repository_id, hash, revision, identifier, .. }) => {
                let reference = hash.or_else(|| revision.map(|number| format!("r{number}"))).or(identifier);
                Self::Reference { repository_id, reference: reference.unwrap_or_default(), change: None }
            }
            reference @ Self::Reference { .. } => reference,
        }
    }
}

fn reference(members: &Map<String, Value>) -> Result<CommitInput, CommitError> {
    let present = |name: &&&str| members.get(**name).is_some_and(|value| !value.is_null());
    let Some(repository_id) = members.get("repository_id").and_then(Value::as_str) else {
        return Err(CommitError::new("'repository_id' required to define commit"));
    };
    let named: Vec<&&str> = REFERENCES.iter().filter(present).collect();
    let name = match named.as_slice() {
        [] => return Err(CommitError::new("No commit reference specified")),
        [name] => **name,
        _ => return Err(CommitError::new("Multiple commit references specified")),
    };
    if DEFINING.iter().any(|name| members.contains_key(*name)) {
        return Err(CommitError::new(
            "Not enough arguments provided to define a commit, but too many to search for a commit",
        ));
    }
    let known = |name: &str| name == "repository_id" || name == "branch" || REFERENCES.contains(&name);
    if let Some(unknown) = members.keys().find(|name| !known(name)) {
        return Err(CommitError::new(format!("'{unknown}' is not valid for defining commits")));
    }
    let reference = match &members[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let branch = members.get("branch").and_then(Value::as_str).filter(|branch| branch.starts_with(CHANGE_BRANCHES));
    let (repository_id, change) = (repository_id.to_owned(), branch.map(str::to_owned));
    Ok(CommitInput::Reference { repository_id, reference, change })
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn complete(members: &Map<String, Value>, default_branch: &str) -> Result<Commit, &'static str> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let canonical = |branch: &str| {
        if DEFAULT_BRANCHES.contains(&branch) { default_branch.to_owned() } else { branch.to_owned() }
    };
    let repository_id = text("repository_id").ok_or("'repository_id' is a text")?.to_owned();
    let timestamp = members
        .get("timestamp")
        .and_then(integer)
        .filter(|seconds| (1..=MAX_TIMESTAMP).contains(seconds))
        .ok_or("'timestamp' is the time of the commit, seconds from 1970 to 2106")?;
    let order = members.get("order").map_or(Some(0), integer).filter(|order| (0..ORDERS).contains(order));
    let order = order.ok_or("'order' is a number from 0 to 99")?;
    let branch = canonical(text("branch").ok_or("'branch' is a text")?);
    if branch.len() > MAX_BRANCH_BYTES || branch == CHANGE_BRANCHES || !is_plain(&branch) {
        return Err("'branch' is the name of a branch: a line of at most 4096 bytes, and more than `change/`");
    }

    let (mut hash, mut revision) = (text("hash").map(str::to_owned), members.get("revision").and_then(revision_number));
    if let Some(id) = members.get("id") {
        match revision_number(id) {
            Some(number) => revision = Some(number),
            None => hash = Some(id.as_str().ok_or("'id' is a hash or a revision")?.to_owned()),
        }
    }
    if hash.is_none() && revision.is_none() {
        return Err("it has neither a 'hash' nor a 'revision'");
    }
    if let Some(hash) = &mut hash {
        if hash.is_empty() || hash.len() > 40 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("'hash' has 1 to 40 hexadecimal digits");
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
                return Err("'identifier' is a number, or two with a dot, and may end with @ and the commit's branch");
            }
            Some(format!("{number}@{branch}"))
        }
    };
    Ok(Commit {
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
            Some(value) => Some(author(value).ok_or("'author' is a text, or an object with a name")?),
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
            assert_eq!(CommitInput::from_json(&body, "main").unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn what_keeps_a_commit_from_being_complete_is_told() {
        let whole =
            json!({"repository_id": "w", "branch": "main", "timestamp": 1_700_000_000, "hash": "ab", "order": 0});
        assert!(matches!(CommitInput::from_json(&whole, "main"), Ok(CommitInput::Complete(_))));
        for (member, value, said) in [
            ("hash", json!("xyz"), "hexadecimal"),
            ("timestamp", json!("yesterday"), "'timestamp'"),
            ("order", json!(100), "'order'"),
            ("branch", json!(""), "'branch'"),
            ("branch", json!("change/"), "'branch'"),
            ("branch", json!("a\nb"), "'branch'"),
            ("branch", json!("ma\u{202e}in"), "'branch'"),
            ("branch", json!("b".repeat(4097)), "'branch'"),
            ("identifier", json!("7@other"), "'identifier'"),
            ("author", json!(7), "'author'"),
        ] {
            let mut commit = whole.clone();
            commit[member] = value;
            let incomplete = CommitInput::from_json(&commit, "main").unwrap_err().incomplete.unwrap();
            assert!(incomplete.contains(said), "{member}: {incomplete}");
        }
    }
}
