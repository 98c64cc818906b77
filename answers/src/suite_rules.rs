//! Thresholds of the rule of verdicts, as the configuration gives them by suite.

use analysis::rules::Rules;
use schema::retention::matches;
use serde::Deserialize;

/// One `[[rules]]` entry of the configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an entry with a suite and thresholds")]
pub struct SuiteRules {
    /// Suites that the thresholds are for: a name in which each `*` stands for any text; all suites if absent.
    pub suite: Option<String>,
    /// The thresholds; those that are left out have their defaults.
    #[serde(default)]
    pub thresholds: Rules,
}

/// The thresholds of a suite: those of the first entry that is for it.
pub(crate) fn of_suite(entries: &[SuiteRules], suite: &str) -> Rules {
    let is_meant = |entry: &&SuiteRules| entry.suite.as_deref().is_none_or(|pattern| matches(pattern, suite));
    entries.iter().find(is_meant).map_or_else(Rules::default, |entry| entry.thresholds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_is_for_a_suite_counts() {
        let entry = |suite: Option<&str>, flaky_flips| SuiteRules {
            suite: suite.map(str::to_owned),
            thresholds: Rules { flaky_flips, ..Rules::default() },
        };
        let entries = [entry(Some("api-*"), 5), entry(None, 7)];
        assert_eq!(of_suite(&entries, "api-tests").flaky_flips, 5);
        assert_eq!(of_suite(&entries, "layout-tests").flaky_flips, 7);
        assert_eq!(of_suite(&entries[..1], "layout-tests"), Rules::default());
    }
}
