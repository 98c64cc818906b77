//! The requests that the intake takes: one POST, one file, with its operation for the OpenAPI document.

pub(crate) mod archive;
pub(crate) mod bugs;
pub(crate) mod commits;
pub(crate) mod dead_letters;
pub(crate) mod ews;
pub(crate) mod keys;
pub(crate) mod owners;
mod page_or_json;
pub(crate) mod quarantine;
pub(crate) mod renames;
pub(crate) mod reports;
mod said;
mod schemas;
mod unheard;
pub(crate) mod upload;
mod upload_answer;
