//! Verdicts that are kept for later questions. What a history says does not change while no run comes to it, but for two
//! things that the time decides: whether its newest run is late, and whether what it says began lately.

use std::sync::Arc;

use crate::history::History;
use crate::rules::Rules;

use super::{Judgement, Question, judged};

/// A judgement with what its standing owes to the time of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedJudgement {
    /// The judgement.
    pub judgement: Arc<Judgement>,
    rules: Rules,
    /// The start of the newest run, and of the first run of what the standing says, seconds since 1970.
    starts: (u64, u64),
    /// Whether these are late and recent.
    told: (bool, bool),
}

impl DatedJudgement {
    /// Judges a history.
    pub fn of(history: &History<'_>, question: &Question) -> Self {
        let cells = history.with_runs();
        let (judgement, since) = judged(&cells, history.commits, question);
        let newest = cells.last().map_or(0, |cell| u64::from(cell.last_start));
        let starts = (newest, cells.get(since).map_or(0, |cell| u64::from(cell.first_start)));
        Self { judgement: judgement.into(), rules: question.rules, starts, told: told(starts, question) }
    }

    /// Whether another question about the same history has the same answer.
    pub fn holds_for(&self, question: &Question) -> bool {
        self.rules == question.rules && self.told == told(self.starts, question)
    }
}

fn told((newest, since): (u64, u64), question: &Question) -> (bool, bool) {
    (question.now.saturating_sub(newest) > question.rules.stale_seconds, since >= question.new_since)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::seconds::DAY;

    use super::*;
    use crate::history::Cell;
    use crate::judge::{Standing, judge};
    use crate::notation::{cells, day, question};

    #[test]
    fn a_commit_that_was_tested_twice_is_told_by_the_run_that_failed() {
        let mut cells = cells("PPPPPPPF");
        cells[7].commit = cells[6].commit;
        let history = History { cells: &cells, commits: 8 };
        let lately = Question { new_since: u64::from(cells[7].first_start), ..question("PPPPPPPF", 3) };
        let kept = DatedJudgement::of(&history, &lately);
        assert_eq!(kept.judgement.standing, Standing::New);
        let later = Question { new_since: lately.new_since + DAY, ..lately };
        assert!(!kept.holds_for(&later));
        assert_eq!(judge(&history, &later).standing, Standing::Failing);
    }

    proptest! {
        #[test]
        fn what_holds_is_what_would_be_judged(
            text in "[PFCMRES.]{1,25}",
            (days, later, new) in (0..30u64, 0..20u64, 0..30u64),
            sessions in 1..5u32,
        ) {
            // A commit that is tested again after a while has several cells.
            let same = |cell: Cell| Cell { commit: day(u64::from(cell.position / sessions)), ..cell };
            let cells: Vec<Cell> = cells(&text).into_iter().map(same).collect();
            let history = History { cells: &cells, commits: text.len() as u32 };
            let first = question(&text, days);
            let now = first.now + later * DAY;
            let second = Question { now, new_since: now.saturating_sub(new * DAY), ..first };
            let kept = DatedJudgement::of(&history, &first);
            if kept.holds_for(&second) {
                prop_assert_eq!(&*kept.judgement, &judge(&history, &second));
            }
        }
    }
}
