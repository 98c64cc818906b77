//! How far a JSON document is read.

use std::cell::Cell;
use std::io;

use crate::limits::JSON_VALUE_BYTES;

/// How much has been read, and up to where one value may reach.
#[derive(Default)]
pub(super) struct Meter {
    pub(super) line: Cell<u64>,
    pub(super) byte: Cell<u64>,
    /// Values that have begun.
    values: Cell<u64>,
    end: Cell<Option<u64>>,
}

/// What a value takes in memory beside the bytes of the document, about: it counts as so many bytes.
const VALUE_BYTES: u64 = 24;

impl Meter {
    pub(super) fn count(&self, bytes: &[u8]) -> io::Result<()> {
        self.byte.set(self.byte.get() + bytes.len() as u64);
        self.line.set(self.line.get() + memchr::memchr_iter(b'\n', bytes).count() as u64);
        self.check()
    }

    /// Counts values that have begun.
    pub(super) fn count_values(&self, values: u64) -> io::Result<()> {
        self.values.set(self.values.get() + values);
        self.check()
    }

    /// From here on, one value is read. What was read ahead of it is within a few kilobytes.
    pub(super) fn begin_value(&self) {
        self.end.set(Some(self.cost() + JSON_VALUE_BYTES));
    }

    pub(super) fn end_value(&self) {
        self.end.set(None);
    }

    fn cost(&self) -> u64 {
        self.byte.get() + self.values.get() * VALUE_BYTES
    }

    fn check(&self) -> io::Result<()> {
        if self.end.get().is_some_and(|end| self.cost() > end) {
            return Err(io::Error::other(format!("one test has more than {} MiB", JSON_VALUE_BYTES >> 20)));
        }
        Ok(())
    }
}
