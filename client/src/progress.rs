//! How far a command is, shown on standard error where that is a terminal.

use std::io::Read;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar, or nothing where nobody looks.
#[derive(Debug, Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts the tests that are read.
    pub(crate) fn reading() -> Self {
        Self(ProgressBar::new_spinner().with_style(style("{spinner} {human_pos} tests read")))
    }

    /// Counts the bytes of an upload.
    pub(crate) fn sending(bytes: u64) -> Self {
        let style = style("{bar:30} {bytes} of {total_bytes} sent, {eta} left");
        Self(ProgressBar::new(bytes).with_style(style))
    }

    /// Counts things of a kind, of which nobody knows how many there are.
    pub(crate) fn counting(what: &str) -> Self {
        Self(ProgressBar::new_spinner().with_style(style(&format!("{{spinner}} {{human_pos}} {what}, {{per_sec}}"))))
    }

    /// Counts partitions of an import.
    pub(crate) fn partitions(count: u64) -> Self {
        let style = style("{bar:30} {pos} of {len} suites by configuration and branch, {msg}");
        Self(ProgressBar::new(count).with_style(style))
    }

    /// Says more about where it is.
    pub(crate) fn tell(&self, message: String) {
        self.0.set_message(message);
    }

    /// So many more.
    pub(crate) fn advance(&self, count: u64) {
        self.0.inc(count);
    }

    /// Counts the bytes that are read of a body, from its beginning.
    pub(crate) fn count<R: Read + 'static>(&self, body: R) -> Box<dyn Read> {
        self.0.set_position(0);
        Box::new(self.0.wrap_read(body))
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
