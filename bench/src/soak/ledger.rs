//! What was acknowledged, and whether the server shows it, once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::setting::Agents;
use crate::documents::{CONFIGURATIONS, SUITE};
use crate::server::get;

/// Uploads of one question.
const SLICE: usize = 1000;
/// A suite gets so many small uploads, as a large one has runs in the weeks that lists are made of; then the next one begins.
const RUNS_OF_SUITE: usize = 10_000;
/// An upload is looked for so long after it was sent, and is lost when it is not shown by then.
const LOOKED_FOR: Duration = Duration::from_secs(5);
const LOST_AFTER: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Entries {
    /// The newest second that an upload has.
    second: u64,
    /// How many small uploads were begun.
    begun: usize,
    /// Commit time, suite and when it was sent, of what was not looked for yet.
    waiting: BTreeMap<u64, (Suite, Instant)>,
    /// Commit times of what was shown, and suites.
    seen: BTreeMap<u64, Suite>,
    lost: usize,
    doubled: usize,
    /// How many uploads were begun on commits whose time to live ends within the run, and how many were acknowledged on each.
    begun_ending: usize,
    ending: BTreeMap<u64, usize>,
}

/// A suite that runs are uploaded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suite {
    /// That of large runs, and of those whose time to live ends.
    Whole,
    /// One of those that small runs fill one after the other, by number.
    Filled(usize),
}

impl std::fmt::Display for Suite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole => formatter.write_str(SUITE),
            Self::Filled(number) => write!(formatter, "{SUITE}-{number}"),
        }
    }
}

/// Every acknowledged upload by the second of its commit, which no other has.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Entries>);

/// What became of the uploads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) acknowledged: usize,
    pub(super) lost: usize,
    pub(super) doubled: usize,
    /// Those on commits whose time to live ended within the run.
    pub(super) ended: usize,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A second that no upload has, the given one or the next that is free.
    pub(super) fn second(&self, time: u64) -> u64 {
        let mut entries = self.entries();
        entries.second = time.max(entries.second + 1);
        entries.second
    }

    /// The suite of the next small upload.
    pub(super) fn next_suite(&self) -> Suite {
        let mut entries = self.entries();
        entries.begun += 1;
        Suite::Filled((entries.begun - 1) / RUNS_OF_SUITE)
    }

    /// The suite that was filled last; the first one until it is.
    pub(super) fn filled(&self) -> Suite {
        let begun = self.entries().begun.saturating_sub(1);
        Suite::Filled((begun / RUNS_OF_SUITE).saturating_sub(1))
    }

    /// Remembers an upload that was acknowledged.
    pub(super) fn add(&self, suite: Suite, time: u64, sent: Instant) {
        self.entries().waiting.insert(time, (suite, sent));
    }

    /// A second and a configuration that no upload has, on commits from a time on: there are not seconds enough for each.
    pub(super) fn ending(&self, from: u64) -> (u64, usize) {
        let mut entries = self.entries();
        let number = entries.begun_ending;
        entries.begun_ending += 1;
        (from + (number / CONFIGURATIONS) as u64, number % CONFIGURATIONS)
    }

    /// Remembers one of those.
    pub(super) fn add_ending(&self, time: u64) {
        *self.entries().ending.entry(time).or_default() += 1;
    }

    /// Looks whether those are shown, each once, before the time to live of the first ends.
    pub(super) fn look_at_ending(&self, agents: &Agents) -> anyhow::Result<()> {
        let ending = self.entries().ending.clone();
        let shown = shown_of_all(&agents.new_agent(), agents, ending.keys().map(|time| (*time, Suite::Whole)))?;
        let mut entries = self.entries();
        for (time, uploads) in ending {
            let runs = shown.get(&time).copied().unwrap_or_default();
            entries.lost += uploads.saturating_sub(runs);
            entries.doubled += runs.saturating_sub(uploads);
        }
        Ok(())
    }

    /// How many of those are still shown.
    pub(super) fn ending_shown(&self, agents: &Agents) -> anyhow::Result<usize> {
        let ending: Vec<u64> = self.entries().ending.keys().copied().collect();
        let ending = ending.into_iter().map(|time| (time, Suite::Whole));
        Ok(shown_of_all(&agents.new_agent(), agents, ending)?.values().sum())
    }

    /// Looks for what was acknowledged, until everything was found or given up after the end.
    pub(super) fn look(&self, agents: &Agents, stopped: &AtomicBool) -> anyhow::Result<()> {
        loop {
            let was_stopped = stopped.load(Ordering::SeqCst);
            let agent = agents.new_agent();
            while self.look_for_some(&agent, agents)? {}
            if was_stopped && self.entries().waiting.is_empty() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Looks for the oldest that are due; whether more may be.
    fn look_for_some(&self, agent: &ureq::Agent, agents: &Agents) -> anyhow::Result<bool> {
        let due = |(_, (_, sent)): &(&u64, &(Suite, Instant))| sent.elapsed() > LOOKED_FOR;
        let due = |entries: &Entries| -> Vec<(u64, Suite)> {
            entries.waiting.iter().filter(due).take(SLICE).map(|(time, (suite, _))| (*time, *suite)).collect()
        };
        let times = due(&self.entries());
        let shown = shown_of_all(agent, agents, times.iter().copied())?;
        let mut entries = self.entries();
        for (time, suite) in &times {
            let runs = shown.get(time).copied().unwrap_or_default();
            let is_over = entries.waiting.get(time).is_some_and(|(_, sent)| sent.elapsed() > LOST_AFTER);
            entries.doubled += usize::from(runs > 1);
            if runs > 0 {
                entries.seen.insert(*time, *suite);
            } else if is_over {
                entries.lost += 1;
            }
            if runs > 0 || is_over {
                entries.waiting.remove(time);
            }
        }
        Ok(times.len() == SLICE && times.iter().all(|(time, _)| shown.contains_key(time)))
    }

    /// Looks again, after the end, for everything that was shown: merges may have changed what is.
    pub(super) fn look_again(&self, agents: &Agents) -> anyhow::Result<Shown> {
        let entries = self.entries();
        let shown =
            shown_of_all(&agents.new_agent(), agents, entries.seen.iter().map(|(time, suite)| (*time, *suite)))?;
        let ended = entries.ending.values().sum();
        let gone: Vec<u64> = entries.seen.keys().copied().filter(|time| !shown.contains_key(time)).collect();
        if entries.lost + gone.len() > 0 {
            let (lost, first) = (entries.lost, gone.first());
            println!(
                "never shown: {lost}; shown at first and not in the end: {} (first commit time: {first:?})",
                gone.len()
            );
        }
        Ok(Shown {
            acknowledged: entries.seen.len() + entries.lost + ended,
            lost: entries.lost + gone.len(),
            doubled: entries.doubled + shown.values().filter(|runs| **runs > 1).count(),
            ended,
        })
    }
}

/// The same as [`shown`] of all suites, by several questions. Times ascend.
fn shown_of_all(
    agent: &ureq::Agent,
    agents: &Agents,
    times: impl Iterator<Item = (u64, Suite)>,
) -> anyhow::Result<BTreeMap<u64, usize>> {
    let mut by_suite: BTreeMap<Suite, Vec<u64>> = BTreeMap::new();
    for (time, suite) in times {
        by_suite.entry(suite).or_default().push(time);
    }
    let mut all = BTreeMap::new();
    for (suite, times) in by_suite {
        for slice in times.chunks(SLICE) {
            all.extend(shown(agent, &agents.url, suite, slice)?);
        }
    }
    Ok(all)
}

/// How many runs are shown on each of these commits, which are in order; none of those that have no run.
fn shown(agent: &ureq::Agent, url: &str, suite: Suite, times: &[u64]) -> anyhow::Result<BTreeMap<u64, usize>> {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(BTreeMap::new()) };
    let range = format!("after_uuid={}&before_uuid={}", first * 100, last * 100 + 99);
    let answer = match get(agent, url, &format!("/api/results/{suite}?limit=10000&{range}")) {
        Ok(answer) => answer,
        // Nothing is shown there, which is said as an error.
        Err(error) if matches!(error.downcast_ref(), Some(ureq::Error::StatusCode(404))) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let answer: Value = serde_json::from_slice(&answer).context("runs are no JSON")?;
    let mut shown = BTreeMap::new();
    let runs = answer.as_array().into_iter().flatten().filter_map(|of| of["results"].as_array()).flatten();
    for uuid in runs.filter_map(|run| run["uuid"].as_u64()) {
        *shown.entry(uuid / 100).or_default() += 1;
    }
    Ok(shown)
}
