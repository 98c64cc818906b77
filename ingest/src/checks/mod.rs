//! What a request must pass before anything is asked of the store or appended to the log.

pub(crate) mod body;
pub(crate) mod covered;
pub(crate) mod document;
mod encoding;
mod forms;
pub(crate) mod outcomes;
pub(crate) mod owners;
pub(crate) mod parts;
pub(crate) mod report_parameters;
mod run_notes;
pub(crate) mod upload;

pub(crate) use encoding::refuse_encoded;
