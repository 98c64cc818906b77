//! What tests did in the time asked about. Verdicts, and the beginnings of failures, are of whole histories, which may go back
//! further; what is counted is of the runs that started in that time, of every history in one way.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use analysis::evidence::Evidence;
use analysis::history::Cell;
use analysis::judge::Judgement;
use analysis::rules::Rules;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::State;

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

    /// The evidence of these runs.
    pub(crate) fn asked_evidence(&self, test: TestId, id: ConfigId) -> Evidence {
        match self.whole(test) {
            Some(_) => Evidence::of(&self.asked_on(test, id)),
            None => self.indexed.asked_evidence(test, id, self.since),
        }
    }

    /// The same on each configuration on which it ran in that time.
    pub(crate) fn asked(&self, test: TestId) -> Vec<(ConfigId, Cow<'_, [Cell]>)> {
        let Some(read) = self.whole(test) else { return self.indexed.asked(test, self.since) };
        let asked = read.iter().map(|(id, of)| (*id, of.asked(self.since)));
        asked.filter(|(_, cells)| !cells.is_empty()).collect()
    }

    /// What a test did on a configuration on which it ever was flaky, as far back as that goes and in the time asked about; none on
    /// any other, where nothing has to be put together.
    fn flaky_place(&self, test: TestId, id: ConfigId, judgement: &Judgement, rules: &Rules) -> Option<PlaceCells<'_>> {
        judgement.flaky_evidence(rules).next()?;
        Some(match self.whole(test) {
            Some(read) => read.get(&id).map_or_else(PlaceCells::default, |of| PlaceCells {
                whole: Cow::Borrowed(of.cells.as_slice()),
                part: Some(of.asked(self.since)),
            }),
            None => self.indexed.place(test, id, self.since),
        })
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
        let place = self.flaky_place(test, id, judgement, rules);
        place.map_or_else(Vec::new, |place| place.flaky_stretches(judgement, rules))
    }

    /// What a test did on a configuration, on which it was judged, while it was flaky.
    pub(crate) fn flaky_time(
        &self,
        test: TestId,
        id: ConfigId,
        judgement: &Arc<Judgement>,
        rules: &Rules,
    ) -> Arc<FlakyTime> {
        if judgement.flaky_evidence(rules).next().is_none() {
            return Arc::default();
        }
        let find = || {
            let stretches = self.flaky_stretches(test, id, judgement, rules);
            let failing = stretches.iter().flatten().filter(|cell| cell.failed > 0);
            FlakyTime {
                evidence: stretches.iter().map(|stretch| Evidence::of(stretch)).collect(),
                states: failing.map(|cell| cell.worst).collect(),
                spoilt: self.spoilt_in(&stretches, test, id),
            }
        };
        match self.whole(test) {
            Some(_) => Arc::new(find()),
            None => self.indexed.flaky_time(test, id, judgement, self.since, find),
        }
    }

    /// The runs of the time asked about that a test spoilt: those in which it failed unexpectedly while it was flaky.
    pub(crate) fn spoilt_runs(&self, judged: &JudgedTest, rules: &Rules) -> Vec<FailedRun> {
        let of_place =
            |(id, judgement): &JudgedPlace| self.flaky_time(judged.test, *id, judgement, rules).spoilt.clone();
        judged.places.iter().flat_map(of_place).collect()
    }

    /// Those of some stretches of a test on a configuration in which it was flaky.
    fn spoilt_in(&self, stretches: &[Vec<Cell>], test: TestId, id: ConfigId) -> Vec<FailedRun> {
        let mut failing: Vec<&Cell> = stretches.iter().flatten().filter(|cell| cell.failed > 0).collect();
        if failing.is_empty() {
            return Vec::new();
        }
        failing.sort_unstable_by_key(|cell| cell.commit);
        let is_spoilt = |run: &FailedRun| {
            let from = failing.partition_point(|cell| cell.commit < run.commit);
            failing[from..].iter().take_while(|cell| cell.commit == run.commit).any(|cell| run.is_of(cell))
        };
        let mut runs = self.failed_runs(test, id);
        runs.retain(is_spoilt);
        runs
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

/// What a test did on a configuration while it was flaky, in the runs of the time asked about.
#[derive(Debug, Default)]
pub(crate) struct FlakyTime {
    /// The evidence of each stretch of these runs.
    pub(crate) evidence: Vec<Evidence>,
    /// The worst states of the sessions with an unexpected failure.
    pub(crate) states: BTreeSet<State>,
    /// The runs that it spoilt.
    pub(crate) spoilt: Vec<FailedRun>,
}

/// What a test did on one configuration.
#[derive(Default)]
pub(super) struct PlaceCells<'a> {
    /// As far back as that goes.
    pub(super) whole: Cow<'a, [Cell]>,
    /// What belongs to the time asked about; none where all of it does.
    pub(super) part: Option<Cow<'a, [Cell]>>,
}

impl PlaceCells<'_> {
    /// The cells of the time asked about.
    fn asked(&self) -> &[Cell] {
        self.part.as_deref().unwrap_or(&self.whole)
    }

    /// Those of them in which the test was flaky: a list for each stretch that has some.
    fn flaky_stretches(&self, judgement: &Judgement, rules: &Rules) -> Vec<Vec<Cell>> {
        let asked = self.asked();
        let within = |stretch: Vec<&Cell>| -> Vec<Cell> {
            let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { return Vec::new() };
            let from = asked.partition_point(|cell| cell.position < first.position);
            let until = asked.partition_point(|cell| cell.position <= last.position);
            asked[from..until.max(from)].iter().filter(|cell| cell.runs > 0).copied().collect()
        };
        let stretches = judgement.flaky_stretches(&self.whole, rules).map(within);
        stretches.filter(|stretch| !stretch.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests;
