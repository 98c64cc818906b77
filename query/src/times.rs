//! How long each test of one run took, from the document that was uploaded: no table has the tests of a run together.

use std::collections::BTreeMap;

use schema::results;
use serde_json::value::RawValue;

use crate::error::{ApiError, broken};
use crate::routes::Service;
use crate::selection::Place;

/// Every test of a run, and how long it took if that is known, milliseconds.
pub(crate) type Times = BTreeMap<String, Option<u32>>;

/// What takes longer by less than this is not called slower, milliseconds.
const SLOWER_BY: u32 = 100;

/// Whether something takes clearly longer than before: half as long again, and a tenth of a second longer.
pub(crate) fn is_slower(before: u32, now: u32) -> bool {
    let half_more = before.saturating_add(before / 2).saturating_add(before % 2);
    now >= half_more && now >= before.saturating_add(SLOWER_BY)
}

/// What ran in a run; empty if its document is not stored any more.
pub(crate) async fn of_run(service: &Service, suite: &str, run: &Place) -> Result<Times, ApiError> {
    // A run's branch is not known here; its configuration, commit and start tell it from others.
    let sql = "SELECT test_results FROM uploads WHERE suite = ? AND config_id = ? AND uuid = ? AND sdk = ? \
               AND start_time = ? LIMIT 1";
    let query = service.client.query(sql).bind(suite).bind(run.config_id).bind(run.uuid);
    let document: Option<String> = query.bind(&run.sdk).bind(run.start_time).fetch_optional().await?;
    let Some(document) = document else { return Ok(Times::new()) };
    let walk = move || -> Result<Times, ApiError> {
        let document: &RawValue = serde_json::from_str(&document).map_err(broken)?;
        let members = results::members(document.get()).map_err(broken)?;
        let mut times = Times::new();
        if let Some(tree) = results::member(&members, "results") {
            results::walk(tree, |test, result| {
                times.insert(test.to_owned(), result.time);
            })
            .map_err(broken)?;
        }
        Ok(times)
    };
    tokio::task::spawn_blocking(walk).await.map_err(broken)?
}
