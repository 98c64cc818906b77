//! Rosters: which tests ran in a run, and what was expected of those that were not just to pass.
//!
//! A roster is cut into parts by the first bits of test ids, and everything is named by the digest of its content: runs with
//! the same tests share a roster, and where a few tests come or go, rosters share all parts but a few.

use std::sync::Arc;

use super::passing;
use crate::ids::TestId;
use crate::state::States;

/// Tests of a part, on average at most.
const PART_TESTS: usize = 256;
/// What a part's content starts with.
const TESTS: u8 = b'T';
const EXPECTATIONS: u8 = b'E';
const ROSTER: u8 = b'R';
/// Bytes of an expectation: the test and the states.
const EXPECTATION_BYTES: usize = 10;
/// Bytes of an id.
const ID_BYTES: usize = 16;

/// Name of a roster or of a part of one: the first 16 bytes of the BLAKE3 digest of its content. 0 stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RosterId(pub u128);

impl RosterId {
    /// A run of which no roster is known.
    pub const NONE: Self = Self(0);

    pub(super) fn of(content: &[u8]) -> Self {
        let digest = blake3::hash(content);
        let (first, _) = digest.as_bytes().as_chunks::<ID_BYTES>();
        Self(first.first().map_or(0, |first| u128::from_le_bytes(*first)))
    }
}

/// A roster as it is stored: the contents of itself and of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// Its name.
    pub id: RosterId,
    /// It and its parts, each with its name.
    pub contents: Vec<(RosterId, Vec<u8>)>,
}

impl Roster {
    /// The roster of some tests, in any order, with what was expected of those that were not just to pass.
    pub(super) fn of(mut tests: Vec<u64>, mut expectations: Vec<(u64, u16)>) -> Self {
        tests.sort_unstable();
        expectations.sort_unstable();
        let mut root = vec![ROSTER];
        let mut contents = Vec::new();
        let (bits, parts) = cut(&tests, |test| *test);
        root.push(bits);
        for part in parts {
            add(&mut contents, &mut root, TESTS, part.iter().map(|test| test.to_le_bytes()));
        }
        let (bits, parts) = cut(&expectations, |(test, _)| *test);
        root.push(bits);
        for part in parts {
            let bytes = |(test, states): &(u64, u16)| {
                let mut bytes = [0; EXPECTATION_BYTES];
                bytes[..8].copy_from_slice(&test.to_le_bytes());
                bytes[8..].copy_from_slice(&states.to_le_bytes());
                bytes
            };
            add(&mut contents, &mut root, EXPECTATIONS, part.iter().map(bytes));
        }
        let id = RosterId::of(&root);
        contents.push((id, root));
        Self { id, contents }
    }
}

/// Adds a part to the contents, and its name to the roster's.
fn add<const N: usize>(
    contents: &mut Vec<(RosterId, Vec<u8>)>,
    root: &mut Vec<u8>,
    kind: u8,
    entries: impl Iterator<Item = [u8; N]>,
) {
    let content: Vec<u8> = std::iter::once(kind).chain(entries.flatten()).collect();
    let id = RosterId::of(&content);
    root.extend(id.0.to_le_bytes());
    contents.push((id, content));
}

/// Sorted entries in parts by the first bits of their ids; and how many bits.
pub(super) fn cut<T>(entries: &[T], id: impl Fn(&T) -> u64) -> (u8, Vec<&[T]>) {
    let parts = entries.len().div_ceil(PART_TESTS).next_power_of_two();
    let bits = parts.trailing_zeros();
    let mut rest = entries;
    let mut cut = Vec::with_capacity(parts);
    for part in 0..parts as u64 {
        let (before, after) = rest.split_at(rest.partition_point(|entry| part_of(id(entry), bits) <= part));
        cut.push(before);
        rest = after;
    }
    (bits as u8, cut)
}

/// The part of a test, where parts differ in so many bits.
fn part_of(test: u64, bits: u32) -> u64 {
    test.checked_shr(u64::BITS - bits).unwrap_or(0)
}

/// What one name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A roster: the names of its parts.
    Roster(PartNames),
    /// Tests by id.
    Tests(Arc<[u64]>),
    /// What was expected of tests that were not just to pass, by id.
    Expectations(Arc<[(u64, States)]>),
}

/// The names of a roster's parts, each in the order of their ids; each list has a power of two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartNames {
    /// Parts with the tests.
    pub tests: Arc<[RosterId]>,
    /// Parts with the expectations.
    pub expectations: Arc<[RosterId]>,
}

impl Part {
    /// Reads the content of a row of `rosters`; none if it is not well formed.
    pub fn read(content: &[u8]) -> Option<Self> {
        let (kind, rest) = content.split_first()?;
        match *kind {
            TESTS => Some(Self::Tests(rest.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())),
            EXPECTATIONS => {
                let entry = |bytes: &[u8; EXPECTATION_BYTES]| {
                    let [t0, t1, t2, t3, t4, t5, t6, t7, s0, s1] = *bytes;
                    let test = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
                    (test, States::from_bits(u16::from_le_bytes([s0, s1])))
                };
                Some(Self::Expectations(rest.as_chunks().0.iter().map(entry).collect()))
            }
            ROSTER => {
                let (tests, rest) = ids(rest)?;
                let (expectations, _) = ids(rest)?;
                Some(Self::Roster(PartNames { tests, expectations }))
            }
            _ => None,
        }
    }

    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Roster(names) => ID_BYTES * (names.tests.len() + names.expectations.len()),
            Self::Tests(tests) => size_of_val(&**tests),
            Self::Expectations(expectations) => size_of_val(&**expectations),
        }
    }
}

/// The names that bytes begin with, and what follows them: the first byte says of how many bits their number is.
pub(super) fn ids(bytes: &[u8]) -> Option<(Arc<[RosterId]>, &[u8])> {
    let (bits, rest) = bytes.split_first()?;
    let length = ID_BYTES.checked_shl(u32::from(*bits))?;
    let (ids, rest) = rest.split_at_checked(length)?;
    Some((ids.as_chunks().0.iter().map(|bytes| RosterId(u128::from_le_bytes(*bytes))).collect(), rest))
}

/// A roster with all its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeRoster {
    /// Parts with the tests, a power of two of them.
    pub tests: Vec<Arc<[u64]>>,
    /// Parts with the expectations, a power of two of them.
    pub expectations: Vec<Arc<[(u64, States)]>>,
}

impl WholeRoster {
    /// What was expected of a test; none if it did not run.
    pub fn expected(&self, test: TestId) -> Option<States> {
        let of = |parts: usize| part_of(test.0, parts.trailing_zeros()) as usize;
        self.tests.get(of(self.tests.len()))?.binary_search(&test.0).ok()?;
        let expectations = self.expectations.get(of(self.expectations.len()));
        let found = expectations.and_then(|part| {
            let place = part.binary_search_by_key(&test.0, |(test, _)| *test).ok()?;
            Some(part[place].1)
        });
        Some(found.unwrap_or_else(passing))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
pub(super) mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The roster that its own rows describe.
    pub(in crate::outcomes) fn read_back(roster: &Roster) -> WholeRoster {
        let parts: HashMap<RosterId, Part> =
            roster.contents.iter().map(|(id, content)| (*id, Part::read(content).unwrap())).collect();
        let Part::Roster(names) = &parts[&roster.id] else { panic!("no roster") };
        let tests = names.tests.iter().map(|id| match &parts[id] {
            Part::Tests(tests) => Arc::clone(tests),
            other => panic!("{other:?}"),
        });
        let expectations = names.expectations.iter().map(|id| match &parts[id] {
            Part::Expectations(expectations) => Arc::clone(expectations),
            other => panic!("{other:?}"),
        });
        WholeRoster { tests: tests.collect(), expectations: expectations.collect() }
    }

    fn ids(count: u64) -> Vec<u64> {
        (0..count).map(|index| TestId::of("s", &index.to_string()).0).collect()
    }

    #[test]
    fn one_test_more_changes_one_part() {
        let (one, other) = (Roster::of(ids(60_000), Vec::new()), Roster::of(ids(60_001), Vec::new()));
        let shared = one.contents.iter().filter(|content| other.contents.contains(content)).count();
        assert_eq!((one.contents.len(), other.contents.len(), shared), (258, 258, 256));
    }

    #[test]
    fn the_order_of_an_upload_says_nothing() {
        let mut backwards = ids(3000);
        backwards.reverse();
        assert_eq!(Roster::of(ids(3000), vec![(7, 3), (1, 3)]), Roster::of(backwards, vec![(1, 3), (7, 3)]));
    }

    #[test]
    fn an_empty_roster_has_nobody() {
        let roster = Roster::of(Vec::new(), Vec::new());
        assert_eq!(read_back(&roster).expected(TestId(1)), None);
        assert_ne!(roster.id, RosterId::NONE);
    }

    #[test]
    fn what_is_no_roster_is_none() {
        for content in [&b""[..], b"X", b"R", b"R\x05", b"R\x40", b"R\x00aaaaaaaaaaaaaaaa"] {
            assert_eq!(Part::read(content), None, "{content:?}");
        }
    }
}
