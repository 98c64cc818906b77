//! The reports that a command writes: told from those that were there before by what changed at their places.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::collect::Reports;

/// Where runners write their reports, for who does not say where.
const USUAL: [&str; 8] = [
    "junit*.xml",
    "report.xml",
    "test-results/**/*.xml",
    "test-reports/**/*.xml",
    "reports/**/*.xml",
    "**/surefire-reports/TEST-*.xml",
    "**/build/test-results/**/TEST-*.xml",
    "target/nextest/**/junit.xml",
];
/// How much older a report is made to look. Clocks of file systems stand still for some milliseconds, some for two seconds.
const OLDER: Duration = Duration::from_secs(10);

/// Files by path, with what tells whether they were written again: time and size.
pub(crate) type Snapshot = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Where a command writes its reports: files, patterns or folders; where runners usually do if there are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReportPlaces<'a>(pub(crate) &'a [String]);

impl ReportPlaces<'_> {
    /// The files that are there now.
    pub(crate) fn snapshot(self) -> Snapshot {
        let patterns: Vec<&str> =
            if self.0.is_empty() { USUAL.to_vec() } else { self.0.iter().map(String::as_str).collect() };
        let files = patterns.into_iter().filter_map(|pattern| reports::expand(pattern).ok()).flatten();
        let state = |path: PathBuf| {
            let metadata = fs::metadata(&path).ok()?;
            Some((path, (metadata.modified().ok(), metadata.len())))
        };
        files.filter_map(state).collect()
    }

    /// The reports that were written since a snapshot.
    pub(crate) fn written_since(self, before: &Snapshot) -> Reports {
        let fresh = self.snapshot().into_iter().filter(|(path, state)| before.get(path) != Some(state));
        // A pattern may name files that are no reports; a path may not.
        let by_itself = |path: PathBuf| {
            let by_itself = self.0.iter().any(|given| path.as_os_str() == given.as_str());
            (path, by_itself)
        };
        let files: Vec<(PathBuf, bool)> = fresh.map(|(path, _)| by_itself(path)).collect();
        let mut errors = Vec::new();
        if files.is_empty() {
            let place = if self.0.is_empty() {
                "where runners usually do".to_owned()
            } else {
                format!("at {}", self.0.join(", "))
            };
            errors.push(format!("the test command wrote no report {place}"));
        }
        Reports { files, input: None, errors }
    }
}

/// Makes reports look older than they are, so that one that is written again at once, and as long, is seen to be another. What
/// may not be changed stays as it is.
pub(crate) fn make_older(reports: &[PathBuf]) {
    for report in reports {
        let _ = made_older(report);
    }
}

fn made_older(report: &Path) -> io::Result<()> {
    let file = File::options().append(true).open(report)?;
    let time = file.metadata()?.modified()?;
    file.set_modified(time.checked_sub(OLDER).unwrap_or(time))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_is_written_again_as_it_was_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.xml");
        let given = [path.to_str().unwrap().to_owned()];
        let places = ReportPlaces(&given);
        let none = places.snapshot();
        assert!(none.is_empty());
        fs::write(&path, "<testsuite/>").unwrap();
        let first = places.written_since(&none);
        assert_eq!((first.files.as_slice(), first.errors.len()), (&[(path.clone(), true)][..], 0));
        for _ in 0..20 {
            make_older(std::slice::from_ref(&path));
            let before = places.snapshot();
            assert_eq!(places.written_since(&before).files.len(), 0);
            fs::write(&path, "<testsuite/>").unwrap();
            assert_eq!(places.written_since(&before).files, first.files);
        }
        let error = &places.written_since(&places.snapshot()).errors[0];
        assert_eq!(*error, format!("the test command wrote no report at {}", given[0]));
    }
}
