//! Who owns a test: the CODEOWNERS or TESTOWNERS file of the checkout, read as GitHub and GitLab do.

use std::fs;
use std::path::{Path, PathBuf};

use schema::owners::OwnersFile;

/// Where such a file may lie; the first that is there counts.
const FOLDERS: [&str; 4] = [".github", "", "docs", ".gitlab"];

/// The file of this name of a checkout.
pub(crate) fn found_in(top: &Path, name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| top.join(folder).join(name)).find(|path| path.is_file())
}

/// The owners of files.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// Those of tests, which go before those of all files.
    files: Vec<OwnersFile>,
    top: PathBuf,
    /// The working folder below the checkout.
    working: PathBuf,
}

impl Owners {
    /// What the files of a checkout say; `working` is the folder that relative paths of reports may start from.
    pub(crate) fn of_checkout(top: &Path, working: &Path) -> Self {
        let read = |name: &str| {
            let text = fs::read_to_string(found_in(top, name)?).ok()?;
            Some(OwnersFile::parse(&text))
        };
        let working = working.strip_prefix(top).map(Path::to_path_buf).unwrap_or_default();
        Self {
            files: ["TESTOWNERS", "CODEOWNERS"].into_iter().filter_map(read).collect(),
            top: top.to_path_buf(),
            working,
        }
    }

    /// The owners of the file that a report names.
    pub(crate) fn of(&self, file: &str) -> Vec<String> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let file = file.trim_start_matches("./").replace('\\', "/");
        let below =
            Path::new(&file).strip_prefix(&self.top).map(Path::to_path_buf).unwrap_or_else(|_| file.clone().into());
        let from_working = self.working.join(&below);
        let path = if self.top.join(&from_working).exists() { from_working } else { below };
        let path = path.to_string_lossy();
        self.files.iter().filter_map(|owners| owners.of(&path)).find(|owners| !owners.is_empty()).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_are_looked_for_below_the_working_folder_and_tests_have_their_own_owners() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        fs::create_dir_all(top.join("web/tests")).unwrap();
        fs::create_dir(top.join(".github")).unwrap();
        fs::write(top.join("web/tests/a.py"), "").unwrap();
        fs::write(top.join(".github/CODEOWNERS"), "/web/ @web\n/tests/ @core\n").unwrap();
        fs::write(top.join("TESTOWNERS"), "/web/tests/b.py @ada\n").unwrap();
        let owners = Owners::of_checkout(top, &top.join("web"));
        assert_eq!(owners.of("tests/a.py"), ["@web"]);
        assert_eq!(owners.of("tests/b.py"), ["@core"]);
        assert_eq!(owners.of("web/tests/b.py"), ["@ada"]);
        assert_eq!(owners.of(&top.join("web/tests/a.py").to_string_lossy()), ["@web"]);
        assert!(Owners::of_checkout(&top.join("web"), top).of("tests/a.py").is_empty());
    }
}
