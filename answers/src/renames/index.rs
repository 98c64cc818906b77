//! Which test a result belongs to, and under which names the results of a test are found.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use schema::ids::TestId;
use schema::store::rows::RenameRow;

/// Tenures of one test that are looked at, the newest.
const MAX_TENURES: usize = 50;

/// The other names of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherNames {
    /// Names that it had, the last one first.
    pub former: Vec<String>,
    /// The name under which its history goes on, if it was given up for another.
    pub successor: Option<String>,
}

/// A time in which the results of a name belong to a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenure {
    /// The identity of the name.
    pub(crate) test: TestId,
    /// Runs that started from here on, seconds since 1970.
    pub(crate) since: u32,
    /// Runs that started before, seconds since 1970; none if the name is still the test's.
    pub(crate) until: Option<u32>,
}

/// Where a name was given up for another.
#[derive(Debug, Hash)]
struct Handover {
    /// Seconds since 1970.
    at: u32,
    /// The name under which the history goes on now.
    current: Arc<str>,
}

/// A name that a test had.
#[derive(Debug)]
struct FormerName {
    name: Arc<str>,
    since: u32,
    until: u32,
}

/// The open renames of a suite, by test.
#[derive(Debug, Default)]
pub(crate) struct Renames {
    suite: String,
    /// By the name that was given up, in the order of time.
    handovers: HashMap<TestId, Vec<Handover>>,
    /// By the name under which the history goes on, the last one first.
    former: HashMap<TestId, Vec<FormerName>>,
}

/// All follows from where names were given up.
impl Hash for Renames {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mut handovers: Vec<(&TestId, &Vec<Handover>)> = self.handovers.iter().collect();
        handovers.sort_unstable_by_key(|(name, _)| **name);
        handovers.hash(hasher);
    }
}

impl Renames {
    /// Of two renames of one name at one time the first row counts.
    pub(crate) fn new(suite: &str, rows: &[RenameRow]) -> Self {
        let mut hops: Vec<(&str, u32, &str)> =
            rows.iter().map(|row| (row.from_test.as_str(), row.renamed_at, row.to_test.as_str())).collect();
        hops.sort_by_key(|(from, at, _)| (*from, *at));
        hops.dedup_by_key(|(from, at, _)| (*from, *at));
        // A hop leads to the next one of its name, which is always later: whoever begins with the last needs no second look.
        let mut order: Vec<usize> = (0..hops.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(hops[*index].1));
        let mut ends: Vec<Option<Arc<str>>> = vec![None; hops.len()];
        for index in order {
            let (_, at, to) = hops[index];
            let next = hops.partition_point(|(from, when, _)| (*from, *when) <= (to, at));
            let goes_on = hops.get(next).filter(|(from, ..)| *from == to).and_then(|_| ends[next].clone());
            ends[index] = Some(goes_on.unwrap_or_else(|| Arc::from(to)));
        }
        let mut renames = Self { suite: suite.to_owned(), ..Self::default() };
        for ((from, at, to), end) in hops.iter().zip(ends) {
            let current = end.unwrap_or_else(|| Arc::from(*to));
            let given_up = renames.handovers.entry(TestId::of(suite, from)).or_default();
            let since = given_up.last().map_or(0, |before| before.at);
            given_up.push(Handover { at: *at, current: Arc::clone(&current) });
            let former = FormerName { name: Arc::from(*from), since, until: *at };
            renames.former.entry(TestId::of(suite, &current)).or_default().push(former);
        }
        for former in renames.former.values_mut() {
            former.sort_by(|one, other| other.until.cmp(&one.until).then_with(|| one.name.cmp(&other.name)));
        }
        renames
    }

    /// How many names were given up.
    pub(super) fn len(&self) -> usize {
        self.handovers.len()
    }

    /// Whether every result belongs to the test that has its name.
    pub(crate) fn is_empty(&self) -> bool {
        self.handovers.is_empty()
    }

    /// The test to which a name's result belongs in a run that started at a time, seconds since 1970.
    pub(crate) fn current<'a>(&'a self, test: &'a str, start: u32) -> &'a str {
        if self.handovers.is_empty() {
            return test;
        }
        self.handover(TestId::of(&self.suite, test), start).map_or(test, |handover| &handover.current)
    }

    /// The same by identity.
    pub(crate) fn current_id(&self, test: TestId, start: u32) -> TestId {
        self.handover(test, start).map_or(test, |handover| TestId::of(&self.suite, &handover.current))
    }

    /// The first handover after a time.
    fn handover(&self, test: TestId, start: u32) -> Option<&Handover> {
        let given_up = self.handovers.get(&test)?;
        given_up.get(given_up.partition_point(|handover| handover.at <= start))
    }

    /// Every test to which results of some names may belong, once, in the order of the names.
    pub(crate) fn owners(&self, names: Vec<String>) -> Vec<String> {
        if self.handovers.is_empty() {
            return names;
        }
        let mut known = BTreeSet::new();
        let mut owners = Vec::with_capacity(names.len());
        for name in names {
            let given_up = self.handovers.get(&TestId::of(&self.suite, &name));
            let current = given_up.into_iter().flatten().map(|handover| handover.current.to_string());
            for owner in current.chain([name.clone()]) {
                if known.insert(owner.clone()) {
                    owners.push(owner);
                }
            }
        }
        owners
    }

    /// The times in which results belong to a test; the first is that of its own name.
    pub(crate) fn tenures(&self, test: TestId) -> Vec<Tenure> {
        let since = self.handovers.get(&test).and_then(|given_up| given_up.last()).map_or(0, |last| last.at);
        let former = self.former.get(&test).into_iter().flatten().map(|former| Tenure {
            test: TestId::of(&self.suite, &former.name),
            since: former.since,
            until: Some(former.until),
        });
        std::iter::once(Tenure { test, since, until: None }).chain(former).take(MAX_TENURES).collect()
    }

    /// Every name under which results of some tests are found, by identity.
    pub(crate) fn names(&self, tests: &BTreeSet<TestId>) -> BTreeSet<TestId> {
        if self.handovers.is_empty() {
            return tests.clone();
        }
        tests.iter().flat_map(|test| self.tenures(*test)).map(|tenure| tenure.test).collect()
    }

    /// The name under which the history of a name goes on, if it was given up for another.
    pub(crate) fn successor(&self, test: &str) -> Option<&str> {
        let last = self.handovers.get(&TestId::of(&self.suite, test))?.last()?;
        Some(&*last.current).filter(|current| *current != test)
    }

    /// A name, and the one under which its history goes on, if there is another: who asks about a test may know it from
    /// before a rename.
    pub(crate) fn known_as<'a>(&'a self, test: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::once(test).chain(self.successor(test))
    }

    /// The oldest name of a test, by which it is known outside: identities of findings and changes go by it, so that a
    /// rename makes none of them news.
    pub(crate) fn first_name<'a>(&'a self, test: &'a str) -> &'a str {
        let former = self.former.get(&TestId::of(&self.suite, test)).and_then(|former| former.last());
        former.map_or(test, |former| &former.name)
    }

    pub(super) fn other_names(&self, test: &str) -> OtherNames {
        let mut former: Vec<String> = Vec::new();
        for FormerName { name, .. } in self.former.get(&TestId::of(&self.suite, test)).into_iter().flatten() {
            if **name != *test && former.len() < MAX_TENURES && !former.iter().any(|known| **known == **name) {
                former.push(name.to_string());
            }
        }
        OtherNames { former, successor: self.successor(test).map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn renames(hops: &[(&str, &str, u32)]) -> Renames {
        let row = |(from, to, at): &(&str, &str, u32)| RenameRow {
            suite: "s".into(),
            from_test: (*from).to_owned(),
            to_test: (*to).to_owned(),
            renamed_at: *at,
            is_open: 1,
            recorded_at: 0,
            version: 0,
        };
        Renames::new("s", &hops.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn what_started_before_a_rename_belongs_to_the_new_name() {
        let one = renames(&[("a", "b", 10)]);
        assert_eq!([0, 9, 10, 11].map(|start| one.current("a", start)), ["b", "b", "a", "a"]);
        assert_eq!([0, 11].map(|start| one.current("b", start)), ["b", "b"]);
        let names = |test: &str| (one.other_names(test).former, one.other_names(test).successor);
        assert_eq!((names("b"), names("a")), ((vec!["a".into()], None), (vec![], Some("b".into()))));
        assert_eq!(names("c"), (vec![], None));
    }

    #[test]
    fn chains_are_followed_forward_in_time() {
        let chain = renames(&[("b", "c", 20), ("a", "b", 10)]);
        assert_eq!([5, 15, 25].map(|start| chain.current("a", start)), ["c", "a", "a"]);
        assert_eq!([5, 15, 25].map(|start| chain.current("b", start)), ["c", "c", "b"]);
        assert_eq!(chain.other_names("c").former, ["b", "a"]);
        assert_eq!(["a", "b", "c", "d"].map(|name| chain.first_name(name)), ["a", "b", "a", "d"]);
        // The name b was free again when a took it.
        let reused = renames(&[("b", "c", 5), ("a", "b", 10)]);
        assert_eq!([3, 7].map(|start| reused.current("a", start)), ["b", "b"]);
        assert_eq!([3, 7].map(|start| reused.current("b", start)), ["c", "b"]);
    }

    #[test]
    fn names_may_be_swapped_and_returned_to() {
        let swapped = renames(&[("a", "b", 10), ("b", "a", 10)]);
        assert_eq!((swapped.current("a", 9), swapped.current("b", 9)), ("b", "a"));
        assert_eq!((swapped.current("a", 10), swapped.current("b", 10)), ("a", "b"));
        let back = renames(&[("a", "b", 10), ("b", "a", 20)]);
        assert_eq!([5, 15, 25].map(|start| back.current("a", start)), ["a", "a", "a"]);
        assert_eq!([15, 25].map(|start| back.current("b", start)), ["a", "b"]);
        let names = back.other_names("a");
        assert_eq!((names.former, names.successor), (vec!["b".to_owned()], None));
    }

    #[test]
    fn a_name_that_was_given_up_twice_has_two_successors() {
        let twice = renames(&[("a", "b", 10), ("a", "c", 20)]);
        assert_eq!([5, 15, 25].map(|start| twice.current("a", start)), ["b", "c", "a"]);
        assert_eq!(twice.other_names("a").successor.as_deref(), Some("c"));
        assert_eq!(twice.owners(vec!["a".into(), "b".into(), "d".into()]), ["b", "c", "a", "d"]);
    }

    #[test]
    fn long_chains_end_and_are_cut() {
        let names: Vec<String> = (0..20_000).map(|number| format!("{number}")).collect();
        let hops: Vec<(&str, &str, u32)> =
            names.windows(2).zip(1..).map(|(pair, at)| (pair[0].as_str(), pair[1].as_str(), at)).collect();
        let chain = renames(&hops);
        assert_eq!(chain.current("0", 0), "19999");
        assert_eq!(chain.tenures(TestId::of("s", "19999")).len(), MAX_TENURES);
    }

    proptest! {
        /// Each result belongs to one test, and lies in that test's tenures and in no other's.
        #[test]
        fn tenures_say_the_same_as_current_names(hops in proptest::collection::vec((0..4usize, 0..4usize, 0..8u32), 0..8)) {
            const NAMES: [&str; 4] = ["a", "b", "c", "d"];
            let hops: Vec<(&str, &str, u32)> = hops
                .into_iter()
                .filter(|(from, to, _)| from != to)
                .map(|(from, to, at)| (NAMES[from], NAMES[to], at))
                .collect();
            let renames = renames(&hops);
            for name in NAMES {
                for start in 0..9 {
                    let id = TestId::of("s", name);
                    let current = renames.current(name, start);
                    prop_assert_eq!(renames.current_id(id, start), TestId::of("s", current));
                    let holds = |tenure: &Tenure| {
                        tenure.test == id && tenure.since <= start && tenure.until.is_none_or(|until| start < until)
                    };
                    let owners: Vec<&str> = NAMES
                        .into_iter()
                        .filter(|test| renames.tenures(TestId::of("s", test)).iter().any(holds))
                        .collect();
                    prop_assert_eq!(&owners, &[current], "{} at {} of {:?}", name, start, &hops);
                    prop_assert!(renames.owners(vec![name.to_owned()]).iter().any(|owner| owner == current));
                }
            }
        }
    }
}
