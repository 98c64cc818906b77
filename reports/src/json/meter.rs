//! How far a JSON document is read.

use std::cell::Cell;
use std::io;

use crate::limits::JSON_VALUE_BYTES;

/// How much has been read, and up to where one value may reach.
#[derive(Default)]
pub(super) struct Meter {
    pub(super) line: Cell<u64>,
    pub(super) byte: Cell<u64>,
    pub(super) end: Cell<Option<u64>>,
}

impl Meter {
    pub(super) fn count(&self, bytes: &[u8]) -> io::Result<()> {
        self.byte.set(self.byte.get() + bytes.len() as u64);
        self.line.set(self.line.get() + memchr::memchr_iter(b'\n', bytes).count() as u64);
        if self.end.get().is_some_and(|end| self.byte.get() > end) {
            return Err(io::Error::other(format!("one test has more than {} MiB", JSON_VALUE_BYTES >> 20)));
        }
        Ok(())
    }
}
