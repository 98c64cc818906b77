//! Reports that are one event a line.

pub(crate) mod bazel;
pub(crate) mod go;
pub(crate) mod libtest;

use std::io::{self, BufRead};

use serde::de::DeserializeOwned;

use crate::error::Stop;
use crate::json::repair;
use crate::limits::LINE_BYTES;

/// The lines of a report, each within [`LINE_BYTES`]; what is beyond in a line is dropped.
pub(crate) struct Lines<R> {
    input: R,
    line: u64,
    byte: u64,
}

/// One line without its end.
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    /// Whether its end was dropped.
    pub(crate) cut: bool,
    /// Whether it ends the way a line does. The last line of a report that is broken off does not.
    pub(crate) whole: bool,
}

impl Line {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, line: 0, byte: 0 }
    }

    pub(crate) fn broken(&self, reason: &str) -> Stop {
        Stop::Broken { line: self.line, byte: self.byte, reason: reason.to_owned() }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Line>, Stop> {
        let mut line = Line { bytes: Vec::new(), cut: false, whole: false };
        let start = self.byte;
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let end = memchr::memchr(b'\n', bytes);
            let taken = end.unwrap_or(bytes.len());
            let kept = LINE_BYTES.saturating_sub(line.bytes.len()).min(taken);
            line.cut |= kept < taken;
            line.bytes.extend_from_slice(&bytes[..kept]);
            let consumed = taken + usize::from(end.is_some());
            self.byte += consumed as u64;
            self.input.consume(consumed);
            line.whole = end.is_some();
            if line.whole || consumed == 0 {
                break;
            }
        }
        if self.byte == start {
            return Ok(None);
        }
        self.line += 1;
        if line.bytes.last() == Some(&b'\r') {
            line.bytes.pop();
        }
        Ok(Some(line))
    }

    /// The next line that is a JSON object. Lines that begin otherwise are passed over: builds print between events.
    ///
    /// A line that is no JSON ends a report that is broken off there; one in the midst of others is passed over.
    pub(crate) fn next_event<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Stop> {
        while let Some(line) = self.next()? {
            if !line.bytes.trim_ascii_start().starts_with(b"{") {
                continue;
            }
            match serde_json::from_slice(&repair::repaired(&line.bytes)) {
                Ok(event) => return Ok(Some(event)),
                Err(error) if !line.whole => return Err(self.broken(&error.to_string())),
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Lines;
    use crate::limits::LINE_BYTES;

    #[test]
    fn lines_are_bounded_and_counted() {
        let long = "x".repeat(LINE_BYTES + 10);
        let input = format!("a\r\n{long}\n\nend");
        let mut lines = Lines::new(input.as_bytes());
        let mut next = || lines.next().unwrap().map(|line| (line.bytes.len(), line.cut, line.whole));
        assert_eq!(next(), Some((1, false, true)));
        assert_eq!(next(), Some((LINE_BYTES, true, true)));
        assert_eq!(next(), Some((0, false, true)));
        assert_eq!(next(), Some((3, false, false)));
        assert_eq!(next(), None);
    }
}
