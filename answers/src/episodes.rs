//! What came of the failures of tests: whether one came back, and whether a fix holds.
//!
//! Data flow: the tests of a list, after it was cut → the cells of the configurations that put each on the list →
//! [`analysis::episodes`]. Of several configurations, the one that speaks most against a fix is told.

pub use analysis::episodes::{Aftermath, Episode, FixHolds};
use analysis::rules::Rules;
use schema::ids::ConfigId;

use crate::histories::{Histories, JudgedTest};

/// Former episodes that are told of a test.
const EPISODES: usize = 5;

/// What came of the failures of a test on some configurations.
pub(crate) fn of(histories: &Histories, judged: &JudgedTest, affected: &[ConfigId], rules: &Rules) -> Aftermath {
    let mut found = Aftermath::default();
    for (id, judgement) in judged.places.iter().filter(|(id, _)| affected.contains(id)) {
        let on_place = histories.aftermath(judged.test, *id, judgement, rules);
        // Wherever it came back most often.
        if on_place.earlier.len() > found.earlier.len() {
            found.earlier.clone_from(&on_place.earlier);
        }
        found.fix = match (found.fix, on_place.fix) {
            (Some(known), Some(fix)) if known.certainty <= fix.certainty => Some(known),
            (known, fix) => fix.or(known),
        };
    }
    found.earlier.truncate(EPISODES);
    found
}
