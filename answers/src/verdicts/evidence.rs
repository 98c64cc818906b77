//! What the branch says of a failure that was observed elsewhere.

use analysis::evidence::Evidence;
use analysis::history::{Cell, History, severity};
use analysis::judge::{Judgement, Standing, judge};
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::State;

use super::{EXAMPLES, LEAST_RUNS, ObservedTest, TestVerdict, Verdict, VerdictExample, VerdictReasons};
use crate::changes::named;
use crate::commit_names::CommitNames;
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
    /// How many of the cells are of commits up to the base: without any, nothing is known of the base.
    until: usize,
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
        reasons.runs_up_to_base =
            places.iter().flat_map(|place| &place.cells[..place.until]).map(|cell| cell.runs).sum();
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
        // Of a base from before the runs that are looked at nothing is known: what came since does not say what fails there.
        let until = cells.partition_point(|cell| self.base.is_none_or(|base| cell.commit <= base));
        // The base was tested when it was tested, however long ago that is.
        let then = cells[..until].last().map_or(question.now, |cell| u64::from(cell.last_start));
        let at_base = History { cells: &cells[..until], commits: until as u32 };
        let at_base = judge(&at_base, &analysis::judge::Question { now: then, ..*question });
        let now = judge(&History { cells: &cells, commits: history.commits }, question);
        Place { id, cells, until, at_base, now }
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
        let failing: Vec<&Place> = places.iter().filter(|place| place.at_base.standing.is_failing()).collect();
        let so: Vec<&Place> = failing.iter().copied().filter(|place| explains(place.at_base.state)).collect();
        if let Some(state) = self.told_failing(&so, reasons) {
            reasons.state = Some(state);
            reasons.text = format!("The branch fails so {}", self.there());
            return Verdict::KnownFailing;
        }
        let is_flaky = |place: &&Place| [&place.at_base, &place.now].iter().any(|it| it.standing == Standing::Flaky);
        let flaky = worst(places.iter().filter(is_flaky));
        if let Some(state) = flaky.filter(|state| explains(*state)) {
            reasons.state = Some(state);
            reasons.text = "The branch passes and fails by chance".to_owned();
            return Verdict::KnownFlaky;
        }
        let untold: Vec<&Place> = places.iter().filter(|place| place.until == 0 && !place.cells.is_empty()).collect();
        let since = worst(untold.iter().copied());
        let told = || told_since(&untold, places.iter().filter(|place| !place.cells.is_empty()).count());
        if let Some(state) = since.filter(|state| explains(*state)) {
            reasons.state = Some(state);
            reasons.text = told();
            return Verdict::Unknown;
        }
        if let Some(state) = flaky {
            reasons.state = Some(state);
            reasons.text = format!("The branch is flaky, but never worse than {state}", state = state.name());
        } else if let Some(state) = self.told_failing(&failing, reasons) {
            reasons.state = Some(state);
            reasons.text = format!("The branch fails {}, but no worse than {}", self.there(), state.name());
        } else if reasons.runs_up_to_base == 0 {
            reasons.state = since;
            let milder = since.map(|state| format!(", none worse than {}", state.name())).unwrap_or_default();
            reasons.text = told() + &milder;
        } else {
            let all: Vec<Cell> = places.iter().flat_map(|place| place.cells.iter().copied()).collect();
            let Evidence { runs, unexpected, .. } = Evidence::of(&all);
            let not_there = if self.base.is_some() { "it does not fail at the base" } else { "it does not fail now" };
            reasons.text = format!("{unexpected} of {runs} runs of the branch failed, and {not_there}");
        }
        Verdict::New
    }

    /// The worst state of places that fail at the base, of which is told since when they do; none of none.
    fn told_failing(&self, failing: &[&Place], reasons: &mut VerdictReasons) -> Option<State> {
        let since = failing.iter().min_by_key(|place| place.at_base.since)?.at_base.since;
        reasons.since = since.map(|commit| named(commit, self.names));
        failing.iter().map(|place| place.at_base.state).min()
    }

    /// Where it is that the branch fails.
    fn there(&self) -> &'static str {
        if self.base.is_some() { "at the base of the change" } else { "in its newest runs" }
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

/// The worst unexpected state of places; none where nothing failed.
fn worst<'a>(places: impl Iterator<Item = &'a Place>) -> Option<State> {
    places.flat_map(|place| &place.cells).filter(|cell| cell.failed > 0).map(|cell| cell.worst).min()
}

/// What runs after the base say where no run up to it has the test: on these configurations, of so many.
fn told_since(untold: &[&Place], all: usize) -> String {
    let cells: Vec<Cell> = untold.iter().flat_map(|place| place.cells.iter().copied()).collect();
    let Evidence { runs, unexpected, .. } = Evidence::of(&cells);
    let (no_run, there) = match untold.len() {
        some if some < all => (format!("On {some} of {all} configurations no run"), " there"),
        _ => ("No run".to_owned(), ""),
    };
    format!("{no_run} up to the base of the change has the test; {unexpected} of {runs} since failed{there}")
}
