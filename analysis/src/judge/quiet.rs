//! Histories of which there is nothing to tell, without judging them: nearly all of a suite are.

use crate::rules::Rules;

/// What is known of a history at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Whether every run of the newest commit on which the suite ran has the test, and it passed as expected in all.
    pub passes_now: bool,
    /// Runs in which the test failed unexpectedly.
    pub failing_runs: u32,
}

/// Whether a test neither fails, nor is flaky, nor was fixed on a configuration, nor passes by surprise, nor is gone: there
/// are fewer failures than each of the thresholds asks for. A failing run is at most one commit that failed, or one that went
/// both ways, and two changes between failing and passing.
pub fn is_quiet(glance: Glance, rules: &Rules) -> bool {
    let Glance { passes_now, failing_runs } = glance;
    passes_now
        && failing_runs.saturating_mul(2) < rules.flaky_flips
        && failing_runs < rules.flaky_both_ways
        && failing_runs < rules.fixed_after
}
