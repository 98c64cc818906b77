//! What the branch says of a failure that was observed elsewhere.

use analysis::evidence::Evidence;
use analysis::history::{Cell, History, severity};
use analysis::judge::{Judgement, Standing, judge};
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::State;

use super::{EXAMPLES, LEAST_RUNS, ObservedTest, TestVerdict, Verdict, VerdictExample, VerdictReasons};
use crate::changes::named;
use crate::commits::CommitNames;
use crate::histories::Histories;
use crate::late_runs::LateRuns;
use crate::news;

/// What verdicts are made from.
pub(super) struct Judge<'a> {
    pub(super) late: &'a LateRuns<'a>,
    pub(super) names: &'a CommitNames,
    /// The newest commit that says what fails.
    pub(super) base: Option<CommitKey>,
    /// Whose commits are no evidence.
    pub(super) authors: &'a [String],
}

/// What one configuration of the branch says.
struct Place {
    id: ConfigId,
    cells: Vec<Cell>,
    /// The verdict at the base.
    at_base: Judgement,
    /// The verdict with all that came since.
    now: Judgement,
}

impl Judge<'_> {
    /// The verdict on one observed test; bugs and the quarantine are not looked up.
    pub(super) fn verdict(&self, observed: &ObservedTest, histories: &Histories) -> TestVerdict {
        let mut named =
            self.late.renames.known_as(&observed.test).map(|name| histories.of(TestId::of(self.late.suite, name)));
        let of_test = named.find(|history| !history.is_empty()).unwrap_or_default();
        let places: Vec<Place> = of_test.into_iter().map(|(id, cells)| self.place(id, &cells.history())).collect();
        let mut reasons = VerdictReasons::default();
        for evidence in places.iter().flat_map(|place| &place.now.segments).map(|segment| &segment.evidence) {
            reasons.runs += evidence.runs;
            reasons.unexpected += evidence.unexpected;
            reasons.both_ways += evidence.both_ways;
            reasons.flips += evidence.flips;
        }
        let verdict = self.word(observed, &places, &mut reasons);
        TestVerdict {
            test: observed.test.clone(),
            observed: observed.state,
            verdict,
            without_quarantine: None,
            quarantine: None,
            reasons,
            branch_message: None,
            is_same_message: None,
            examples: self.examples(&observed.test, &places),
            bugs: Vec::new(),
            owners: Vec::new(),
        }
    }

    /// The worst state in which a test fails at the base, and since when; none where it does not fail there.
    pub(super) fn failing_at_base(&self, test: TestId, histories: &Histories) -> Option<(State, Option<CommitKey>)> {
        let places = histories.of(test).into_iter().map(|(id, cells)| self.place(id, &cells.history()));
        let failing: Vec<Judgement> =
            places.map(|place| place.at_base).filter(|at_base| at_base.standing.is_failing()).collect();
        let state = failing.iter().map(|at_base| at_base.state).min()?;
        Some((state, failing.iter().filter_map(|at_base| at_base.since).min()))
    }

    fn place(&self, id: ConfigId, history: &History<'_>) -> Place {
        let cells: Vec<Cell> = history.cells.iter().filter(|cell| !self.is_own(cell.commit)).copied().collect();
        let question = &self.late.question;
        let until = cells.partition_point(|cell| self.base.is_none_or(|base| cell.commit <= base));
        // A base from before the runs that are looked at says nothing: what came since is all there is.
        let until = if until == 0 { cells.len() } else { until };
        // The base was tested when it was tested, however long ago that is.
        let then = cells[..until].last().map_or(question.now, |cell| u64::from(cell.last_start));
        let at_base = History { cells: &cells[..until], commits: until as u32 };
        let at_base = judge(&at_base, &analysis::judge::Question { now: then, ..*question });
        let now = judge(&History { cells: &cells, commits: history.commits }, question);
        Place { id, cells, at_base, now }
    }

    /// Whether a commit was written by one of those who ask.
    fn is_own(&self, commit: CommitKey) -> bool {
        let author = self.names.get(commit).and_then(|commit| commit.author.as_ref());
        author.is_some_and(|author| {
            let is_named = |name: &String| *name == author.name || author.emails.contains(name);
            self.authors.iter().any(is_named)
        })
    }

    fn word(&self, observed: &ObservedTest, places: &[Place], reasons: &mut VerdictReasons) -> Verdict {
        if reasons.runs < LEAST_RUNS {
            reasons.text = format!("Only {} runs of the branch have the test", reasons.runs);
            return Verdict::Unknown;
        }
        // A milder failure does not explain a worse one.
        let explains = |state: State| severity(state) >= severity(observed.state);
        let failing = places.iter().filter(|place| place.at_base.standing.is_failing());
        let failing: Vec<&Place> = failing.filter(|place| explains(place.at_base.state)).collect();
        if let Some(place) = failing.iter().min_by_key(|place| place.at_base.since) {
            reasons.since = place.at_base.since.map(|commit| named(commit, self.names));
            reasons.state = failing.iter().map(|place| place.at_base.state).min();
            reasons.text = "The branch fails so at the base of the change".to_owned();
            return Verdict::KnownFailing;
        }
        let is_flaky = |place: &&Place| [&place.at_base, &place.now].iter().any(|it| it.standing == Standing::Flaky);
        let worst = places.iter().filter(is_flaky).flat_map(|place| &place.cells).filter(|cell| cell.failed > 0);
        match worst.map(|cell| cell.worst).min() {
            Some(state) if explains(state) => {
                reasons.state = Some(state);
                reasons.text = "The branch passes and fails by chance".to_owned();
                Verdict::KnownFlaky
            }
            Some(state) => {
                reasons.state = Some(state);
                reasons.text = format!("The branch is flaky, but never worse than {state}", state = state.name());
                Verdict::New
            }
            None => {
                let all: Vec<Cell> = places.iter().flat_map(|place| place.cells.iter().copied()).collect();
                let Evidence { runs, unexpected, .. } = Evidence::of(&all);
                reasons.text =
                    format!("{unexpected} of {runs} runs of the branch failed, and it does not fail at the base");
                Verdict::New
            }
        }
    }

    /// The newest failures of the branch.
    fn examples(&self, test: &str, places: &[Place]) -> Vec<VerdictExample> {
        let mut failures: Vec<(ConfigId, &Cell)> = places
            .iter()
            .flat_map(|place| place.cells.iter().filter(|cell| cell.failed > 0).map(|cell| (place.id, cell)))
            .collect();
        failures.sort_by_key(|(id, cell)| (std::cmp::Reverse((cell.commit, cell.first_start)), *id));
        let example = |(id, cell): (ConfigId, &Cell)| {
            Some(VerdictExample {
                commit: named(cell.commit, self.names),
                configuration: self.late.configuration(id)?.clone(),
                start_time: cell.first_start,
                state: cell.worst,
                link: news::page_of_test(None, self.late.suite, test),
            })
        };
        failures.into_iter().filter_map(example).take(EXAMPLES).collect()
    }
}
