//! What tests did in the time asked about. Verdicts, and the beginnings of failures, are of whole histories, which may go back
//! further; what is counted is of the runs that started in that time, of every history in one way.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use analysis::history::Cell;
use analysis::judge::Judgement;
use analysis::rules::Rules;
use schema::ids::{CommitKey, ConfigId, TestId};

use super::{FailedRun, Histories, JudgedPlace, JudgedTest, TestHistory};

impl Histories {
    /// What a test did in the runs of the time asked about on one configuration; none where it did not run then. The cell of a
    /// session that began before has the runs that started since.
    pub(crate) fn asked_on(&self, test: TestId, id: ConfigId) -> Cow<'_, [Cell]> {
        match self.whole(test) {
            Some(read) => read.get(&id).map_or_else(Cow::default, |of| of.asked(self.since)),
            None => self.indexed.asked_on(test, id, self.since),
        }
    }

    /// The same on each configuration on which it ran in that time.
    pub(crate) fn asked(&self, test: TestId) -> Vec<(ConfigId, Cow<'_, [Cell]>)> {
        let Some(read) = self.whole(test) else { return self.indexed.asked(test, self.since) };
        let asked = read.iter().map(|(id, of)| (*id, of.asked(self.since)));
        asked.filter(|(_, cells)| !cells.is_empty()).collect()
    }

    /// What a test did in the runs of the time asked about while it was flaky on a configuration: a list for each stretch that
    /// has some.
    pub(crate) fn flaky_stretches(
        &self,
        test: TestId,
        id: ConfigId,
        judgement: &Judgement,
        rules: &Rules,
    ) -> Vec<Vec<Cell>> {
        if judgement.flaky_evidence(rules).next().is_none() {
            return Vec::new();
        }
        let (cells, asked) = (self.on(test, id), self.asked_on(test, id));
        let within = |stretch: Vec<&Cell>| -> Vec<Cell> {
            let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { return Vec::new() };
            let positions = first.position..=last.position;
            asked.iter().filter(|cell| cell.runs > 0 && positions.contains(&cell.position)).copied().collect()
        };
        let stretches = judgement.flaky_stretches(&cells, rules).map(within);
        stretches.filter(|stretch| !stretch.is_empty()).collect()
    }

    /// The runs of the time asked about that a test spoilt: those in which it failed unexpectedly while it was flaky.
    pub(crate) fn spoilt_runs(&self, judged: &JudgedTest, rules: &Rules) -> Vec<FailedRun> {
        let failed = self.failed_runs(judged.test);
        let of_place = |(id, judgement): &JudgedPlace| {
            spoilt_in(&self.flaky_stretches(judged.test, *id, judgement, rules), *id, &failed)
        };
        if failed.is_empty() { Vec::new() } else { judged.places.iter().flat_map(of_place).collect() }
    }

    /// Takes the histories of others, which go back further, in place of those of the same tests.
    pub(crate) fn lengthen(&mut self, others: Self) {
        self.longer.extend(others.tests);
        self.order = others.order;
    }

    /// The oldest commit of the histories on a configuration that go back further than the others; none if none does.
    pub(crate) fn goes_back_to(&self, id: ConfigId) -> Option<CommitKey> {
        let of_test = |places: &BTreeMap<ConfigId, TestHistory>| Some(places.get(&id)?.cells.first()?.commit);
        self.longer.values().filter_map(of_test).min()
    }

    /// What was read of a test, as far back as that goes.
    pub(super) fn whole(&self, test: TestId) -> Option<&BTreeMap<ConfigId, TestHistory>> {
        self.longer.get(&test).or_else(|| self.tests.get(&test))
    }
}

/// Those of some failed runs that are of the stretches on a configuration in which the test was flaky.
pub(crate) fn spoilt_in(stretches: &[Vec<Cell>], id: ConfigId, failed: &[FailedRun]) -> Vec<FailedRun> {
    let mut flaky: HashMap<CommitKey, Vec<&Cell>> = HashMap::new();
    for cell in stretches.iter().flatten().filter(|cell| cell.failed > 0) {
        flaky.entry(cell.commit).or_default().push(cell);
    }
    let is_spoilt = |run: &&FailedRun| {
        run.configuration == id && flaky.get(&run.commit).into_iter().flatten().any(|cell| run.is_of(cell))
    };
    failed.iter().filter(is_spoilt).copied().collect()
}

#[cfg(test)]
mod tests;
