//! The local log keeps the contract of event logs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use embedded::LocalLog;
use eventlog::contract;

#[tokio::test(flavor = "multi_thread")]
async fn the_local_log_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(LocalLog::open(directory.path()).unwrap());
    contract::holds(log).await;
}
