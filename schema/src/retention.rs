//! How long results are kept, as the configuration says it.
//!
//! Three parts of the system ask here and nowhere else: `migrate` gives the tables of runs the longest time as their TTL,
//! the processor does not store a run that was over when it was received, and the query service leaves out runs that are
//! over by the rule of their suite and branch.

use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::commit::{DEFAULT_BRANCH_KEY, DEFAULT_BRANCHES};
use crate::seconds;

const DAY: i64 = seconds::DAY as i64;
const WEEK: i64 = seconds::WEEK as i64;
/// How long results are kept where nothing else is configured, seconds after their commit's time: five years.
pub const DEFAULT_SECONDS: i64 = 1826 * DAY;
/// How long archives are kept, seconds after the start of their run: eight weeks.
pub const ARCHIVE_SECONDS: i64 = 8 * WEEK;
/// Numbers of weeks that can be configured; 1040 are about twenty years.
pub const WEEKS: RangeInclusive<u64> = 1..=1040;

/// One `[[retention]]` entry of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// Suites that the rule is for: a name in which each `*` stands for any text; all suites if absent.
    pub suite: Option<String>,
    /// Branches that the rule is for, likewise; `main`, `master`, `trunk` and `default` each mean the default branch.
    pub branch: Option<String>,
    /// Weeks after a commit's time that its results are kept, one of [`WEEKS`].
    pub weeks: u64,
}

/// Why a configured retention is refused; the text names the member of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// `retention_weeks` is out of range.
    #[error(
        "retention_weeks is {0}; give {first} to {last} weeks, or leave it out to keep results for five years",
        first = WEEKS.start(),
        last = WEEKS.end()
    )]
    DefaultWeeks(u64),
    /// The `weeks` of a rule are out of range.
    #[error("[[retention]] number {number} has weeks = {weeks}; give {first} to {last}", first = WEEKS.start(), last = WEEKS.end())]
    RuleWeeks {
        /// Place of the rule in the configuration, from 1 on.
        number: usize,
        /// What it says.
        weeks: u64,
    },
    /// A pattern of a rule is an empty text, which no name matches.
    #[error("[[retention]] number {number} has an empty {member}; leave {member} out to match every {member}")]
    EmptyPattern {
        /// Place of the rule in the configuration, from 1 on.
        number: usize,
        /// `suite` or `branch`.
        member: &'static str,
    },
}

/// How long the results of each suite and branch are kept.
///
/// The first rule whose patterns match decides; without one the default does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    default_seconds: i64,
    /// In the order of the configuration; weeks and patterns are checked, and branches are stored keys.
    rules: Vec<RetentionRule>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { default_seconds: DEFAULT_SECONDS, rules: Vec::new() }
    }
}

impl Retention {
    /// Takes the configured `retention_weeks` (five years if absent) and `[[retention]]` entries.
    pub fn new(weeks: Option<u64>, rules: Vec<RetentionRule>) -> Result<Self, RetentionError> {
        if let Some(weeks) = weeks.filter(|weeks| !WEEKS.contains(weeks)) {
            return Err(RetentionError::DefaultWeeks(weeks));
        }
        let default_seconds = weeks.map_or(DEFAULT_SECONDS, seconds_of);
        let rules = rules.into_iter().zip(1..).map(|(rule, number)| checked(rule, number)).collect::<Result<_, _>>()?;
        Ok(Self { default_seconds, rules })
    }

    /// Seconds after a commit's time that its results are kept. `branch` is the stored key: `default` for a default
    /// branch.
    pub fn seconds(&self, suite: &str, branch: &str) -> i64 {
        let rule = self.rules.iter().find(|rule| rule.is_for(suite, branch));
        rule.map_or(self.default_seconds, RetentionRule::seconds)
    }

    /// The rules, of which the first that matches decides; branches are stored keys.
    pub fn rules(&self) -> &[RetentionRule] {
        &self.rules
    }

    /// Seconds after a commit's time that its results are kept where no rule matches.
    pub fn default_seconds(&self) -> i64 {
        self.default_seconds
    }

    /// The longest time that any results are kept, seconds; rules behind one that matches everything do not count.
    pub fn longest_seconds(&self) -> i64 {
        let last = self.rules.iter().position(RetentionRule::is_for_all);
        let reachable = &self.rules[..last.map_or(self.rules.len(), |last| last + 1)];
        let longest_rule = reachable.iter().map(|rule| seconds_of(rule.weeks)).max();
        let default = last.is_none().then_some(self.default_seconds);
        longest_rule.max(default).unwrap_or(self.default_seconds)
    }

    /// Whether results of a commit are over at a time, both in seconds since 1970.
    pub fn is_expired(&self, suite: &str, branch: &str, commit_seconds: i64, now_seconds: i64) -> bool {
        is_over(commit_seconds, self.seconds(suite, branch), now_seconds)
    }

    /// Time of the oldest commit whose results are not over at a time, both in seconds since 1970.
    pub fn oldest_commit(&self, suite: &str, branch: &str, now: i64) -> i64 {
        now.saturating_sub(self.seconds(suite, branch)).saturating_add(1)
    }
}

/// Whether what is kept so many seconds from a time on is over at another; times are seconds since 1970.
pub fn is_over(from_seconds: i64, kept_seconds: i64, now_seconds: i64) -> bool {
    from_seconds.saturating_add(kept_seconds) <= now_seconds
}

impl RetentionRule {
    /// Seconds after a commit's time that its results are kept.
    pub fn seconds(&self) -> i64 {
        seconds_of(self.weeks)
    }

    fn is_for(&self, suite: &str, branch: &str) -> bool {
        let is_met = |pattern: &Option<String>, name| pattern.as_deref().is_none_or(|pattern| matches(pattern, name));
        is_met(&self.suite, suite) && is_met(&self.branch, branch)
    }

    fn is_for_all(&self) -> bool {
        let is_free = |pattern: &Option<String>| {
            pattern.as_deref().is_none_or(|pattern| pattern.bytes().all(|byte| byte == b'*'))
        };
        is_free(&self.suite) && is_free(&self.branch)
    }
}

/// The rule as it is kept, if it makes sense; `number` is its place in the configuration.
fn checked(mut rule: RetentionRule, number: usize) -> Result<RetentionRule, RetentionError> {
    for (member, pattern) in [("suite", &rule.suite), ("branch", &rule.branch)] {
        if pattern.as_deref() == Some("") {
            return Err(RetentionError::EmptyPattern { number, member });
        }
    }
    if !WEEKS.contains(&rule.weeks) {
        return Err(RetentionError::RuleWeeks { number, weeks: rule.weeks });
    }
    if rule.branch.as_deref().is_some_and(|branch| DEFAULT_BRANCHES.contains(&branch)) {
        rule.branch = Some(DEFAULT_BRANCH_KEY.to_owned());
    }
    Ok(rule)
}

/// Seconds of a number of [`WEEKS`].
fn seconds_of(weeks: u64) -> i64 {
    i64::try_from(weeks).unwrap_or(i64::MAX).saturating_mul(WEEK)
}

/// Whether a name matches a pattern in which each `*` stands for any text, the empty one included. The first place where
/// a piece between two stars fits is as good as any later one, so that this takes one pass.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*') {
        let Some((_, after)) = name.split_once(piece) else { return false };
        name = after;
    }
    name.ends_with(end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_800_000_000;

    fn rule(suite: Option<&str>, branch: Option<&str>, weeks: u64) -> RetentionRule {
        RetentionRule { suite: suite.map(str::to_owned), branch: branch.map(str::to_owned), weeks }
    }

    fn retention(rules: &[RetentionRule]) -> Retention {
        Retention::new(Some(100), rules.to_vec()).unwrap()
    }

    #[test]
    fn five_years_are_the_default() {
        let default = Retention::default();
        assert_eq!(Retention::new(None, Vec::new()), Ok(default.clone()));
        assert_eq!((default.seconds("s", "default"), default.longest_seconds()), (1826 * 86_400, 1826 * 86_400));
        assert_eq!(Retention::new(Some(261), Vec::new()).unwrap().seconds("s", "b"), 1827 * 86_400);
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let retention = retention(&[
            rule(Some("layout-*"), Some("safari-*-branch"), 8),
            rule(Some("layout-*"), None, 16),
            rule(None, Some("experiments/*"), 4),
        ]);
        let weeks = |suite, branch| retention.seconds(suite, branch) / WEEK;
        assert_eq!(weeks("layout-tests", "safari-7619-branch"), 8);
        assert_eq!(weeks("layout-tests", "default"), 16);
        assert_eq!(weeks("layout-tests", "experiments/a"), 16);
        assert_eq!(weeks("api-tests", "experiments/a"), 4);
        assert_eq!(weeks("api-tests", "default"), 100);
        assert_eq!(retention.longest_seconds(), 100 * WEEK);
    }

    #[test]
    fn every_name_of_the_default_branch_means_it() {
        for name in ["main", "master", "trunk", "default"] {
            let retention = retention(&[rule(None, Some(name), 4)]);
            assert_eq!(retention.seconds("s", "default"), 4 * WEEK, "{name}");
            assert_eq!(retention.seconds("s", "maintenance"), 100 * WEEK, "{name}");
        }
    }

    #[test]
    fn the_longest_is_one_that_can_be_reached() {
        assert_eq!(retention(&[rule(Some("a"), None, 200)]).longest_seconds(), 200 * WEEK);
        let all = rule(None, None, 4);
        assert_eq!(retention(std::slice::from_ref(&all)).longest_seconds(), 4 * WEEK);
        let stars = rule(Some("*"), Some("**"), 4);
        let rules = [rule(Some("a"), None, 8), stars, rule(Some("b"), None, 300)];
        assert_eq!(retention(&rules).longest_seconds(), 8 * WEEK);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        let error = |weeks, rules: Vec<RetentionRule>| Retention::new(weeks, rules).unwrap_err().to_string();
        for weeks in [0, 1041, u64::MAX] {
            let told = error(Some(weeks), Vec::new());
            assert!(told.starts_with(&format!("retention_weeks is {weeks}; give 1 to 1040 weeks")), "{told}");
            let told = error(None, vec![rule(None, None, 1), rule(None, None, weeks)]);
            assert_eq!(told, format!("[[retention]] number 2 has weeks = {weeks}; give 1 to 1040"));
        }
        let told = error(None, vec![rule(None, Some(""), 4)]);
        assert_eq!(told, "[[retention]] number 1 has an empty branch; leave branch out to match every branch");
    }

    #[test]
    fn unknown_members_of_a_rule_are_refused() {
        let read = |text| serde_json::from_str::<RetentionRule>(text);
        assert_eq!(read(r#"{"branch": "b*", "weeks": 4}"#).unwrap(), rule(None, Some("b*"), 4));
        assert!(read(r#"{"weeks": 4, "days": 1}"#).is_err());
        assert!(read(r#"{"weeks": -1}"#).is_err());
        assert!(read(r#"{"suite": "s"}"#).is_err());
    }

    /// What a pattern means, as plainly as it can be said.
    fn is_described(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|skipped| is_described(rest, &name[skipped..])),
            Some((byte, rest)) => {
                name.split_first().is_some_and(|(first, name)| first == byte && is_described(rest, name))
            }
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_they_describe(pattern in "[ab*]{0,7}", name in "[ab]{0,9}") {
            prop_assert_eq!(matches(&pattern, &name), is_described(pattern.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn the_oldest_commit_is_the_first_that_is_not_over(
            weeks in prop::collection::vec((WEEKS, "[ab*]{1,2}", "[ab*]{1,2}"), 0..4),
            suite in "[ab]{1,2}",
            branch in "[ab]{1,2}",
            off in -2 * WEEK..2 * WEEK,
        ) {
            let rules = weeks.iter().map(|(weeks, suite, branch)| rule(Some(suite), Some(branch), *weeks)).collect();
            let retention = Retention::new(None, rules).unwrap();
            let oldest = retention.oldest_commit(&suite, &branch, NOW);
            prop_assert!(!retention.is_expired(&suite, &branch, oldest, NOW));
            prop_assert!(retention.is_expired(&suite, &branch, oldest - 1, NOW));
            prop_assert_eq!(retention.is_expired(&suite, &branch, oldest + off, NOW), off < 0);
            prop_assert!(retention.seconds(&suite, &branch) <= retention.longest_seconds());
            prop_assert_eq!(NOW - oldest + 1, retention.seconds(&suite, &branch));
        }
    }
}
