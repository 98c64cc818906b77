//! What is counted, against a plain model: a list of runs.

use std::collections::BTreeSet;

use analysis::evidence::Evidence;
use analysis::judge::Question;
use proptest::prelude::*;
use schema::outcomes::roster::RosterId;
use schema::state::State;

use super::*;
use crate::commit_order::CommitOrder;
use crate::histories::SuiteSessions;
use crate::reads::histories::HistoricRun;

const TEST: TestId = TestId(7);
const HOUR: u32 = 3600;
/// Hours between two commits.
const STEP: u32 = 6;

/// A run of the test.
#[derive(Debug, Clone, Copy)]
struct Run {
    configuration: ConfigId,
    commit: CommitKey,
    start: u32,
    has_failed: bool,
}

/// Runs of a test that fails more often, or less often, from some commit on. Most commits run again within hours, or a day later.
fn runs() -> impl Strategy<Value = Vec<Run>> {
    let rate = || prop::sample::select(vec![0_u32, 30, 60, 100]);
    let reruns = prop::collection::vec((1..20_u32, 0..100_u32), 1..4);
    let commits = prop::collection::vec((0..2_u64, reruns), 10..80);
    (commits, rate(), rate(), 0..80_usize).prop_map(|(commits, before, after, change)| {
        let mut runs = Vec::new();
        for (index, (configuration, reruns)) in commits.into_iter().enumerate() {
            let mut start = index as u32 * STEP * HOUR;
            let commit = CommitKey::start_of(u64::from(start));
            for (pause, roll) in reruns {
                start += pause * HOUR;
                let has_failed = roll < if index < change { before } else { after };
                runs.push(Run { configuration: ConfigId(configuration), commit, start, has_failed });
            }
        }
        runs
    })
}

fn sessions(runs: &[Run], since: u32) -> SuiteSessions {
    let commits: BTreeSet<CommitKey> = runs.iter().map(|run| run.commit).collect();
    let run = |(version, run): (u64, &Run)| HistoricRun {
        config_id: run.configuration,
        uuid: run.commit,
        start_time: run.start,
        tests_run: 100,
        tests_unexpected_failed: u32::from(run.has_failed),
        is_broken: false,
        roster: RosterId::NONE,
        version,
    };
    let runs = (0..).zip(runs).map(run).collect();
    SuiteSessions::new(runs, &CommitOrder::new(&commits, &[])).asked_since(since)
}

/// The histories of which runs are counted that started at a time or later.
fn histories(runs: &[Run], since: u32) -> Histories {
    let sessions = sessions(runs, since);
    let cell = |run: &Run| {
        let position = sessions.position(run.configuration, run.commit, run.start)?;
        let (failed, worst) = (u32::from(run.has_failed), if run.has_failed { State::CRASH } else { State::PASS });
        let passed = Cell::passed(run.commit, position, run.start);
        Some((TEST, run.configuration, Cell { failed, unrecovered: failed, worst, worst_of_all: worst, ..passed }))
    };
    let mut histories = Histories::new(&sessions, runs.iter().filter_map(cell));
    let failed = |run: &Run| {
        let Run { configuration, commit, start, .. } = *run;
        run.has_failed.then_some(FailedRun { configuration, commit, start_time: start, time: 1 })
    };
    histories.failed = [(TEST, runs.iter().filter_map(failed).collect())].into();
    histories
}

fn question() -> Question {
    Question { now: 100 * u64::from(24 * HOUR), new_since: 0, rules: Rules::default() }
}

/// Runs, and those that failed.
type Counts = (u32, u32);

fn counts<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Counts {
    cells.into_iter().fold((0, 0), |(runs, failed), cell| (runs + cell.runs, failed + cell.failed))
}

/// What is counted since a time: all runs, those of flaky stretches, and the starts of those that were spoilt.
fn counted(runs: &[Run], since: u32) -> (Counts, Counts, BTreeSet<(u64, u32)>) {
    let histories = histories(runs, since);
    let rules = Rules::default();
    let (mut flaky, mut spoilt) = ((0, 0), BTreeSet::new());
    for judged in histories.judged(&[TEST], &question()) {
        for (id, judgement) in &judged.places {
            let (runs, failed) = counts(histories.flaky_stretches(TEST, *id, judgement, &rules).iter().flatten());
            flaky = (flaky.0 + runs, flaky.1 + failed);
        }
        spoilt.extend(histories.spoilt_runs(&judged, &rules).iter().map(|run| (run.configuration.0, run.start_time)));
    }
    let asked = histories.asked(TEST);
    (counts(asked.iter().flat_map(|(_, cells)| cells.iter())), flaky, spoilt)
}

/// The same, run by run.
fn model(runs: &[Run], since: u32) -> (Counts, Counts, BTreeSet<(u64, u32)>) {
    let (whole, sessions, rules) = (histories(runs, 0), sessions(runs, 0), Rules::default());
    let mut flaky: BTreeSet<(ConfigId, u32)> = BTreeSet::new();
    for (id, judgement) in whole.judged(&[TEST], &question()).iter().flat_map(|judged| &judged.places) {
        let cells = whole.on(TEST, *id);
        flaky.extend(judgement.flaky_cells(&cells, &rules).map(|cell| (*id, cell.position)));
    }
    let is_flaky = |run: &&&Run| {
        let position = sessions.position(run.configuration, run.commit, run.start);
        position.is_some_and(|position| flaky.contains(&(run.configuration, position)))
    };
    let asked: Vec<&Run> = runs.iter().filter(|run| run.start >= since).collect();
    let failed = |runs: &[&&Run]| runs.iter().filter(|run| run.has_failed).count() as u32;
    let (all, flaky): (Vec<&&Run>, Vec<&&Run>) = (asked.iter().collect(), asked.iter().filter(is_flaky).collect());
    let spoilt = flaky.iter().filter(|run| run.has_failed).map(|run| (run.configuration.0, run.start));
    ((all.len() as u32, failed(&all)), (flaky.len() as u32, failed(&flaky)), spoilt.collect())
}

proptest! {
    /// A shorter time has nothing that a longer one lacks: who is flaky in it is flaky in the longer one.
    #[test]
    fn what_is_counted_is_what_started_in_the_time_asked_about(
        runs in runs(), since in 0..600 * HOUR, earlier in 0..600 * HOUR
    ) {
        let found = counted(&runs, since);
        prop_assert_eq!(&found, &model(&runs, since));
        let longer = counted(&runs, since.saturating_sub(earlier));
        prop_assert!(found.2.is_subset(&longer.2));
        prop_assert!(found.0.0 <= longer.0.0 && found.1.0 <= longer.1.0);
    }

    /// Where all of a history is asked about, a flaky stretch has what its judgement says.
    #[test]
    fn of_the_whole_time_a_stretch_is_that_of_the_judgement(runs in runs()) {
        let (histories, rules) = (histories(&runs, 0), Rules::default());
        for (id, judgement) in histories.judged(&[TEST], &question()).iter().flat_map(|judged| &judged.places) {
            let stretches = histories.flaky_stretches(TEST, *id, judgement, &rules);
            let found: Vec<Evidence> = stretches.iter().map(|stretch| Evidence::of(stretch)).collect();
            let judged: Vec<Evidence> = judgement.flaky_evidence(&rules).copied().collect();
            prop_assert_eq!(found, judged);
        }
    }
}

#[test]
fn of_a_session_the_runs_since_then_count() {
    let run =
        |start, has_failed| Run { configuration: ConfigId(1), commit: CommitKey(1), start: start * HOUR, has_failed };
    let runs = [run(1, true), run(2, false), run(3, true), run(20, false)];
    let asked = |since: u32| histories(&runs, since * HOUR).asked_on(TEST, ConfigId(1)).to_vec();
    let told =
        |since| asked(since).iter().map(|cell| (cell.runs, cell.failed, cell.first_start / HOUR)).collect::<Vec<_>>();
    assert_eq!(told(0), [(3, 2, 1), (1, 0, 20)]);
    assert_eq!(told(2), [(2, 1, 2), (1, 0, 20)]);
    assert_eq!(told(4), [(1, 0, 20)]);
    assert_eq!(told(21), []);
}
