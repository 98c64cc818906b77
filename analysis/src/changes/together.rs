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
    // Two changes have to be likely.
    let prior = prior * prior;
    let of_direction = |direction: &Direction| beside_others(episodes, *direction, prior);
    let episodes: Vec<&EndedEpisode> = Direction::ALL.iter().flat_map(of_direction).collect();
    let begins: Vec<Shift> = episodes.iter().map(|episode| episode.begin).collect();
    let (mut accepted, _) = accepted(suite, &begins, places, prior, |_| false);
    let begun: FxHashSet<(usize, usize)> = accepted.iter().map(|begin| begin.shift.place()).collect();
    let has_begun = |episode: &&EndedEpisode| begun.contains(&episode.begin.place());
    accepted.extend(places.of_ended(&episodes.into_iter().filter(has_begun).collect::<Vec<_>>()));
    accepted
}

/// The episodes that went one way, and that could be likely together with all others that may have begun on one of their commits.
fn beside_others(episodes: &[EndedEpisode], direction: Direction, prior: f64) -> Vec<&EndedEpisode> {
    let of_direction: Vec<&EndedEpisode> =
        episodes.iter().filter(|episode| episode.begin.direction == direction).collect();
    let surprises = |place: fn(&EndedEpisode) -> u32| {
        let all = of_direction.iter().map(|episode| (place(episode), episode.begin.surprise));
        Surprises::of(all.collect())
    };
    let (befores, firsts) = (surprises(|episode| episode.between.0), surprises(|episode| episode.between.1));
    let is_likely = |episode: &&EndedEpisode| {
        let (before, first) = episode.between;
        // Whatever began after the cell before, without what cannot have begun by the first.
        firsts.from(before + 1) - befores.from(first) + prior.ln() > 0.0
    };
    of_direction.iter().copied().filter(is_likely).collect()
}

/// Sums of surprises from a place on.
struct Surprises(Vec<(u32, f64)>);

impl Surprises {
    fn of(mut all: Vec<(u32, f64)>) -> Self {
        all.sort_unstable_by_key(|(place, _)| *place);
        let mut sum = 0.0;
        for (_, surprise) in all.iter_mut().rev() {
            sum += *surprise;
            *surprise = sum;
        }
        Self(all)
    }

    fn from(&self, place: u32) -> f64 {
        let first = self.0.partition_point(|(other, _)| *other < place);
        self.0.get(first).map_or(0.0, |(_, sum)| *sum)
    }
}

/// The shifts of the newest results that are likely, alone or together, and the rest of those that another change may explain.
pub(super) fn accepted_newest(
    suite: &OutlinedSuite<'_>,
    shifts: &[Shift],
    places: &Places<'_>,
    prior: f64,
) -> (Vec<Candidate>, Vec<Candidate>) {
    accepted(suite, shifts, places, prior, |shift| shift.surprise > LEAST_SURPRISE)
}

/// Those that are likely, alone or together, and the rest of those that are kept all the same.
fn accepted(
    suite: &OutlinedSuite<'_>,
    shifts: &[Shift],
    places: &Places<'_>,
    prior: f64,
    is_kept: impl Fn(&Shift) -> bool,
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
        if is_in_scope[index] || is_kept(shift) {
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
        fn episodes_that_are_left_out_have_too_few_beside_them(
            episodes in prop::collection::vec((0u32..30, 1u32..4, 4.0..9.0f64), 0..20),
        ) {
            let shift = Shift {
                subject: 0, from: 0, at: 1, to: 2, direction: Direction::Worse, is_even: true, is_first: true, surprise: 0.0,
            };
            let episode = |(before, width, surprise): &(u32, u32, f64)| {
                let begin = Shift { surprise: *surprise, ..shift };
                EndedEpisode { begin, end: begin, next: 3, between: (*before, before + width) }
            };
            let all: Vec<EndedEpisode> = episodes.iter().map(episode).collect();
            // The plain model: the sum over all that may have begun on a commit of its own.
            let is_beside = |one: &EndedEpisode, other: &EndedEpisode| {
                one.between.0.max(other.between.0) < one.between.1.min(other.between.1)
            };
            let sum = |one: &EndedEpisode| -> f64 {
                all.iter().filter(|other| is_beside(one, other)).map(|other| other.begin.surprise).sum()
            };
            let expected: Vec<(u32, u32)> =
                all.iter().filter(|one| sum(one) + 1e-8f64.ln() > 0.0).map(|one| one.between).collect();
            let found: Vec<(u32, u32)> =
                beside_others(&all, Direction::Worse, 1e-8).into_iter().map(|one| one.between).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(beside_others(&all, Direction::Better, 1e-8).is_empty());
        }

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
