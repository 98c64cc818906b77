//! What a report should be read as, and how that is compared with what was read.

use std::collections::BTreeMap;

use reports::{Item, Problem, Test};
use serde::Deserialize;

/// One test, or one problem outside any test.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    name: Vec<String>,
    attempts: Vec<Attempt>,
    started: Option<String>,
    #[serde(default)]
    note: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Attempt {
    status: String,
    ms: Option<f64>,
}

/// Notes of entries that stand for an error of a file or run, beside those that say "not a test".
const NO_TESTS: [&str; 3] = ["name is a FILE", "file could not be loaded", "keep as \"run incomplete\""];

/// Notes of entries of which the report has a single plain pass.
const PLAIN_PASS: [&str; 4] =
    ["no mark", "no trace at all", "one plain pass", "ran once per rerun of the serial group"];

impl Entry {
    fn is_problem(&self) -> bool {
        // An empty block of Node cannot be told from a test that passed.
        let told = !self.note.starts_with("an empty describe");
        let noted = self.note.contains("not a test") || NO_TESTS.iter().any(|note| self.note.contains(note));
        self.name.is_empty() || told && noted
    }

    fn parts(&self) -> Vec<&str> {
        self.name.iter().map(String::as_str).filter(|part| !part.is_empty()).collect()
    }

    /// The second status that the note accepts.
    fn other_status(&self) -> Option<&str> {
        if self.note.contains("written without any child, so it looks passed") {
            return Some("passed");
        }
        let end = self.note.find("\" is acceptable").or_else(|| self.note.find("\" is what the file alone allows"))?;
        self.note[..end].rsplit('"').next()
    }

    fn accepts(&self, test: &Test) -> bool {
        let started = test.started().map(ToString::to_string);
        let same = |expected: &Attempt, read: &reports::Attempt| {
            let word = read.status.as_str();
            let status = expected.status == word || self.other_status() == Some(word);
            status && same_time(expected.ms, read.milliseconds)
        };
        let all = self.attempts.len() == test.attempts.len()
            && self.attempts.iter().zip(&test.attempts).all(|(expected, read)| same(expected, read));
        let plain = PLAIN_PASS.iter().any(|note| self.note.contains(note))
            && test.attempts.len() == 1
            && test.attempts[0].status.as_str() == "passed";
        (all || plain) && started == self.started
    }
}

/// Times are the same to the microsecond.
fn same_time(expected: Option<f64>, read: Option<f64>) -> bool {
    match (expected, read) {
        (Some(expected), Some(read)) => (expected - read).abs() < 0.000_6,
        (expected, read) => expected.is_none() && read.is_none(),
    }
}

/// Where what was read differs from what is expected.
pub(crate) fn compare(entries: &[Entry], items: &[Item]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut tests: BTreeMap<Vec<&str>, Vec<&Test>> = BTreeMap::new();
    let mut problems: Vec<&Problem> = Vec::new();
    for item in items {
        match item {
            Item::Test(test) => tests.entry(test.parts.parts().map(|(_, part)| part).collect()).or_default().push(test),
            Item::Problem(problem) => problems.push(problem),
            Item::Source(_) => {}
        }
    }
    for entry in entries.iter().filter(|entry| entry.is_problem()) {
        if entry.attempts[0].status == "skipped" {
            continue;
        }
        let names = |problem: &Problem| {
            entry.name.iter().all(|part| {
                let known = problem.subject.contains(part.trim()) || problem.message.contains(part.trim());
                // The reporters' own words for a file that could not be loaded.
                known || part.starts_with("Test execution failure") || part == "Test suite failed to run"
            })
        };
        match problems.iter().position(|problem| names(problem)) {
            Some(index) => drop(problems.remove(index)),
            None => differences.push(format!("no problem for {:?}", entry.name)),
        }
    }
    // Robot Framework's tests say PASS where only their suite failed; the suite is a problem then.
    for entry in entries.iter().filter(|entry| entry.note.contains("its suite has status FAIL")) {
        let suite = entry.name[..entry.name.len() - 1].join("::");
        let index = problems.iter().position(|problem| problem.subject == suite);
        match index {
            Some(index) => drop(problems.remove(index)),
            None => differences.push(format!("no problem for the suite {suite}")),
        }
    }
    differences.extend(problems.iter().map(|problem| format!("unexpected problem: {problem}")));
    for entry in entries.iter().filter(|entry| !entry.is_problem()) {
        let Some(found) = tests.get_mut(&entry.parts()).filter(|found| !found.is_empty()) else {
            differences.push(format!("no test {:?}", entry.name));
            continue;
        };
        let test = found.remove(0);
        if !entry.accepts(test) {
            let read: Vec<_> = test.attempts.iter().map(|read| (read.status.as_str(), read.milliseconds)).collect();
            differences
                .push(format!("{entry:?} was read as {read:?}, started {:?}", test.started().map(ToString::to_string)));
        }
    }
    differences
        .extend(tests.iter().filter(|(_, left)| !left.is_empty()).map(|(name, _)| format!("unexpected test {name:?}")));
    differences
}
