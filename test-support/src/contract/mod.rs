//! The recorded contract: sends recorded requests and compares the answers with the recorded ones.
//!
//! `resultsdb/tests/contract/corpus/README.md` describes the format. A case is moved to today ([`shift`]), sent
//! ([`exchange`]), and its answer compared in the parts that were recorded ([`compare`]).

mod compare;
mod exchange;
mod shift;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::compare::sha256;
use self::shift::Shift;
use crate::{clock, workspace};

/// All recorded cases.
#[derive(Debug)]
pub struct Corpus {
    folder: PathBuf,
    shift: Shift,
}

/// How a server's answers compare with the recorded ones.
#[derive(Debug)]
pub struct Outcome {
    /// How many cases were answered as recorded.
    pub passed: usize,
    /// What is different, for each other case.
    pub failures: Vec<String>,
}

impl Corpus {
    /// The cases, whose times are moved to before now.
    pub fn load() -> Self {
        let folder = workspace::path("resultsdb/tests/contract/corpus");
        let meta = read(&folder.join("meta.json"));
        Self { shift: Shift::new(meta["base_time"].as_i64().unwrap(), clock::now()), folder }
    }

    /// Fills an empty server, then asks everything. Cases that record a bug of the recorded server are left out:
    /// `resultsdb/tests/contract.rs` says what the right answers to those are.
    pub fn replay(&self, intake: &str, query: &str) -> Outcome {
        let mut outcome = Outcome { passed: 0, failures: Vec::new() };
        let mut cases = read(&self.folder.join("setup.json")).as_array().unwrap().clone();
        cases.extend(self.cases());
        for case in cases.iter().filter(|case| case.get("peer_bug").is_none()) {
            match self.check(case, intake, query) {
                None => outcome.passed += 1,
                Some(difference) => outcome.failures.push(format!("{}: {difference}", case["name"])),
            }
        }
        outcome
    }

    /// What every recorded question is answered now: name, status and body.
    pub fn answers(&self, query: &str) -> Vec<(String, u16, String)> {
        let ask = |case: &Value| {
            let request = self.shift.value(&case["request"]);
            let answer = exchange::send(query, &request, &case["request"], &self.folder);
            (case["name"].to_string(), answer.status, String::from_utf8_lossy(&answer.body).into_owned())
        };
        let cases = self.cases();
        cases.iter().filter(|case| case["request"]["method"] == "GET").map(ask).collect()
    }

    fn cases(&self) -> Vec<Value> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.folder.join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().flat_map(|file| read(file).as_array().unwrap().clone()).collect()
    }

    /// What is different, if anything.
    fn check(&self, case: &Value, intake: &str, query: &str) -> Option<String> {
        let request = self.shift.value(&case["request"]);
        let expected = self.shift.value(&case["response"]);
        let path = request["path"].as_str().unwrap();
        let is_write = request["method"] == "POST"
            && (path.starts_with("/api/upload") || path.starts_with("/api/commits"))
            && path != "/api/upload/process"
            && path != "/api/commits/find"
            && path != "/api/commits/repositories";
        let url = if is_write { intake } else { query };
        let answer = exchange::send(url, &request, &case["request"], &self.folder);
        let observed = compare::observe(&answer, &expected, url);
        let (expected, observed) = (compare::canonical(expected, case), compare::canonical(observed, case));
        (expected != observed).then(|| {
            let shorten = |value: &Value| value.to_string().chars().take(600).collect::<String>();
            format!("\n  expected {}\n  got      {}", shorten(&expected), shorten(&observed))
        })
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
