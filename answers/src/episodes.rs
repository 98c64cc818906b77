//! What came of the failures of tests: whether one came back, and whether a fix holds.
//!
//! Data flow: the tests of a list, after it was cut → the cells of the configurations that put each on the list →
//! [`analysis::episodes`]. Of several configurations, the one that speaks most against a fix is told.

pub use analysis::episodes::{Episode, FixHolds};
use analysis::episodes::{earlier, fix_holds};
use rustc_hash::FxHashMap;
use schema::ids::{ConfigId, TestId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::histories::{Histories, JudgedTest};
use crate::late_runs::LateRuns;

/// Former episodes that are told of a test.
const EPISODES: usize = 5;

/// What came of the failures of one test.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Aftermath {
    /// Of a failing test, the times that it failed before and was fixed in the weeks that verdicts are made from, the newest first.
    pub earlier: Vec<Episode>,
    /// Of a test that was fixed, or that is flaky, how well it is known that it does not fail any more.
    pub fix: Option<FixHolds>,
}

/// The same of a test on some configurations.
pub(crate) fn of(
    late: &LateRuns<'_>,
    histories: &Histories,
    judged: &FxHashMap<TestId, JudgedTest>,
    test: TestId,
    affected: &[ConfigId],
) -> Aftermath {
    let mut found = Aftermath::default();
    let Some(judged) = judged.get(&test) else { return found };
    for (id, judgement) in judged.places.iter().filter(|(id, _)| affected.contains(id)) {
        let cells = histories.on(test, *id);
        if judgement.standing.is_failing() {
            // Wherever it came back most often.
            let episodes = earlier(&cells, &late.question.rules);
            if episodes.len() > found.earlier.len() {
                found.earlier = episodes;
            }
        }
        let fix = fix_holds(judgement, &cells);
        found.fix = match (found.fix, fix) {
            (Some(known), Some(fix)) if known.certainty <= fix.certainty => Some(known),
            (known, fix) => fix.or(known),
        };
    }
    found.earlier.truncate(EPISODES);
    found
}
