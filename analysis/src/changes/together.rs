//! Changes that are too young, or were too short, for the results of one history to prove them: several histories that changed
//! on one commit are evidence together.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use schema::ids::{CommitKey, ConfigId};

use super::OutlinedSuite;
use super::candidate::{Candidate, Direction, EndedEpisode, LEAST_SURPRISE, Shift};
use super::candidates::Places;
use super::scopes::Scope;

/// The share of a suite's tests from which on a single bad run is taken for an outage, until another run confirms it.
const OUTAGE_SHARE: f64 = 0.3;

/// So few tests that fail together are no outage, however small the suite.
const FEW_TESTS: f64 = 3.0;

/// The episodes that are likely, alone or together: for each the change with which it began and the one with which it ended.
pub(super) fn accepted_episodes(
    suite: &OutlinedSuite<'_>,
    episodes: &[EndedEpisode],
    places: &Places<'_>,
    prior: f64,
) -> Vec<Candidate> {
    let begins: Vec<Shift> = episodes.iter().map(|episode| episode.begin).collect();
    // Two changes have to be likely.
    let (mut accepted, _) = accepted(suite, &begins, places, prior * prior);
    let begun: FxHashSet<(usize, usize)> = accepted.iter().map(|begin| begin.shift.place()).collect();
    let has_begun = |episode: &&EndedEpisode| begun.contains(&episode.begin.place());
    accepted.extend(places.of_ended(&episodes.iter().filter(has_begun).collect::<Vec<_>>()));
    accepted
}

/// Those that are likely, alone or together, and the rest of those that another change may explain.
pub(super) fn accepted(
    suite: &OutlinedSuite<'_>,
    shifts: &[Shift],
    places: &Places<'_>,
    prior: f64,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let scopes = in_scopes(suite, shifts, prior);
    // Where a change may lie is only asked of those that it may matter of.
    let mut index_of: Vec<Option<usize>> = vec![None; shifts.len()];
    let mut kept = Vec::new();
    let mut is_in_scope = vec![false; shifts.len()];
    for index in scopes.iter().flat_map(|scope| &scope.members) {
        is_in_scope[*index] = true;
    }
    for (index, shift) in shifts.iter().enumerate() {
        if is_in_scope[index] || shift.surprise > LEAST_SURPRISE {
            index_of[index] = Some(kept.len());
            kept.push(*shift);
        }
    }
    let candidates = places.of_unsure(&kept);
    let mut is_accepted = vec![false; candidates.len()];
    for InScope { size, members } in scopes {
        let members: Vec<usize> = members.into_iter().filter_map(|index| index_of[index]).collect();
        for together in by_commit(&candidates, &members).into_values() {
            let surprises = together.iter().map(|index| candidates[*index].shift.surprise);
            let likely = likely_together(surprises, size, prior);
            for index in &together[..likely] {
                is_accepted[*index] = true;
            }
        }
    }
    let mut is_accepted = is_accepted.into_iter();
    candidates.into_iter().partition(|_| is_accepted.next().unwrap_or(false))
}

/// Shifts that have something in common, the most surprising first.
struct InScope {
    /// How many histories there are in the scope.
    size: usize,
    members: Vec<usize>,
}

/// Shifts by what they have in common, without those that cannot make a change of it likelier.
fn in_scopes(suite: &OutlinedSuite<'_>, shifts: &[Shift], prior: f64) -> Vec<InScope> {
    let outage = outages(suite, shifts);
    let mut scopes = Vec::new();
    for scope in Scope::ALL {
        let mut by_number: FxHashMap<(Direction, u32), Vec<usize>> = FxHashMap::default();
        for (index, shift) in shifts.iter().enumerate().filter(|(index, _)| !outage.contains(index)) {
            let number = suite.scopes.number(scope, shift.subject);
            by_number.entry((shift.direction, number)).or_default().push(index);
        }
        for ((_, number), mut members) in by_number {
            let size = suite.scopes.size(scope, number);
            let least = least_surprise(members.len(), size);
            members.retain(|index| shifts[*index].surprise > least);
            let most: f64 = members.iter().map(|index| shifts[*index].surprise).sum();
            if most + prior.ln() > 0.0 {
                members.sort_by(|one, other| shifts[*other].surprise.total_cmp(&shifts[*one].surprise));
                scopes.push(InScope { size, members });
            }
        }
    }
    scopes
}

/// The candidates that each commit may have done that is the likeliest of one of them, in their order.
fn by_commit(candidates: &[Candidate], members: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let modes = members.iter().map(|index| (candidates[*index].place.mode(), Vec::new()));
    let mut together: BTreeMap<usize, Vec<usize>> = modes.collect();
    for index in members {
        for commits in candidates[*index].place.plausible() {
            together.range_mut(commits).for_each(|(_, those)| those.push(*index));
        }
    }
    together
}

/// What is less surprising makes no change likelier, of so many histories of a scope at most: telling one more of them costs
/// the least where all of them are told, and nothing where that is the whole scope.
fn least_surprise(most: usize, size: usize) -> f64 {
    if most < size { ln_choice(most, size) } else { f64::NEG_INFINITY }
}

/// By what the logarithm of the number of ways to choose `count` of `size` exceeds that of one fewer.
fn ln_choice(count: usize, size: usize) -> f64 {
    ((size - count + 1) as f64 / count as f64).ln()
}

/// How many of the most surprising candidates of a commit, whose surprises descend, are likely together: as many as make the
/// change likeliest. Which histories of the scope they are has to be told, and that there is a change at all.
fn likely_together(surprises: impl Iterator<Item = f64>, size: usize, prior: f64) -> usize {
    let (mut sum, mut most, mut likely) = (prior.ln(), 0.0, 0);
    let mut ln_choices = 0.0;
    for (count, surprise) in (1..).zip(surprises) {
        sum += surprise;
        // The number of ways to choose `count` of `size`, or of as many as there are.
        ln_choices = if count < size { ln_choices + ln_choice(count, size) } else { 0.0 };
        let evidence = sum - ln_choices;
        if evidence > most {
            (most, likely) = (evidence, count);
        }
    }
    likely
}

/// Shifts that are one bad run of a configuration in which a large share of all tests failed, unless it is the newest and other
/// configurations had such a run as well.
fn outages(suite: &OutlinedSuite<'_>, shifts: &[Shift]) -> BTreeSet<usize> {
    let mut by_run: BTreeMap<(ConfigId, Option<CommitKey>), Vec<usize>> = BTreeMap::new();
    let is_newest = |shift: &Shift| shift.to == suite.outlines[shift.subject].cells();
    for (index, shift) in shifts.iter().enumerate() {
        if shift.direction == Direction::Worse && shift.at + 1 == shift.to {
            let commit = match is_newest(shift) {
                true => suite.outlines[shift.subject].newest(),
                false => suite.cells(shift.subject).get(shift.at).map(|cell| cell.commit),
            };
            by_run.entry((suite.subjects[shift.subject].configuration, commit)).or_default().push(index);
        }
    }
    let most = (OUTAGE_SHARE * f64::from(suite.tests)).max(FEW_TESTS);
    by_run.retain(|_, run| run.len() as f64 > most);
    let is_of_newest = |run: &Vec<usize>| run.iter().any(|index| is_newest(&shifts[*index]));
    let newest = by_run.iter().filter(|(_, run)| is_of_newest(run));
    let configurations: BTreeSet<ConfigId> = newest.map(|((configuration, _), _)| *configuration).collect();
    by_run.retain(|_, run| configurations.len() < 2 || !is_of_newest(run));
    by_run.into_values().flatten().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_left_out_would_not_be_told(
            mut surprises in prop::collection::vec(0.0..12.0f64, 1..40),
            others in 0usize..400,
        ) {
            surprises.sort_by(|one, other| other.total_cmp(one));
            let (size, prior) = (surprises.len().saturating_sub(5).max(1) + others, 1e-4);
            let least = least_surprise(surprises.len(), size);
            let kept: Vec<f64> = surprises.iter().copied().filter(|surprise| *surprise > least).collect();
            let likely = likely_together(surprises.iter().copied(), size, prior);
            prop_assert_eq!(likely, likely_together(kept.iter().copied(), size, prior));
            if kept.iter().sum::<f64>() + prior.ln() <= 0.0 {
                prop_assert_eq!(likely, 0);
            }
        }
    }
}
