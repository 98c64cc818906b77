//! Reports of real runners, each read as the file beside it says.
#![allow(clippy::unwrap_used)]

#[path = "support/expected.rs"]
mod expected;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use expected::{Entry, compare};
use reports::{Item, Options, RunReader};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports")
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

fn read(paths: &[PathBuf]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut sink = |item| {
        items.push(item);
        ControlFlow::Continue(())
    };
    let mut run = RunReader::new(Options::default(), &mut sink);
    for path in paths {
        run.read_path(path).unwrap();
    }
    run.finish().unwrap();
    items
}

/// How many reports there are, so that a walk that finds none fails.
const REPORTS: usize = 58;

#[test]
fn every_report_is_read_as_it_should_be() {
    let mut all = Vec::new();
    files(&folder(), &mut all);
    all.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for expected in all.iter().filter(|path| path.to_string_lossy().ends_with(".expected.json")) {
        let report = PathBuf::from(expected.to_string_lossy().strip_suffix(".expected.json").unwrap());
        // The two files of a folder are one run.
        let both = report.file_name().unwrap() == "both-files";
        let reports = if both {
            let beside = report.parent().unwrap();
            vec![beside.join("TEST-demo.MainTest$Inner.xml"), beside.join("TEST-demo.MainTest.xml")]
        } else {
            vec![report.clone()]
        };
        count += 1;
        let entries: Vec<Entry> = serde_json::from_slice(&fs::read(expected).unwrap()).unwrap();
        for difference in compare(&entries, &read(&reports)) {
            wrong.push(format!("{}: {difference}", report.strip_prefix(folder()).unwrap().display()));
        }
        if both {
            let reversed: Vec<PathBuf> = reports.into_iter().rev().collect();
            wrong.extend(
                compare(&entries, &read(&reversed)).into_iter().map(|difference| format!("reversed: {difference}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, REPORTS);
}
