//! Which archives runs left behind, and what the blob store knows them by.

use schema::configuration::Configuration;
use schema::ids::CommitKey;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::reads::archives::{self, StoredArchive};
use crate::reads::selection::Selection;
use crate::store::Store;

/// Archives of each configuration and suite that are considered.
const PER_CONFIGURATION: u64 = 2;

/// The files of one run, as one zip.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The configuration, with its SDK.
    pub configuration: Configuration,
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// What the blob store knows it by.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// The newest archives of the runs that a filter means, of some suites, of all if none is named.
pub async fn find(store: &Store, filter: &RunFilter, suites: &[String]) -> Result<Vec<Archive>, AnswerError> {
    let selection = Selection { limit: PER_CONFIGURATION, ..Selection::of(store, filter, PER_CONFIGURATION).await? };
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
    let rows = archives::newest(store, &suites, &selection).await?;
    let archive = |row: StoredArchive| {
        let configuration = selection.configuration(&row.place())?;
        let StoredArchive { uuid, start_time, digest, size, .. } = row;
        Some(Archive { configuration, uuid, start_time, digest, size })
    };
    Ok(rows.into_iter().filter_map(archive).collect())
}
