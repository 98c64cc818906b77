//! Which path leads to which request.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use eventlog::EventLog;
use schema::blobs::Blobs;
use web::openapi::Operation;

use crate::requests::{archive, bugs, commits, dead_letters, ews, renames, reports, upload};
use crate::state::{Intake, IntakeOptions};
use crate::tally::{self, Tally};

/// Every operation of the intake, for the OpenAPI document.
pub const OPERATIONS: &[Operation] = &[
    upload::OPERATION,
    reports::OPERATION,
    archive::OPERATION,
    ews::OPERATION,
    commits::OPERATION,
    bugs::OPERATION,
    renames::OPERATION,
    dead_letters::OPERATION,
    commits::REGISTER,
];

/// The routes of the intake; they append to `log`, put what is large into `blobs` and ask the store through `client`.
pub fn router(log: Arc<dyn EventLog>, client: clickhouse::Client, blobs: Blobs, options: IntakeOptions) -> Router {
    let report_after = options.report_after;
    let intake = Intake::new(log, client, blobs, options);
    let counted = from_fn_with_state(Tally::new(intake.appender.clone(), report_after), tally::count);
    Router::new()
        .route(upload::OPERATION.path, post(upload::take))
        .route(reports::OPERATION.path, post(reports::take))
        .route(archive::OPERATION.path, post(archive::take))
        .route(ews::OPERATION.path, post(ews::take))
        // Uploads are counted, and nothing else.
        .route_layer(counted)
        .route(bugs::OPERATION.path, post(bugs::link))
        .route(renames::OPERATION.path, post(renames::rename))
        .route(commits::OPERATION.path, post(commits::register))
        .route(commits::REGISTER.path, post(commits::register))
        .route(dead_letters::OPERATION.path, post(dead_letters::decide))
        // Bodies are bounded by `checks::body`, and archives by their request.
        .layer(DefaultBodyLimit::disable())
        .with_state(intake)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::OPERATIONS;

    #[test]
    fn operations_are_posts_of_different_paths() {
        assert!(OPERATIONS.iter().all(|operation| operation.method == "post"));
        let paths: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
        assert_eq!(paths.len(), OPERATIONS.len());
    }
}
