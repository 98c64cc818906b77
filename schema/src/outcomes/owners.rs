//! Who owns the tests of a run, as its upload says.
//!
//! A list of owners is kept as a roster is: cut into parts by the first bits of test ids, each named by the digest of its
//! content, so that runs of the same tests share it. It names every test of its run, those that nobody owns too, because the
//! newest run of a test is the one that counts. A run whose upload names no owner has none, and costs nothing.

use std::collections::{BTreeMap, HashMap};

use super::roster::{Roster, RosterId, cut, ids};
use crate::ids::TestId;

/// What the content of a list and of a part starts with.
const LIST: u8 = b'O';
const PART: u8 = b'P';
/// Stands between owners, none of whom has it.
const SEPARATOR: char = '\n';

/// Collects the owners of the tests of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnersCollector {
    /// Each test that somebody owns, and by place among `sets` who does.
    owned: Vec<(u64, u32)>,
    sets: Vec<String>,
    places: HashMap<String, u32>,
}

impl OwnersCollector {
    /// Adds the owners of a test, of whom there is one at least.
    pub(super) fn push(&mut self, test: TestId, owners: &[String]) {
        let joined = owners.join("\n");
        let place = self.places.get(&joined).copied().unwrap_or_else(|| {
            let place = self.sets.len() as u32;
            self.places.insert(joined.clone(), place);
            self.sets.push(joined);
            place
        });
        self.owned.push((test.0, place));
    }

    /// The list of a run with these tests; none if nobody owns any.
    pub(super) fn finish(self, tests: &[u64]) -> Option<Roster> {
        if self.owned.is_empty() {
            return None;
        }
        let mut all: BTreeMap<u64, &str> = tests.iter().map(|test| (*test, "")).collect();
        all.extend(self.owned.iter().map(|(test, place)| (*test, self.sets[*place as usize].as_str())));
        let all: Vec<(u64, &str)> = all.into_iter().collect();
        let (bits, parts) = cut(&all, |(test, _)| *test);
        let mut root = vec![LIST, bits];
        let mut contents = Vec::new();
        for part in parts {
            let content = content_of(part);
            let id = RosterId::of(&content);
            root.extend(id.0.to_le_bytes());
            contents.push((id, content));
        }
        let id = RosterId::of(&root);
        contents.push((id, root));
        Some(Roster { id, contents })
    }
}

/// The content of a part: for each set of owners, in order, the length of its text, the text, how many tests there are, and
/// their ids.
fn content_of(part: &[(u64, &str)]) -> Vec<u8> {
    let mut by_set: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (test, owners) in part {
        by_set.entry(owners).or_default().push(*test);
    }
    let mut content = vec![PART];
    for (owners, tests) in by_set {
        content.extend((owners.len() as u32).to_le_bytes());
        content.extend(owners.as_bytes());
        content.extend((tests.len() as u32).to_le_bytes());
        content.extend(tests.iter().flat_map(|test| test.to_le_bytes()));
    }
    content
}

/// The names of the parts of a list; none if the content is that of no list.
pub fn parts_of(content: &[u8]) -> Option<Vec<RosterId>> {
    let (kind, rest) = content.split_first()?;
    (*kind == LIST).then(|| ids(rest)).flatten().map(|(parts, _)| parts.to_vec())
}

/// Owners, who may be nobody, and the tests that they own.
pub type OwnedTests = (Vec<String>, Vec<TestId>);

/// Reads a part of a list; none if it is not well formed.
pub fn owned_tests(content: &[u8]) -> Option<Vec<OwnedTests>> {
    let (kind, mut rest) = content.split_first()?;
    if *kind != PART {
        return None;
    }
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = number(&mut rest)?;
        let text = std::str::from_utf8(rest.split_off(..length)?).ok()?;
        let count = number(&mut rest)?;
        let (tests, _) = rest.split_off(..count.checked_mul(8)?)?.as_chunks();
        let owners = text.split(SEPARATOR).filter(|owner| !owner.is_empty()).map(str::to_owned).collect();
        found.push((owners, tests.iter().map(|test| TestId(u64::from_le_bytes(*test))).collect()));
    }
    Some(found)
}

/// Takes a number from the beginning of a content.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    usize::try_from(u32::from_le_bytes(*first)).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(index: usize) -> TestId {
        TestId::of("s", &index.to_string())
    }

    /// The list of so many tests, of which some have owners.
    fn list(tests: usize, owned: &[(usize, &[&str])]) -> Option<Roster> {
        let mut collector = OwnersCollector::default();
        for (test, owners) in owned {
            collector.push(id(*test), &owners.iter().map(|owner| (*owner).to_owned()).collect::<Vec<_>>());
        }
        collector.finish(&(0..tests).map(|index| id(index).0).collect::<Vec<_>>())
    }

    /// What the rows of a list say of each test.
    fn read_back(list: &Roster) -> BTreeMap<u64, Vec<String>> {
        let contents: HashMap<RosterId, &[u8]> =
            list.contents.iter().map(|(id, content)| (*id, content.as_slice())).collect();
        let parts = parts_of(contents[&list.id]).unwrap();
        let owned = parts.iter().flat_map(|part| owned_tests(contents[part]).unwrap());
        owned.flat_map(|(owners, tests)| tests.into_iter().map(move |test| (test.0, owners.clone()))).collect()
    }

    #[test]
    fn every_test_is_told_with_its_owners_or_as_nobodys() {
        let list = list(3, &[(0, &["@a", "@b"]), (2, &["@a"])]).unwrap();
        let expected: BTreeMap<u64, Vec<String>> = [
            (id(0).0, vec!["@a".to_owned(), "@b".to_owned()]),
            (id(1).0, Vec::new()),
            (id(2).0, vec!["@a".to_owned()]),
        ]
        .into();
        assert_eq!(read_back(&list), expected);
    }

    #[test]
    fn a_run_that_names_no_owner_has_no_list() {
        assert_eq!(list(3, &[]), None);
    }

    #[test]
    fn a_list_depends_on_what_it_says_alone_and_shares_its_parts() {
        let owned: Vec<(usize, &[&str])> = (0..3000).map(|index| (index, &["@a"][..])).collect();
        let mut backwards = owned.clone();
        backwards.reverse();
        assert_eq!(list(3000, &owned), list(3000, &backwards));
        let other = [&owned[1..], &[(0, &["@b"][..])]].concat();
        let (one, other) = (list(3000, &owned).unwrap(), list(3000, &other).unwrap());
        let shared = one.contents.iter().filter(|content| other.contents.contains(content)).count();
        assert_eq!((one.contents.len(), shared), (17, 15));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for content in [&b""[..], b"X", b"R\x00", b"O", b"O\x05"] {
            assert_eq!(parts_of(content), None, "{content:?}");
        }
        for content in [&b""[..], b"X", b"P\x01", b"P\xff\xff\xff\xff", b"P\x00\x00\x00\x00\xff\xff\xff\xff"] {
            assert_eq!(owned_tests(content), None, "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let bytes = [b"P", bytes.as_slice()].concat();
            owned_tests(&bytes);
        }
    }
}
