//! What the process that has the log and the tables open finds of them. It is asked by its socket, which backups use, too.

use eventlog::EventLog;
use schema::store::StoreAddress;
use serde::{Deserialize, Serialize};

use super::finding::Line;
use super::group::Group;
use super::{lag, log_end, lost_rows, store, versions};

/// What the process that has the log and the tables open says of them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Examined {
    /// Its version.
    pub(super) version: String,
    pub(super) lines: Vec<Line>,
}

/// Examines the log and the tables that this process has open; `patience` is how long an event may wait to be shown, seconds.
pub(crate) async fn examine(log: &dyn EventLog, address: StoreAddress, patience: u64) -> Examined {
    let mut group = Group::new("the log", "Run `resultsdb check --data-dir DIR` while `serve` is stopped");
    group.reach("lag of the views", lag::views(log, patience)).await;
    group.ask("end of the log", log_end::of(log, &address.client())).await;
    group.ask("events in the tables", lost_rows::of(log, &address.client(), lost_rows::OF_SERVE)).await;
    let mut lines = group.lines();
    lines.extend(store::lines(Ok(address), None, store::OF_SERVE).await);
    Examined { version: versions::OWN.to_owned(), lines }
}
