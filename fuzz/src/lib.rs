//! Hostile bytes for every reader of reports: reading ends without a panic, in bounded time and memory.
//!
//! A [`Target`] is one reader. Data flow: `seeds` has reports that the reader knows; `mutate` spoils one of them, the same
//! way for the same seed and number; `packing` compresses it where the target is an archive; `reading` reads it, and
//! `check` holds what was read against the properties that every report has. `campaign` does that for many inputs and
//! counts. [`floods`] are large inputs of one hostile pattern each, made of [`pieces`] while they are read.
//! [`memory`] counts what a thread allocates.
//!
//! Everything runs on stable Rust without other tools: a short campaign is a test, a long one is the binary.

mod campaign;
mod check;
pub mod floods;
pub mod memory;
mod mutate;
mod packing;
pub mod pieces;
mod reading;
mod seeds;
mod targets;

pub use campaign::{Campaign, Failure, Outcome, input};
pub use targets::{TARGETS, Target};
