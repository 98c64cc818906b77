//! Reports that readers know: those of real runners that the tests of `reports` have, and some of this crate.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reports::Item;

use crate::packing::Packing;
use crate::reading;
use crate::targets::Target;

/// The largest report that is spoilt, bytes: larger ones only take longer.
const MAX_BYTES: u64 = 64 << 10;

/// All reports, in an order that is always the same.
pub(crate) fn all() -> io::Result<Vec<Vec<u8>>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in [own.join("../reports/tests/reports"), own.join("seeds")] {
        files(&folder, &mut paths)?;
    }
    paths.sort();
    paths.iter().map(fs::read).collect()
}

fn files(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            files(&path, paths)?;
        } else if !path.to_string_lossy().ends_with(".expected.json") && entry.metadata()?.len() <= MAX_BYTES {
            paths.push(path);
        }
    }
    Ok(())
}

/// Those in which the target's reader finds a test.
pub(crate) fn of(target: &Target, all: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
    let plain = Target { packing: Packing::Plain, ..*target };
    let mut known = Vec::new();
    for report in all {
        let mut tests = 0;
        reading::each(&plain, report, &mut |item| tests += usize::from(matches!(item, Item::Test(_))))?;
        if tests > 0 {
            known.push(report.clone());
        }
    }
    Ok(known)
}
