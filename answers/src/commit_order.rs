//! The order of commits along a branch: identifiers order them, clocks only where there is nothing better.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use schema::ids::CommitKey;

use crate::reads::histories::IdentifiedCommit;

/// The place of each of some commits among them, 0 for the oldest.
#[derive(Debug, Default)]
pub(crate) struct CommitOrder(HashMap<CommitKey, u32>);

impl CommitOrder {
    /// The order of commits as their identifiers and clocks have it.
    ///
    /// Commits of one branch whose identifiers are known change places among each other until their identifiers ascend.
    /// All others stay where their clocks put them, and so do those of a branch whose identifiers contradict the clocks of
    /// most of its commits: such identifiers were not counted along the branch.
    pub(crate) fn new(keys: &BTreeSet<CommitKey>, identified: &[IdentifiedCommit]) -> Self {
        let by_clock: Vec<CommitKey> = keys.iter().copied().collect();
        let mut branches: HashMap<(&str, &str), Vec<(u64, usize)>> = HashMap::new();
        for IdentifiedCommit { uuid, repository, identifier } in identified {
            let Some((number, branch)) = identifier.split_once('@') else { continue };
            // An identifier `P.N@branch` counts from the commit P of the default branch.
            let number = number.rsplit('.').next().and_then(|number| number.parse().ok());
            if let (Some(number), Ok(place)) = (number, by_clock.binary_search(uuid)) {
                branches.entry((repository, branch)).or_default().push((number, place));
            }
        }
        // Commits of several repositories may share a place: these are commits of the branch that has most of them.
        let mut branches: Vec<_> = branches.into_iter().collect();
        branches.sort_unstable_by_key(|(branch, commits)| (Reverse(commits.len()), *branch));
        let mut taken = HashSet::new();
        let mut ordered = by_clock.clone();
        for (_, mut commits) in branches {
            commits.sort_unstable_by_key(|(number, place)| (*place, *number));
            commits.retain(|(_, place)| taken.insert(*place));
            commits.sort_unstable_by_key(|(_, place)| *place);
            let places: Vec<usize> = commits.iter().map(|(_, place)| *place).collect();
            if 2 * longest_ascending(commits.iter().map(|(number, _)| *number)) < commits.len() {
                continue;
            }
            commits.sort_unstable();
            for (place, (_, of)) in places.into_iter().zip(commits) {
                ordered[place] = by_clock[of];
            }
        }
        Self(ordered.into_iter().zip(0..).collect())
    }

    /// The place of a commit; a commit of which nothing is known comes last.
    pub(crate) fn place(&self, commit: CommitKey) -> u32 {
        self.0.get(&commit).copied().unwrap_or(u32::MAX)
    }
}

/// How many of some numbers ascend at most, when others are left out.
fn longest_ascending(numbers: impl Iterator<Item = u64>) -> usize {
    // The smallest number that a row of each length can end with.
    let mut ends: Vec<u64> = Vec::new();
    for number in numbers {
        match ends.partition_point(|end| *end < number) {
            length if length == ends.len() => ends.push(number),
            length => ends[length] = number,
        }
    }
    ends.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: &[u64], identified: &[(u64, &'static str)]) -> Vec<u64> {
        let of = |(key, identifier): &(u64, &'static str)| (*key, "webkit", *identifier);
        order_of(keys, &identified.iter().map(of).collect::<Vec<_>>())
    }

    fn order_of(keys: &[u64], identified: &[(u64, &str, &str)]) -> Vec<u64> {
        let keys: BTreeSet<CommitKey> = keys.iter().copied().map(CommitKey).collect();
        let commit = |(key, repository, identifier): &(u64, &str, &str)| IdentifiedCommit {
            uuid: CommitKey(*key),
            repository: (*repository).to_owned(),
            identifier: (*identifier).to_owned(),
        };
        let order = CommitOrder::new(&keys, &identified.iter().map(commit).collect::<Vec<_>>());
        let mut sorted: Vec<u64> = keys.iter().map(|key| key.0).collect();
        sorted.sort_by_key(|key| order.place(CommitKey(*key)));
        sorted
    }

    #[test]
    fn another_repository_in_the_same_seconds_changes_nothing() {
        let own = [(10, "own", "1@main"), (20, "own", "3@main"), (30, "own", "2@main"), (40, "own", "4@main")];
        let others = [(30, "another", "7@main"), (20, "another", "6@main"), (10, "another", "9@main")];
        for rows in [[&own[..], &others[..]].concat(), [&others[..], &own[..]].concat()] {
            assert_eq!(order_of(&[10, 20, 30, 40], &rows), [10, 30, 20, 40]);
        }
        let all = own.map(|(key, _, identifier)| (key, "another", identifier));
        let mixed: Vec<_> = own.into_iter().zip(all).flat_map(|(one, other)| [one, other]).collect();
        assert_eq!(order_of(&[10, 20, 30, 40], &mixed), [10, 30, 20, 40]);
    }

    #[test]
    fn identifiers_order_a_branch() {
        assert_eq!(order(&[10, 20, 30], &[]), [10, 20, 30]);
        assert_eq!(order(&[10, 20, 30], &[(10, "7@main"), (20, "9@main"), (30, "8@main")]), [10, 30, 20]);
        // A commit without identifier stays where its clock put it.
        assert_eq!(order(&[10, 20, 30], &[(10, "9@main"), (30, "8@main")]), [30, 20, 10]);
        // Numbers that start anew again and again are no order.
        let anew = [(10, "7@main"), (20, "8@main"), (30, "1@main"), (40, "2@main"), (50, "0@main")];
        assert_eq!(order(&[10, 20, 30, 40, 50], &anew), [10, 20, 30, 40, 50]);
        // Numbers of different branches do not compare.
        assert_eq!(order(&[10, 20], &[(10, "9@main"), (20, "1.2@safari")]), [10, 20]);
        assert_eq!(order(&[10, 20], &[(10, "5.10@safari"), (20, "5.9@safari")]), [20, 10]);
    }
}
