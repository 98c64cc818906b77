//! How long each test of one run took, from the document that was uploaded: no table has the tests of a run together.

use analysis::compare::Times;
use schema::results;
use serde_json::value::RawValue;

use crate::error::{AnswerError, broken};
use crate::reads::selection::RunPlace;
use crate::reads::uploads;
use crate::store::Store;

/// What ran in a run; empty if its document is not stored any more.
pub(crate) async fn of_run(store: &Store, suite: &str, run: &RunPlace) -> Result<Times, AnswerError> {
    let Some(document) = uploads::document(store, suite, run).await? else { return Ok(Times::new()) };
    let walk = move || -> Result<Times, AnswerError> {
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
