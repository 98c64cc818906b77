//! The entries of a suite that are in force, found by test, configuration and state.

use schema::configuration::Configuration;
use schema::state::State;

use super::ListedEntry;
use crate::by_test::ByTest;

/// The entries of a suite that are in force, by test.
#[derive(Debug, Default)]
pub struct QuarantineIndex(ByTest<ListedEntry>);

impl QuarantineIndex {
    /// Each entry with the name that its test has now.
    pub(super) fn new(entries: Vec<(String, ListedEntry)>) -> Self {
        Self(ByTest::new(entries, |entry| &entry.test))
    }

    /// Those about failures of a test on one of these configurations.
    pub fn of(&self, test: &str, configurations: &[Configuration]) -> Vec<&ListedEntry> {
        let covers = |it: &Configuration, entry: &ListedEntry| entry.configuration.describes(it);
        self.about(test).into_iter().filter(|entry| configurations.iter().any(|it| covers(it, entry))).collect()
    }

    /// The same of failures with a state: what is said of one kind of failure is no excuse for another.
    pub fn explaining<'c>(
        &self,
        test: &str,
        configurations: impl IntoIterator<Item = &'c Configuration> + Clone,
        state: State,
    ) -> Vec<&ListedEntry> {
        let covers = |entry: &&ListedEntry| configurations.clone().into_iter().any(|it| entry.is_about(it, state));
        self.about(test).into_iter().filter(covers).collect()
    }

    /// Those about a test, what was said last first.
    pub fn about(&self, test: &str) -> Vec<&ListedEntry> {
        self.0.about(test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quarantine::EntryState;

    fn entry(test: &str) -> ListedEntry {
        ListedEntry {
            suite: "s".into(),
            test: test.into(),
            configuration: on("Mac"),
            failure: State::failure_of_name("TEXT"),
            reason: "by chance".into(),
            owner: String::new(),
            bug: String::new(),
            by: String::new(),
            since: 0,
            until: 9,
            state: EntryState::Active,
            released_at: None,
            released_by: None,
            recorded_at: 0,
        }
    }

    fn on(platform: &str) -> Configuration {
        Configuration { platform: Some(platform.to_owned()), ..Configuration::default() }
    }

    #[test]
    fn an_entry_is_about_its_tests_configuration_and_state_alone() {
        let entries = [("css/*", "css/*"), ("new", "old")].map(|(now, test)| (now.to_owned(), entry(test)));
        let index = QuarantineIndex::new(entries.into());
        let found = |test: &str, platform: &str, state: &str| {
            let state = State::failure_of_name(state);
            state.is_some_and(|state| !index.explaining(test, [&on(platform)], state).is_empty())
        };
        assert!(found("css/a.html?x", "Mac", "TEXT") && found("new", "Mac", "TEXT"));
        for (test, platform, state) in [
            ("css/a.html", "Mac", "CRASH"),
            ("css/a.html", "iOS", "TEXT"),
            ("fast/css/a.html", "Mac", "TEXT"),
            ("old", "Mac", "TEXT"),
        ] {
            assert!(!found(test, platform, state), "{test} {platform} {state}");
        }
        assert_eq!((index.about("new").len(), index.of("new", &[on("iOS")]).len()), (1, 0));
        // Where it is not known on what a test failed, nothing is excused.
        assert!(index.explaining("new", [&Configuration::default()], State::at(4)).is_empty());
    }
}
