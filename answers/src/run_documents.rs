//! What each test of a run did, from the document that was uploaded: no table has the tests of a run together.

use std::sync::Arc;

use analysis::compare::{Attempts, Times};
use schema::results::{self, TestResult};
use serde_json::value::RawValue;

use crate::error::{AnswerError, broken};
use crate::reads::selection::RunPlace;
use crate::reads::uploads;
use crate::renames::Renames;
use crate::store::Store;

/// Gives each test of a run to `add`, which notes it in `known`. Nothing is added if the document is not stored any more.
pub(crate) async fn fold<T: Send + 'static>(
    store: &Store,
    suite: &str,
    run: &RunPlace,
    mut known: T,
    add: impl Fn(&mut T, &str, &TestResult) + Send + 'static,
) -> Result<T, AnswerError> {
    let Some(document) = uploads::document(store, suite, run).await? else { return Ok(known) };
    let walk = move || -> Result<T, AnswerError> {
        let document: &RawValue = serde_json::from_str(&document).map_err(broken)?;
        let members = results::members(document.get()).map_err(broken)?;
        if let Some(tree) = results::member(&members, "results") {
            results::walk(tree, |test, result| add(&mut known, test, &result)).map_err(broken)?;
        }
        Ok(known)
    };
    tokio::task::spawn_blocking(walk).await.map_err(broken)?
}

/// What ran in the runs of a commit, and how long it took the last time that it was measured. The runs that started last
/// come first. Tests have the names that they have by the renames.
pub(crate) async fn times(
    store: &Store,
    suite: &str,
    runs: impl IntoIterator<Item = RunPlace>,
    renames: &Arc<Renames>,
) -> Result<Times, AnswerError> {
    let mut times = Times::new();
    for run in runs {
        let (renames, start_time) = (Arc::clone(renames), run.start_time);
        times = fold(store, suite, &run, times, move |times, test, result| {
            let test = renames.current(test, start_time);
            let mut attempts = Attempts::default();
            attempts.add(result.actual, result.expected, true);
            match times.get_mut(test) {
                Some(time) => *time = time.or(result.time),
                None if attempts.ran() => drop(times.insert(test.to_owned(), result.time)),
                None => {}
            }
        })
        .await?;
    }
    Ok(times)
}
