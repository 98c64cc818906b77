//! Hostile bytes for whatever takes bytes of anyone: reading ends without a panic, in bounded time and memory.
//!
//! A [`Subject`] is one reader: a [`Target`] of reports, or a [`Parser`] of something small. Data flow for reports: `seeds` has
//! reports that the reader knows; `mutate` spoils one of them, the same way for the same seed and number; `packing`
//! compresses it where the target is an archive; `reading` reads it, and `check` holds what was read against the properties
//! that every report has. `parsers` do the same with inputs and properties of their own. `campaign` does that for many
//! inputs and counts. [`floods`] are large inputs of one hostile pattern each, made of [`pieces`] while they are read.
//! [`memory`] counts what a thread allocates.
//!
//! Everything runs on stable Rust without other tools: a short campaign is a test, a long one is the binary.

mod campaign;
mod check;
pub mod floods;
pub mod memory;
mod mutate;
mod packing;
mod parsers;
pub mod pieces;
mod reading;
mod report_subject;
mod seeds;
mod subject;
mod targets;

pub use campaign::{Campaign, Failure, Outcome, input};
pub use parsers::{PARSERS, Parser};
pub use subject::{Checked, Subject};
pub use targets::{TARGETS, Target};

/// All readers, by those of reports first.
pub fn subjects() -> Vec<&'static dyn Subject> {
    let targets = TARGETS.iter().map(|target| target as &dyn Subject);
    targets.chain(PARSERS.iter().map(|parser| parser as &dyn Subject)).collect()
}
