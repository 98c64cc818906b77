//! Who owns each test of a suite.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use schema::ids::TestId;
use schema::outcomes::owners::OwnedTests;
use schema::owners::{MAX_OWNERS, OwnersFile, is_owner, path_of};
use schema::retention::matches;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::renames::index::Renames;

/// One `[[owners]]` entry of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an entry with a suite, a pattern and owners")]
pub struct OwnerPattern {
    /// Suites that it is for: a name in which each `*` stands for any text; all suites if absent.
    pub suite: Option<String>,
    /// Names of tests, in which each `*` stands for any text.
    pub pattern: String,
    /// Who owns them; nobody if there are none.
    #[serde(deserialize_with = "owners")]
    pub owners: Vec<String>,
}

fn owners<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let owners = Vec::<String>::deserialize(deserializer)?;
    if let Some(wrong) = owners.iter().find(|owner| !is_owner(owner)) {
        return Err(D::Error::custom(format!("'{wrong}' is no owner: write a name, such as @team")));
    }
    Ok(owners)
}

/// A file of owners as it is asked.
#[derive(Debug, Default)]
pub(super) struct AskedFile {
    pub(super) rules: OwnersFile,
    /// The folder in which the tests lie.
    pub(super) folder: String,
}

/// A list of owners that runs name.
pub(super) struct SaidList {
    /// When the last of these runs started, seconds since 1970.
    pub(super) newest: u32,
    pub(super) parts: Vec<Arc<Vec<OwnedTests>>>,
}

/// Who owns each test of a suite: what the configuration says of it, else what the file says that somebody sent, else what
/// the newest run of the test says that names any owners.
#[derive(Debug, Default)]
pub struct OwnerIndex {
    suite: String,
    configured: Vec<OwnerPattern>,
    file: Arc<AskedFile>,
    /// What uploads say, by test.
    said: FxHashMap<TestId, Arc<[String]>>,
}

impl OwnerIndex {
    /// From all entries of the configuration, and lists of which the newest comes first.
    pub(super) fn new(
        suite: &str,
        entries: &[OwnerPattern],
        file: Arc<AskedFile>,
        lists: &[SaidList],
        renames: &Renames,
    ) -> Self {
        let is_meant = |entry: &&OwnerPattern| entry.suite.as_deref().is_none_or(|pattern| matches(pattern, suite));
        let mut said: FxHashMap<TestId, Arc<[String]>> = FxHashMap::default();
        for SaidList { newest, parts } in lists {
            for (owners, tests) in parts.iter().flat_map(|part| part.iter()) {
                let owners: Arc<[String]> = owners.as_slice().into();
                for test in tests {
                    said.entry(renames.current_id(*test, *newest)).or_insert_with(|| Arc::clone(&owners));
                }
            }
        }
        Self { suite: suite.to_owned(), configured: entries.iter().filter(is_meant).cloned().collect(), file, said }
    }

    /// The owners of a test, by the name that it has now.
    pub fn of(&self, test: &str) -> Vec<String> {
        let configured = self.configured.iter().rev().find(|entry| matches(&entry.pattern, test));
        if let Some(entry) = configured {
            return entry.owners.clone();
        }
        if !self.file.rules.is_empty()
            && let Some(owners) = self.file.rules.of(&path_of(&self.file.folder, test))
        {
            return owners.into_iter().filter(|owner| is_owner(owner)).take(MAX_OWNERS).collect();
        }
        self.said.get(&TestId::of(&self.suite, test)).map(|owners| owners.to_vec()).unwrap_or_default()
    }

    /// Whether nobody owns any test.
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.file.rules.is_empty() && self.said.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use schema::store::rows::RenameRow;

    fn entry(suite: Option<&str>, pattern: &str, owners: &[&str]) -> OwnerPattern {
        let owners = owners.iter().map(|owner| (*owner).to_owned()).collect();
        OwnerPattern { suite: suite.map(str::to_owned), pattern: pattern.to_owned(), owners }
    }

    fn list(newest: u32, owned: &[(&str, &[&str])]) -> SaidList {
        let tests = |(owners, tests): &(&str, &[&str])| {
            let owners = owners.split_whitespace().map(str::to_owned).collect();
            (owners, tests.iter().map(|test| TestId::of("s", test)).collect())
        };
        SaidList { newest, parts: vec![Arc::new(owned.iter().map(tests).collect())] }
    }

    fn file(text: &str, folder: &str) -> Arc<AskedFile> {
        Arc::new(AskedFile { rules: OwnersFile::parse(text), folder: folder.to_owned() })
    }

    #[test]
    fn the_configuration_counts_then_the_file_then_the_newest_run() {
        let entries = [
            entry(None, "css/*", &["@conf"]),
            entry(Some("s*"), "css/free/*", &[]),
            entry(Some("other"), "*", &["@other"]),
        ];
        let lists = [
            list(20, &[("@new", &["js/a", "css/a"]), ("", &["js/b"])]),
            list(10, &[("@old", &["js/a", "js/b", "js/c", "svg/a"])]),
        ];
        let index = OwnerIndex::new("s", &entries, file("/tests/svg/ @svg\n", "tests"), &lists, &Renames::default());
        let of = |test: &str| index.of(test).join(" ");
        assert_eq!([of("css/a"), of("css/free/a")], ["@conf", ""], "the last entry that matches counts");
        assert_eq!(of("svg/a"), "@svg");
        assert_eq!([of("js/a"), of("js/b"), of("js/c"), of("js/d")], ["@new", "", "@old", ""]);
        assert!(!index.is_empty() && OwnerIndex::default().is_empty());
    }

    #[test]
    fn what_was_said_of_a_test_before_it_was_renamed_goes_on() {
        let row = |from: &str, to: &str, at| RenameRow {
            suite: "s".into(),
            from_test: from.into(),
            to_test: to.into(),
            renamed_at: at,
            is_open: 1,
            recorded_at: 0,
            version: 0,
        };
        let renames = Renames::new("s", &[row("old", "new", 15)]);
        let said = |newest| {
            let lists = [list(newest, &[("@a", &["old"])])];
            let index = OwnerIndex::new("s", &[], Arc::default(), &lists, &renames);
            (index.of("old").join(" "), index.of("new").join(" "))
        };
        assert_eq!(said(10), (String::new(), "@a".to_owned()));
        assert_eq!(said(20), ("@a".to_owned(), String::new()));
    }

    #[test]
    fn an_entry_that_names_no_owner_is_an_error() {
        let read = |owners: serde_json::Value| {
            serde_json::from_value::<OwnerPattern>(serde_json::json!({ "pattern": "a", "owners": owners }))
        };
        assert!(read(serde_json::json!(["@a", "Ada L."])).is_ok() && read(serde_json::json!([])).is_ok());
        let error = read(serde_json::json!([" "])).unwrap_err().to_string();
        assert!(error.starts_with("' ' is no owner"), "{error}");
        assert!(serde_json::from_value::<OwnerPattern>(serde_json::json!({ "pattern": "a" })).is_err());
    }
}
