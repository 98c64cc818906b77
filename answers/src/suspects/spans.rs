//! Which commits came into the runs of a suite, by repository.

use std::collections::{BTreeMap, HashMap};

use schema::ids::{CommitKey, ConfigId};

/// A branch of a repository.
type Branch = (String, String);
/// The first and the last of some commits that follow each other.
type Span = (CommitKey, CommitKey);

/// A run: where it stands, and the branches of which it names commits.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamingRun<'a> {
    pub(super) configuration: ConfigId,
    pub(super) commit: CommitKey,
    pub(super) named: &'a [Branch],
}

/// The commits of each branch that came into runs: on each configuration those after the last run that did not yet name the
/// branch, up to the last one that does. What lies between two runs that name it came into the later one, even if a run
/// between them does not name it.
#[derive(Debug, Default)]
pub(super) struct Spans(BTreeMap<String, BTreeMap<String, Vec<Span>>>);

impl Spans {
    /// Of the runs of a suite, in any order. Where histories go back further than these runs on a configuration, what its
    /// first run names is taken to have been named before.
    pub(super) fn of(mut runs: Vec<NamingRun<'_>>, goes_back: impl Fn(ConfigId, CommitKey) -> bool) -> Self {
        runs.sort_unstable_by_key(|run| (run.configuration, run.commit));
        let mut all: BTreeMap<&Branch, Vec<Span>> = BTreeMap::new();
        for of_configuration in runs.chunk_by(|one, other| one.configuration == other.configuration) {
            let mut spans: HashMap<&Branch, Span> = HashMap::new();
            let mut before: Option<CommitKey> = None;
            for of_commit in of_configuration.chunk_by(|one, other| one.commit == other.commit) {
                let NamingRun { configuration, commit, .. } = of_commit[0];
                let begin = match before {
                    Some(before) => before.next(),
                    None if goes_back(configuration, commit) => CommitKey::FIRST,
                    None => commit,
                };
                for branch in of_commit.iter().flat_map(|run| run.named) {
                    spans.entry(branch).or_insert((begin, commit)).1 = commit;
                }
                before = Some(commit);
            }
            for (branch, span) in spans {
                all.entry(branch).or_default().push(span);
            }
        }
        let mut found = Self::default();
        for ((repository, branch), spans) in all {
            found.0.entry(repository.clone()).or_default().insert(branch.clone(), merged(spans));
        }
        found
    }

    /// The branches, each as repository and branch.
    pub(super) fn branches(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(repository, branches)| {
            branches.keys().map(move |branch| (repository.as_str(), branch.as_str()))
        })
    }

    /// Whether a commit of a branch came into runs.
    pub(super) fn has(&self, repository: &str, branch: &str, commit: CommitKey) -> bool {
        let spans = self.0.get(repository).and_then(|branches| branches.get(branch)).map_or(&[][..], Vec::as_slice);
        spans.iter().any(|(begin, end)| (*begin..=*end).contains(&commit))
    }
}

/// Spans without those that overlap, the oldest first.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for (begin, end) in spans {
        match merged.last_mut() {
            Some((_, last)) if begin <= *last => *last = end.max(*last),
            _ => merged.push((begin, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(repository: &str) -> Branch {
        (repository.to_owned(), "main".to_owned())
    }

    /// The commits from 1 to 50 of each repository that came into runs, each given by its configuration, its commit and the
    /// repositories that it names.
    fn came(runs: &[(u64, u64, &str)], goes_back: bool) -> Vec<(String, Vec<u64>)> {
        let named: Vec<Vec<Branch>> =
            runs.iter().map(|(.., named)| named.split_whitespace().map(branch).collect()).collect();
        let run = |((configuration, commit, _), named): (&(u64, u64, &str), _)| {
            let (configuration, commit) = (ConfigId(*configuration), CommitKey(*commit));
            NamingRun { configuration, commit, named }
        };
        let naming = runs.iter().zip(named.iter().map(Vec::as_slice)).map(run).collect();
        let spans = Spans::of(naming, |_, _| goes_back);
        let of = |(repository, branch): (&str, &str)| {
            let keys = (1..=50).filter(|key| spans.has(repository, branch, CommitKey(*key))).collect();
            (repository.to_owned(), keys)
        };
        spans.branches().map(of).collect()
    }

    fn expected(all: &[(&str, &[std::ops::RangeInclusive<u64>])]) -> Vec<(String, Vec<u64>)> {
        let keys = |ranges: &[std::ops::RangeInclusive<u64>]| ranges.iter().cloned().flatten().collect();
        all.iter().map(|(repository, ranges)| ((*repository).to_owned(), keys(ranges))).collect()
    }

    #[test]
    fn a_repository_that_came_later_counts_from_the_run_before_and_one_that_left_up_to_its_last() {
        let runs = [(1, 10, "a"), (1, 20, "a"), (1, 30, "a b"), (1, 40, "b")];
        assert_eq!(came(&runs, false), expected(&[("a", &[10..=30]), ("b", &[21..=40])]));
        assert_eq!(came(&runs, true), expected(&[("a", &[1..=30]), ("b", &[21..=40])]));
    }

    #[test]
    fn a_run_that_names_less_hides_nothing_that_came_meanwhile() {
        let runs = [(1, 10, "a b"), (1, 20, "a"), (1, 30, "a b")];
        assert_eq!(came(&runs, false), expected(&[("a", &[10..=30]), ("b", &[10..=30])]));
        // Two runs of one commit are one place.
        let again = [(1, 10, "a"), (1, 20, "a"), (1, 20, "a b")];
        assert_eq!(came(&again, false), expected(&[("a", &[10..=20]), ("b", &[11..=20])]));
    }

    #[test]
    fn each_configuration_has_its_own_runs() {
        let runs = [(1, 10, "a"), (1, 40, "a"), (2, 12, "a"), (2, 14, "a b"), (3, 20, "b"), (3, 24, "b")];
        assert_eq!(came(&runs, false), expected(&[("a", &[10..=40]), ("b", &[13..=14, 20..=24])]));
    }
}
