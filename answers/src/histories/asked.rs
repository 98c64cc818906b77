//! What tests did in the time asked about, where their histories go back beyond it ([`Histories::lengthen`]): verdicts and
//! the beginnings of failures are of whole histories, counts are of the time asked about.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use analysis::evidence::Evidence;
use analysis::history::Cell;
use analysis::judge::Judgement;
use analysis::rules::Rules;
use schema::ids::{CommitKey, ConfigId, TestId};

use super::{Histories, JudgedTest, TestCells, TestHistory, cells_of, cells_read};

impl Histories {
    /// The cells of a test on one configuration in the time asked about; none where it did not run then.
    pub(crate) fn asked_on(&self, test: TestId, id: ConfigId) -> Cow<'_, [Cell]> {
        match self.tests.get(&test) {
            Some(read) => read.get(&id).map_or_else(Cow::default, |of| Cow::Borrowed(of.cells.as_slice())),
            None => self.indexed.on(test, id),
        }
    }

    /// The configurations on which a test ran in the time asked about, and its cells of that time on each.
    pub(crate) fn asked(&self, test: TestId) -> Vec<(ConfigId, TestCells<'_>)> {
        match self.tests.get(&test) {
            Some(read) => cells_read(read),
            None => cells_of(self.indexed.of(test, |_| true)),
        }
    }

    /// What a test did in the time asked about, on all configurations together; their flips are not added up.
    pub(crate) fn asked_evidence(&self, judged: &JudgedTest) -> Vec<Evidence> {
        let of_cells = |found: Vec<(ConfigId, TestCells<'_>)>| -> Vec<Evidence> {
            found.iter().map(|(_, cells)| Evidence::of(&cells.history().with_runs())).collect()
        };
        if self.longer.contains_key(&judged.test) {
            return of_cells(self.asked(judged.test));
        }
        let segments = judged.places.iter().flat_map(|(_, judgement)| &judgement.segments);
        segments.map(|segment| segment.evidence).chain(of_cells(self.quiet(judged))).collect()
    }

    /// The cells of the time asked about in which a test was flaky on a configuration, a list for each segment that has some.
    pub(crate) fn flaky_stretches(
        &self,
        test: TestId,
        id: ConfigId,
        judgement: &Judgement,
        rules: &Rules,
    ) -> Vec<Vec<Cell>> {
        if judgement.flaky_segments(rules).next().is_none() {
            return Vec::new();
        }
        let cells = self.on(test, id);
        let stretches = judgement.flaky_stretches(&cells, rules);
        if !self.longer.contains_key(&test) {
            return stretches.map(|stretch| stretch.into_iter().copied().collect()).collect();
        }
        let asked = self.asked_on(test, id);
        let within = stretches.map(|stretch| parts_of(&stretch, &asked));
        within.filter(|stretch| !stretch.is_empty()).collect()
    }

    /// The evidence of each of these stretches.
    pub(crate) fn flaky_evidence(
        &self,
        test: TestId,
        id: ConfigId,
        judgement: &Judgement,
        rules: &Rules,
    ) -> Vec<Evidence> {
        if !self.longer.contains_key(&test) {
            return judgement.flaky_segments(rules).map(|segment| segment.evidence).collect();
        }
        self.flaky_stretches(test, id, judgement, rules).iter().map(|stretch| Evidence::of(stretch)).collect()
    }

    /// Takes the histories of others, which go back further, for verdicts. What is counted stays that of the time asked about.
    pub(crate) fn lengthen(&mut self, others: Self) {
        self.longer.extend(others.tests);
        self.order = others.order;
    }

    /// What was read of a test, as far back as that goes.
    pub(super) fn whole(&self, test: TestId) -> Option<&BTreeMap<ConfigId, TestHistory>> {
        self.longer.get(&test).or_else(|| self.tests.get(&test))
    }
}

/// Those of some cells whose runs are among those of a stretch. A session that began before the time asked about is longer
/// in the stretch.
fn parts_of(stretch: &[&Cell], cells: &[Cell]) -> Vec<Cell> {
    let mut sessions: HashMap<CommitKey, Vec<&Cell>> = HashMap::new();
    for cell in stretch {
        sessions.entry(cell.commit).or_default().push(cell);
    }
    let is_part = |cell: &&Cell| {
        let of_commit = sessions.get(&cell.commit).into_iter().flatten();
        let holds = |session: &&Cell| session.first_start <= cell.first_start && cell.last_start <= session.last_start;
        cell.runs > 0 && of_commit.copied().any(|session| holds(&session))
    };
    cells.iter().filter(is_part).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_session_belongs_to_the_stretch_of_the_whole() {
        let cell = |commit: u64, first_start: u32, last_start: u32| Cell {
            first_start,
            last_start,
            ..Cell::passed(CommitKey(commit), 0, first_start)
        };
        let (whole, other) = (cell(1, 100, 300), cell(2, 400, 400));
        let asked = [cell(1, 200, 300), cell(1, 900, 900), cell(2, 400, 400), cell(3, 500, 500)];
        assert_eq!(parts_of(&[&whole, &other], &asked), [asked[0], asked[2]]);
        assert_eq!(parts_of(&[], &asked), []);
    }
}
