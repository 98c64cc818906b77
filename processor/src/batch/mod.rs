//! The way of a batch of events from the log into the views, one file a step: [`collect`] records → [`decode`] them into
//! rows → [`write`] the rows → [`halve`] a batch that the store refuses → [`commit`] watermarks and offsets.

mod collect;
mod commit;
mod decode;
mod halve;
mod write;

pub(crate) use collect::{BATCH_BYTES, BATCH_RECORDS, BatchCollector};
pub(crate) use decode::{BatchError, DecodedBatch, decode};
pub(crate) use write::{BatchWriter, PendingBatch};
