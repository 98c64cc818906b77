//! Files that a person names: a path, a pattern or a folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ReportError;
use crate::limits;

/// The files that an argument names, sorted: the file itself, what a pattern such as `**/TEST-*.xml` matches, or
/// what lies in a folder and those below it and has the name of a report.
///
/// # Errors
/// The argument names nothing, or more files than one run may have.
pub fn expand(argument: &str) -> Result<Vec<PathBuf>, ReportError> {
    let path = Path::new(argument);
    let mut files = if path.is_dir() {
        let mut files = Vec::new();
        walk(path, &mut files);
        files
    } else if path.exists() || !argument.contains(['*', '?', '[']) {
        return Ok(vec![path.to_owned()]);
    } else {
        matches(argument)
    };
    if files.len() > limits::FILES {
        return Err(ReportError::TooLarge { report: argument.to_owned(), limit: format!("{} files", limits::FILES) });
    }
    files.sort();
    if files.is_empty() { Err(ReportError::Nothing { pattern: argument.to_owned() }) } else { Ok(files) }
}

fn matches(pattern: &str) -> Vec<PathBuf> {
    let Ok(paths) = glob::glob(pattern) else { return Vec::new() };
    paths.flatten().filter(|path| path.is_file()).take(limits::FILES + 1).collect()
}

/// Links are not followed, so that no folder is walked twice.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, files);
        } else if kind.is_file() && may_be_report(&path.to_string_lossy()) && files.len() <= limits::FILES {
            files.push(path);
        }
    }
}

/// Whether a file inside a folder or an archive has the name of a report. What it is, its content tells.
pub(super) fn may_be_report(name: &str) -> bool {
    const ENDS: [&str; 8] = [".xml", ".json", ".jsonl", ".ndjson", ".tap", ".trx", ".log", ".txt"];
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::expand;

    #[test]
    fn paths_patterns_and_folders_name_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["b.xml", "a.xml", "sub/c.tap", "sub/picture.png", "d.json.gz"] {
            fs::write(path(name), "x").unwrap();
        }
        let names = |argument: &str| {
            let files = expand(&path(argument)).map_err(|error| error.to_string())?;
            Ok::<_, String>(
                files
                    .iter()
                    .map(|file| file.strip_prefix(folder.path()).unwrap().display().to_string())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(names("a.xml").unwrap(), ["a.xml"]);
        assert_eq!(names("*.xml").unwrap(), ["a.xml", "b.xml"]);
        assert_eq!(names("**/*.tap").unwrap(), ["sub/c.tap"]);
        assert_eq!(names("").unwrap(), ["a.xml", "b.xml", "d.json.gz", "sub/c.tap"]);
        assert_eq!(names("missing.xml").unwrap(), ["missing.xml"]);
        assert!(names("*.trx").unwrap_err().contains("names no report"));
    }
}
