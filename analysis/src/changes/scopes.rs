//! What histories of a suite have in common: a test, the folder of tests, the suite.

use rustc_hash::{FxHashMap, FxHashSet};
use schema::ids::ConfigId;

use super::Subject;

/// What tests may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// They are one test.
    Test,
    /// They stand in one folder.
    Folder,
    /// They belong to one suite.
    Suite,
}

impl Scope {
    pub(super) const ALL: [Self; 3] = [Self::Test, Self::Folder, Self::Suite];
}

/// The scopes of subjects, by number.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// The test and the folder of each subject.
    of_subject: Vec<(u32, u32)>,
    /// How many tests each folder has.
    folders: Vec<usize>,
    configurations: usize,
    /// All tests for each one that has a subject.
    tests_for_one: f64,
    /// How many histories there are, with those that have no subject because nothing ever failed.
    suite: usize,
}

impl Scopes {
    /// The scopes of subjects in a suite with so many tests on a configuration.
    pub(super) fn of(subjects: &[Subject<'_>], tests: u32) -> Self {
        let mut scopes = Self::default();
        let mut tests_by_name: FxHashMap<&str, (u32, u32)> = FxHashMap::default();
        let mut folders: FxHashMap<&str, u32> = FxHashMap::default();
        let mut configurations: FxHashSet<ConfigId> = FxHashSet::default();
        for (index, Subject { test, configuration, .. }) in subjects.iter().enumerate() {
            configurations.insert(*configuration);
            // Subjects of one test stand together mostly.
            let before = index.checked_sub(1).filter(|before| subjects[*before].test == *test);
            let of_subject = before.map(|before| scopes.of_subject[before]).unwrap_or_else(|| {
                let number = tests_by_name.len() as u32;
                *tests_by_name.entry(test).or_insert_with(|| {
                    let next = folders.len() as u32;
                    let folder = *folders.entry(folder(test)).or_insert(next);
                    scopes.folders.resize(folders.len(), 0);
                    scopes.folders[folder as usize] += 1;
                    (number, folder)
                })
            });
            scopes.of_subject.push(of_subject);
        }
        let known = tests_by_name.len();
        let tests = known.max(tests as usize);
        scopes.configurations = configurations.len();
        scopes.tests_for_one = tests as f64 / known.max(1) as f64;
        scopes.suite = tests * scopes.configurations;
        scopes
    }

    /// How many configurations there are.
    pub(super) fn configurations(&self) -> usize {
        self.configurations
    }

    /// The number of the test of a subject.
    pub(super) fn test(&self, subject: usize) -> u32 {
        self.of_subject[subject].0
    }

    /// The number of the folder of a subject.
    pub(super) fn folder(&self, subject: usize) -> u32 {
        self.of_subject[subject].1
    }

    /// The number of what a subject has in common with others.
    pub(super) fn number(&self, scope: Scope, subject: usize) -> u32 {
        match scope {
            Scope::Test => self.test(subject),
            Scope::Folder => self.folder(subject),
            Scope::Suite => 0,
        }
    }

    /// How many histories have that in common.
    pub(super) fn size(&self, scope: Scope, number: u32) -> usize {
        let in_folder = || self.folders[number as usize] as f64 * self.tests_for_one;
        match scope {
            Scope::Test => self.configurations,
            Scope::Folder => in_folder().ceil() as usize * self.configurations,
            Scope::Suite => self.suite,
        }
    }
}

/// The folder of a test: its name up to the last slash, or empty.
fn folder(test: &str) -> &str {
    test.rfind('/').map_or("", |end| &test[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_are_counted_with_those_that_never_failed() {
        let of = |test, number| Subject { test, first_name: test, configuration: ConfigId(number) };
        let subjects = [of("a/b", 1), of("a/b", 2), of("a/c", 1), of("d", 1), of("a/b", 3)];
        let scopes = Scopes::of(&subjects, 6);
        let common = |scope, one, other| scopes.number(scope, one) == scopes.number(scope, other);
        assert!(common(Scope::Test, 0, 1) && common(Scope::Test, 0, 4) && !common(Scope::Test, 0, 2));
        assert!(common(Scope::Folder, 0, 2) && !common(Scope::Folder, 0, 3) && common(Scope::Suite, 0, 3));
        let sizes = Scope::ALL.map(|scope| scopes.size(scope, scopes.number(scope, 0)));
        assert_eq!(sizes, [3, 4 * 3, 6 * 3]);
    }
}
