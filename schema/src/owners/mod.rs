//! Owners of tests: what somebody says of a suite, and how files of owners are read.
//!
//! A client reads the file of a checkout when it uploads ([`OwnersFile`]), or sends the file itself ([`SuiteOwners`]), which
//! answers then read in the same way.

mod file;
mod pattern;

use serde::{Deserialize, Serialize};

pub use file::{MAX_RULES, OwnersFile};

/// The longest text of a file that is taken, bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Owners of one test, and bytes of the name of one; what is beyond is left out.
pub const MAX_OWNERS: usize = 20;
/// See [`MAX_OWNERS`].
pub const MAX_OWNER_BYTES: usize = 200;

/// Who owns the tests of a suite, as a file of owners says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteOwners {
    /// The suite.
    pub suite: String,
    /// The text of the file; an empty one takes an earlier file back.
    pub text: String,
    /// The folder of the checkout in which the tests lie, without slashes around it: names of tests are paths below it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
}

/// Whether a text can name an owner.
pub fn is_owner(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_OWNER_BYTES && !text.chars().any(char::is_control)
}

/// The path of a test in a checkout, as rules of files are to match it: its name below a folder. The parts of names such as
/// `tests/a.py::test_b` are parts of a path, too.
pub fn path_of(folder: &str, test: &str) -> String {
    let name = test.replace("::", "/");
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_below_its_folder() {
        assert_eq!(path_of("", "a.html"), "a.html");
        assert_eq!(path_of("LayoutTests", "css/a.html"), "LayoutTests/css/a.html");
        assert_eq!(path_of("", "tests/a.py::T::b"), "tests/a.py/T/b");
    }

    #[test]
    fn an_owner_is_a_short_line() {
        assert!(is_owner("@org/team") && is_owner("ada@example.org") && is_owner("Ada L."));
        assert!(!is_owner(" ") && !is_owner("a\nb") && !is_owner(&"a".repeat(MAX_OWNER_BYTES + 1)));
    }
}
