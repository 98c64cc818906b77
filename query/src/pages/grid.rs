//! A timeline as rows and columns: configurations by commits, newest first, with a verdict per configuration.

use std::collections::{BTreeMap, BTreeSet};

use schema::configuration::Configuration;
use schema::state;
use serde::Serialize;

use crate::selection::Entry;

/// A configuration whose newest run is this much older than the newest of all is not heard of any more, seconds.
const STALE_SECONDS: u64 = 7 * 86_400;
/// Changes between pass and fail that no fix explains.
const FLAKY_FLIPS: usize = 3;

/// One cell: what a configuration did on a commit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Cell {
    pub(super) uuid: u64,
    class: &'static str,
    symbol: &'static str,
    /// In words, for readers and as a tooltip.
    pub(super) label: String,
    /// A number under the symbol, or nothing.
    pub(super) count: String,
    #[serde(skip)]
    pub(super) failing: bool,
}

/// What a cell is made from.
pub(super) struct Outcome {
    pub(super) uuid: u64,
    /// Position of the worst state; the unexpected one if expected ones are not to be seen.
    pub(super) worst: u8,
    /// Whether it failed unexpectedly.
    pub(super) failing: bool,
    pub(super) label: String,
    pub(super) count: String,
}

/// One row; `None` where the configuration did not run.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// The query that selects this configuration.
    pub(super) query: String,
    pub(super) verdict: Verdict,
    cells: Vec<Option<Cell>>,
}

/// How a configuration is doing.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Verdict {
    /// The newest run was as expected.
    Passing,
    /// The newest runs failed: since `first_bad`, after `last_good` if there was one.
    Failing { first_bad: u64, last_good: Option<u64> },
    /// It changes between pass and fail.
    Flaky { flips: usize },
    /// Nothing lately.
    Stale,
}

/// Columns (uuids, newest first) and rows.
pub(super) fn grid<T>(entries: Vec<Entry<T>>, read: impl Fn(&T) -> Outcome) -> (Vec<u64>, Vec<Row>) {
    let mut columns = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries {
        let mut cells: BTreeMap<u64, (u8, Cell)> = BTreeMap::new();
        for outcome in entry.results.iter().map(&read) {
            columns.insert(outcome.uuid);
            // Of several runs of a commit the worst shows.
            if cells.get(&outcome.uuid).is_none_or(|(shown, _)| outcome.worst < *shown) {
                cells.insert(outcome.uuid, (outcome.worst, cell(outcome)));
            }
        }
        found.push((entry.configuration, cells));
    }
    let columns: Vec<u64> = columns.into_iter().rev().collect();
    let newest = columns.first().copied().unwrap_or_default();
    let rows = found.into_iter().map(|(configuration, mut cells)| {
        let cells: Vec<Option<Cell>> = columns.iter().map(|uuid| cells.remove(uuid).map(|(_, cell)| cell)).collect();
        let verdict = verdict(cells.iter().flatten().map(|cell| (cell.uuid, cell.failing)), newest);
        Row { name: configuration.name(), query: query_of(&configuration), verdict, cells }
    });
    let rows = rows.collect();
    (columns, rows)
}

/// From the runs of one configuration, newest first.
fn verdict(runs: impl Iterator<Item = (u64, bool)>, newest: u64) -> Verdict {
    let runs: Vec<(u64, bool)> = runs.collect();
    let Some((latest, failing)) = runs.first().copied() else { return Verdict::Stale };
    let flips = runs.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    if newest.saturating_sub(latest) / 100 > STALE_SECONDS {
        Verdict::Stale
    } else if flips >= FLAKY_FLIPS {
        Verdict::Flaky { flips }
    } else if failing {
        let bad = runs.iter().take_while(|(_, failing)| *failing).count();
        Verdict::Failing { first_bad: runs[bad - 1].0, last_good: runs.get(bad).map(|(uuid, _)| *uuid) }
    } else {
        Verdict::Passing
    }
}

fn cell(outcome: Outcome) -> Cell {
    let (class, symbol) = match outcome.worst {
        state::CRASH => ("crash", "!"),
        state::TIMEOUT => ("timeout", "T"),
        2 => ("image", "I"),
        3..=state::ERROR => ("fail", "✕"),
        state::WARNING => ("warning", "?"),
        _ => ("pass", "✓"),
    };
    let Outcome { uuid, label, count, failing, .. } = outcome;
    Cell { uuid, class, symbol, label, count, failing }
}

/// The query that selects exactly this configuration.
pub(super) fn query_of(configuration: &Configuration) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let texts = [
        ("platform", &configuration.platform),
        ("version_name", &configuration.version_name),
        ("architecture", &configuration.architecture),
        ("model", &configuration.model),
        ("style", &configuration.style),
        ("flavor", &configuration.flavor),
        ("sdk", &configuration.sdk),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    if let Some(version) = configuration.version {
        query.append_pair("version", &version.to_string());
    }
    if let Some(simulator) = configuration.is_simulator {
        query.append_pair("is_simulator", if simulator { "true" } else { "false" });
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runs: &str) -> Verdict {
        let newest_first = runs.bytes().rev().enumerate();
        let total = runs.len() as u64;
        verdict(newest_first.map(|(index, run)| (100 * (total - index as u64), run == b'F')), 100 * total)
    }

    #[test]
    fn the_blame_range_lies_between_the_last_good_and_the_first_bad() {
        assert_eq!(of("PPPFF"), Verdict::Failing { first_bad: 400, last_good: Some(300) });
        assert_eq!(of("FF"), Verdict::Failing { first_bad: 100, last_good: None });
        assert_eq!(of("FFPP"), Verdict::Passing);
        assert_eq!(of("PFPPF"), Verdict::Flaky { flips: 3 });
        assert_eq!(of(""), Verdict::Stale);
        assert_eq!(verdict([(100, false)].into_iter(), 100 * (STALE_SECONDS + 2)), Verdict::Stale);
    }
}
