//! What is in quarantine of failures that were observed.
//!
//! An entry holds for a failure only where it is certain that it is about it: about the state that was observed, and about
//! every run that the question means. A question that does not say on which configuration the test failed is answered as if
//! there were no entries of some configurations.

use chrono::DateTime;
use schema::configuration::Configuration;

use super::{TestVerdict, Verdict};
use crate::quarantine::{ListedEntry, QuarantineIndex};
use crate::renames::Renames;

/// What excuses failures.
pub(super) struct Excuses<'a> {
    /// The entries of the suite that are in force.
    pub(super) parked: &'a QuarantineIndex,
    pub(super) renames: &'a Renames,
    /// The members that every run has in which the tests failed.
    pub(super) on: Configuration,
}

impl Excuses<'_> {
    /// Makes a failure quarantined that an entry is about. Of an incomplete run nothing is excused: nobody knows what it
    /// would have found.
    pub(super) fn apply(&self, verdict: &mut TestVerdict) {
        if verdict.verdict == Verdict::Incomplete {
            return;
        }
        let Some(entry) = self.entry(verdict) else { return };
        verdict.without_quarantine = Some(verdict.verdict);
        verdict.verdict = Verdict::Quarantined;
        verdict.reasons.text = format!("{}. Without that: {}", told(entry), verdict.reasons.text);
        if !entry.bug.is_empty() && !verdict.bugs.contains(&entry.bug) {
            verdict.bugs.push(entry.bug.clone());
        }
        verdict.quarantine = Some(entry.clone());
    }

    /// Of several entries the one that lasts longest. A change may be older than a rename.
    fn entry(&self, verdict: &TestVerdict) -> Option<&ListedEntry> {
        let names = self.renames.known_as(&verdict.test);
        let found = names.flat_map(|test| self.parked.explaining(test, [&self.on], verdict.observed));
        found.max_by_key(|entry| entry.until)
    }
}

/// Until when, why, and whom to ask.
fn told(entry: &ListedEntry) -> String {
    let until = DateTime::from_timestamp(entry.until.into(), 0).map(|until| until.format("%Y-%m-%d %H:%M UTC"));
    let mut told = format!("In quarantine until {}", until.map(|until| until.to_string()).unwrap_or_default());
    for (word, name) in [("by", &entry.by), ("owner", &entry.owner)] {
        if !name.is_empty() {
            told.push_str(&format!(", {word} {name}"));
        }
    }
    format!("{told}: {}", entry.reason)
}
