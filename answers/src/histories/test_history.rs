//! What one test did on one configuration, where that was read test by test.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use analysis::history::Cell;

/// The runs of one test on one configuration, as they are read, in no order.
#[derive(Default)]
pub(super) struct TestRuns(BTreeMap<u32, SessionCells>);

/// What a test did in a session, and what it did in the part of it that lies in the time asked about.
struct SessionCells {
    whole: Cell,
    asked: Option<Cell>,
}

impl TestRuns {
    /// Adds a run. Those that started at `since` or later are asked about, seconds since 1970.
    pub(super) fn add(&mut self, run: Cell, since: u32) {
        let asked = (run.first_start >= since).then_some(run);
        match self.0.entry(run.position) {
            Entry::Vacant(session) => {
                session.insert(SessionCells { whole: run, asked });
            }
            Entry::Occupied(mut session) => {
                let of = session.get_mut();
                of.whole = of.whole.joined(run);
                of.asked = match (of.asked, asked) {
                    (Some(part), Some(run)) => Some(part.joined(run)),
                    (part, run) => part.or(run),
                };
            }
        }
    }

    /// The history that they are, on a configuration with so many sessions of the suite.
    pub(super) fn history(self, sessions: u32, since: u32) -> TestHistory {
        let mut history = TestHistory { cells: Vec::with_capacity(self.0.len()), parts: Vec::new(), sessions };
        for SessionCells { whole, asked } in self.0.into_values() {
            history.cells.push(whole);
            history.parts.extend(asked.filter(|_| whole.first_start < since));
        }
        history
    }
}

/// What one test did on one configuration.
pub(super) struct TestHistory {
    /// Cells by position.
    pub(super) cells: Vec<Cell>,
    /// Of the sessions that began before the time asked about, what belongs to that time; by position.
    parts: Vec<Cell>,
    /// Sessions of the suite on the configuration.
    pub(super) sessions: u32,
}

impl TestHistory {
    /// The cells of the runs that started at `since` or later, which is the time that was given when it was made.
    pub(super) fn asked(&self, since: u32) -> Cow<'_, [Cell]> {
        if self.cells.iter().all(|cell| cell.first_start >= since) {
            return Cow::Borrowed(&self.cells);
        }
        let asked = |cell: &Cell| match cell.first_start >= since {
            true => Some(*cell),
            false => {
                let part = self.parts.binary_search_by_key(&cell.position, |part| part.position).ok()?;
                self.parts.get(part).copied()
            }
        };
        Cow::Owned(self.cells.iter().filter_map(asked).collect())
    }
}
