//! Thresholds of the rule of verdicts. Each suite may have its own.

use schema::seconds::WEEK;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The version of the rule. Answers name it, so that verdicts of different versions are not taken for each other.
pub const RULE: &str = "verdicts-1";

/// Thresholds of the rule. Members that a file leaves out have their defaults; unknown members are refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "thresholds of the rule")]
pub struct Rules {
    /// A test whose newest run started so long ago is not run lately, seconds.
    pub stale_seconds: u64,
    /// Changes between pass and fail, inside a segment, from which on a test is flaky.
    #[serde(deserialize_with = "count")]
    pub flaky_flips: u32,
    /// Commits on which the test went both ways, inside a segment, from which on it is flaky. The newest commit alone is
    /// enough while no further commit was tested.
    #[serde(deserialize_with = "count")]
    pub flaky_both_ways: u32,
    /// Cells that a segment has at least before flips in it make a test flaky.
    #[serde(deserialize_with = "count")]
    pub flaky_sample: u32,
    /// Clean commits in a row after which a flaky test may have recovered.
    #[serde(deserialize_with = "count")]
    pub recovery_commits: u32,
    /// How likely the clean commits in a row may be at most, at the failure rate before them, once a test has recovered.
    #[serde(deserialize_with = "chance")]
    pub recovery_chance: f64,
    /// How likely a row of failures may be at most, at the rate before it, to be a failure and no flakiness. A row of clean
    /// commits that is as unlikely is a recovery, however short.
    #[serde(deserialize_with = "chance")]
    pub streak_chance: f64,
    /// The same where only one commit failed before the row.
    #[serde(deserialize_with = "chance")]
    pub lone_chance: f64,
    /// Failures in a row that make later passes a fix. Fewer are noise.
    #[serde(deserialize_with = "count")]
    pub fixed_after: u32,
    /// Commits without the test, at the newest end, from which on it may be removed.
    #[serde(deserialize_with = "count")]
    pub removed_commits: u32,
    /// How likely so many commits without the test may be at most, at the share of commits with it, once it is removed.
    #[serde(deserialize_with = "chance")]
    pub removed_chance: f64,
    /// The prior probability of a change point. A split has to outweigh it.
    #[serde(deserialize_with = "chance")]
    pub change_prior: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            stale_seconds: WEEK,
            flaky_flips: 3,
            flaky_both_ways: 2,
            flaky_sample: 4,
            recovery_commits: 10,
            recovery_chance: 0.005,
            streak_chance: 1e-3,
            lone_chance: 0.05,
            fixed_after: 2,
            removed_commits: 5,
            removed_chance: 1e-4,
            change_prior: 1e-4,
        }
    }
}

/// A number of things, of which there is one at least.
fn count<'d, D: Deserializer<'d>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("a threshold that counts is 1 or more, not 0")),
        count => Ok(count),
    }
}

/// A probability that is neither nothing nor certain.
fn chance<'d, D: Deserializer<'d>>(deserializer: D) -> Result<f64, D::Error> {
    match f64::deserialize(deserializer)? {
        chance if chance > 0.0 && chance < 1.0 => Ok(chance),
        other => Err(D::Error::custom(format!("a chance is more than 0 and less than 1, not {other}"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn members_have_defaults_and_unknown_ones_are_refused() {
        let rules: Rules = serde_json::from_str(r#"{"flaky_flips": 5}"#).unwrap();
        assert_eq!(rules, Rules { flaky_flips: 5, ..Rules::default() });
        assert!(serde_json::from_str::<Rules>(r#"{"flaky_flip": 5}"#).unwrap_err().to_string().contains("flaky_flip"));
    }

    #[test]
    fn impossible_thresholds_are_refused_with_what_is_possible() {
        for (json, said) in [
            (r#"{"flaky_flips": 0}"#, "a threshold that counts is 1 or more, not 0"),
            (r#"{"streak_chance": 0}"#, "a chance is more than 0 and less than 1, not 0"),
            (r#"{"lone_chance": 1.5}"#, "a chance is more than 0 and less than 1, not 1.5"),
            (r#"{"change_prior": -0.5}"#, "a chance is more than 0 and less than 1, not -0.5"),
        ] {
            let error = serde_json::from_str::<Rules>(json).unwrap_err().to_string();
            assert!(error.starts_with(said), "{json}: {error}");
        }
    }
}
