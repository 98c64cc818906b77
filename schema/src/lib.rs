//! What every part of resultsdb agrees on: domain types, the event envelope, topics, and the store.
//!
//! Data flow: `ingest` turns an upload into an [`event::Event`]; the processor turns the event into
//! the rows of [`store::rows`]; `query` reads those tables back. Nothing here listens or serves;
//! the only I/O is the [`store`]'s and that of [`blobs`].
//!
//! Without the feature `io` the crate is what pure code may know: identities, the clock, commits, configurations, states.

pub mod access_key;
#[cfg(feature = "io")]
pub mod blobs;
pub mod bug;
pub mod cause;
#[cfg(feature = "io")]
pub mod chore;
pub mod clock;
pub mod commit;
pub mod configuration;
#[cfg(feature = "io")]
pub mod event;
pub mod expiry;
pub mod ids;
pub mod incomplete;
pub mod intake_report;
#[cfg(feature = "io")]
pub mod lease;
pub mod like;
#[cfg(feature = "io")]
pub mod links;
pub mod markdown;
pub mod outcomes;
pub mod owners;
#[cfg(feature = "io")]
pub mod place;
pub mod plain;
pub mod quarantine;
#[cfg(feature = "io")]
pub mod receipt;
pub mod rename;
#[cfg(feature = "io")]
pub mod results;
pub mod retention;
pub mod run_notes;
pub mod seconds;
mod shapes;
pub mod state;
#[cfg(feature = "io")]
pub mod store;

/// The topic that every upload, commit, bug, rename, file of owners, entry of the quarantine and key is appended to.
pub const EVENTS_TOPIC: &str = "resultsdb.events";
/// Where events that can never be processed go, with their cause.
pub const DEAD_LETTER_TOPIC: &str = "resultsdb.dead-letters";
/// Partitions of [`EVENTS_TOPIC`].
pub const EVENTS_PARTITIONS: u32 = 4;
/// The consumer group that materialises the views.
pub const PROCESSOR_GROUP: &str = "resultsdb.processor";
/// The consumer group that archives events.
pub const ARCHIVE_GROUP: &str = "resultsdb.archive";
