//! Names that are unique in a run.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::Stop;
use crate::limits;

/// The names that a run has given so far. Only their hashes are kept, with keys of this process, so that no report can
/// be made whose names collide.
pub(super) struct Names {
    hasher: RandomState,
    given: FxHashSet<u64>,
    repeated: FxHashMap<u64, u32>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), given: FxHashSet::default(), repeated: FxHashMap::default() }
    }

    /// The name where no test has it yet; else the name with its number in the order of the report, `name (2)`.
    pub(super) fn unique(&mut self, name: String) -> Result<String, Stop> {
        if self.given.len() >= limits::TESTS {
            return Err(Stop::TooLarge(format!("{} tests", limits::TESTS)));
        }
        let hash = self.hasher.hash_one(&name);
        if self.given.insert(hash) {
            return Ok(name);
        }
        let mut number = self.repeated.get(&hash).copied().unwrap_or(1);
        loop {
            number = number.saturating_add(1);
            let numbered = format!("{name} ({number})");
            if self.given.insert(self.hasher.hash_one(&numbered)) {
                self.repeated.insert(hash, number);
                return Ok(numbered);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Names;

    #[test]
    fn tests_of_one_name_are_numbered_without_taking_the_name_of_another() {
        let mut names = Names::new();
        let mut unique = |name: &str| names.unique(name.to_owned()).unwrap();
        assert_eq!(unique("same"), "same");
        assert_eq!(unique("same (2)"), "same (2)");
        assert_eq!(unique("same"), "same (3)");
        assert_eq!(unique("same"), "same (4)");
        assert_eq!(unique("same (2)"), "same (2) (2)");
        assert_eq!(unique("other"), "other");
    }
}
