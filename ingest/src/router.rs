//! Which path leads to which request.

use std::sync::Arc;

use access::{Routes, Rule};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn_with_state, map_response};
use eventlog::EventLog;
use schema::blobs::Blobs;
use web::openapi::Operation;
use web::protection::protect;

use crate::requests::{archive, bugs, commits, dead_letters, ews, keys, owners, quarantine, renames, reports, upload};
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
    owners::OPERATION,
    quarantine::OPERATION,
    dead_letters::OPERATION,
    commits::REGISTER,
    keys::MAKE,
    keys::CHANGE,
];

/// The routes of the intake; they append to `log`, put what is large into `blobs` and ask the store through `client`.
pub fn router(log: Arc<dyn EventLog>, client: clickhouse::Client, blobs: Blobs, options: IntakeOptions) -> Router {
    let (report_after, door) = (options.report_after, options.door.clone());
    let intake = Intake::new(log, client, blobs, options);
    let counted = from_fn_with_state(Tally::new(intake.appender.clone(), report_after), tally::count);
    let [uploads, other] = routes();
    // Uploads are counted, and nothing else.
    uploads
        .layer(counted)
        .merge(other)
        .behind(&door)
        // Bodies are bounded by `checks::body`, and archives by their request.
        .layer(DefaultBodyLimit::disable())
        .layer(map_response(protect))
        .with_state(intake)
}

/// Uploads, and everything else.
fn routes() -> [Routes<Intake>; 2] {
    let uploads = Routes::new()
        .post(Rule::Upload, upload::OPERATION.path, upload::take)
        .post(Rule::Upload, reports::OPERATION.path, reports::take)
        .post(Rule::Upload, archive::OPERATION.path, archive::take)
        .post(Rule::Upload, ews::OPERATION.path, ews::take);
    let other = Routes::new()
        .post(Rule::Link, bugs::OPERATION.path, bugs::link)
        .post(Rule::Link, renames::OPERATION.path, renames::rename)
        .post(Rule::Link, owners::OPERATION.path, owners::take)
        .post(Rule::Quarantine, quarantine::OPERATION.path, quarantine::quarantine)
        .post(Rule::Upload, commits::OPERATION.path, commits::register)
        .post(Rule::Upload, commits::REGISTER.path, commits::register)
        .post(Rule::Admin, dead_letters::OPERATION.path, dead_letters::decide)
        .post(Rule::Admin, keys::MAKE.path, keys::make)
        .post(Rule::Admin, keys::CHANGE.path, keys::change);
    [uploads, other]
}

/// Method, path and rule of every route.
pub fn rules() -> Vec<(Method, &'static str, Rule)> {
    routes().iter().flat_map(|routes| routes.rules().to_vec()).collect()
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
