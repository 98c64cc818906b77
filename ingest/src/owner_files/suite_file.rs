//! What the configuration says of the files that owners are read from.

use schema::results::MAX_NAME_BYTES;
use serde::Deserialize;

use crate::checks::owners::{folder_in_checkout, is_path};

/// Names of files of owners, the first of which counts, and folders in which one may lie.
const NAMES: [&str; 2] = ["TESTOWNERS", "CODEOWNERS"];
const FOLDERS: [&str; 4] = [".github/", "", "docs/", ".gitlab/"];
/// Files that an entry may name: a host may be asked about each.
const MAX_FILES: usize = 16;

/// In which file of a repository it is said who owns the tests of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Entry")]
pub struct SuiteFile {
    /// The suite.
    pub suite: String,
    /// The folder of a checkout in which the tests lie, without slashes around it; names of tests are paths below it.
    pub folder: String,
    /// Paths in a checkout, of which the first counts that there is; a few, and at least one.
    pub files: Vec<String>,
}

/// Why an entry makes no sense.
#[derive(Debug, thiserror::Error)]
enum EntryError {
    #[error("'{0}' is no suite: write its name")]
    Suite(String),
    #[error("'{0}' is a pattern, and a file of owners is of one suite: write its name, and an entry for each suite")]
    Pattern(String),
    #[error("'{0}' is no folder: write its path in a checkout, such as LayoutTests")]
    Folder(String),
    #[error("'{0}' is no file: write its path in a checkout, such as .github/CODEOWNERS")]
    File(String),
    #[error("files has to name a file, and {MAX_FILES} at most; without it the usual places are looked at")]
    Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an entry with a suite, and perhaps a folder and files")]
struct Entry {
    suite: String,
    #[serde(default)]
    folder: String,
    #[serde(default = "usual_places")]
    files: Vec<String>,
}

impl TryFrom<Entry> for SuiteFile {
    type Error = EntryError;

    fn try_from(Entry { suite, folder, files }: Entry) -> Result<Self, EntryError> {
        if !is_name(&suite) {
            return Err(EntryError::Suite(suite));
        }
        if suite.contains('*') {
            return Err(EntryError::Pattern(suite));
        }
        let Some(below) = folder_in_checkout(&folder) else { return Err(EntryError::Folder(folder)) };
        if files.is_empty() || files.len() > MAX_FILES {
            return Err(EntryError::Number);
        }
        if let Some(wrong) = files.iter().find(|file| !is_path(file)) {
            return Err(EntryError::File(wrong.clone()));
        }
        Ok(Self { suite, folder: below.to_owned(), files })
    }
}

/// The places at which files of owners are looked for, as in a checkout.
fn usual_places() -> Vec<String> {
    NAMES.iter().flat_map(|name| FOLDERS.iter().map(move |folder| format!("{folder}{name}"))).collect()
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(entry: serde_json::Value) -> Result<SuiteFile, String> {
        serde_json::from_value(entry).map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_names_a_suite_and_perhaps_where_it_and_its_file_lie() {
        let usual = read(json!({ "suite": "s" })).unwrap();
        assert_eq!((usual.folder.as_str(), usual.files.len()), ("", 8));
        assert_eq!([&usual.files[0], &usual.files[5]], [".github/TESTOWNERS", "CODEOWNERS"]);
        let given = read(json!({ "suite": "s", "folder": "/a/b/", "files": ["x/OWNERS"] })).unwrap();
        assert_eq!((given.folder.as_str(), given.files), ("a/b", vec!["x/OWNERS".to_owned()]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (entry, told) in [
            (json!({ "suite": " " }), "' ' is no suite"),
            (json!({ "suite": "*" }), "'*' is a pattern, and a file of owners is of one suite"),
            (json!({ "suite": "api-*" }), "'api-*' is a pattern"),
            (json!({ "suite": "s", "folder": "a/../b" }), "'a/../b' is no folder"),
            (json!({ "suite": "s", "files": ["/etc/passwd"] }), "'/etc/passwd' is no file"),
            (json!({ "suite": "s", "files": ["../CODEOWNERS"] }), "'../CODEOWNERS' is no file"),
            (json!({ "suite": "s", "files": [""] }), "'' is no file"),
            (json!({ "suite": "s", "files": ["a\nb"] }), "is no file"),
            (json!({ "suite": "s", "files": [] }), "files has to name a file"),
            (json!({ "suite": "s", "files": vec!["a"; 17] }), "16 at most"),
            (json!({ "folder": "a" }), "suite"),
            (json!({ "suite": "s", "file": "a" }), "unknown field `file`"),
        ] {
            let error = read(entry).unwrap_err();
            assert!(error.contains(told), "{told} in {error}");
        }
    }
}
