//! What failed: the tests of the newest run of each configuration, or of the runs of a commit.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::state::NAMES;

use super::timelines::known_suites;
use crate::error::ApiError;
use crate::failures;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::routes::Service;
use crate::selection::Selection;

/// Runs of each configuration, unless more are asked for.
const RUNS: u64 = 1;
/// Tests shown of one suite.
const TESTS: usize = 500;

pub(super) async fn page(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "test", "recent", "limit", "unexpected"];
    let parameters = Parameters::read(query, &[&CONFIGURATION, &own, &POINT, &RANGE, &TIMES])?;
    let unexpected = parameters.flag("unexpected", true);
    let selection = Selection::read(service, &parameters, RUNS).await?;
    let known = known_suites(service, &selection).await?;
    let asked: Vec<String> = parameters.all("suite").map(str::to_owned).collect();
    let shown = if asked.is_empty() { known.iter().cloned().collect() } else { asked };
    let mut sections = Vec::new();
    for suite in &shown {
        let rows = failures::rows(service, suite, &selection, unexpected).await?;
        let mut tests: BTreeMap<&str, (u8, BTreeMap<String, String>)> = BTreeMap::new();
        for row in &rows {
            let Some(configuration) = selection.configuration(&row.place()) else { continue };
            let found = tests.entry(&row.test).or_insert_with(|| (row.state, BTreeMap::new()));
            found.0 = found.0.min(row.state);
            found.1.insert(configuration.name(), configuration.query());
        }
        let mut ordered: Vec<_> = tests.into_iter().collect();
        // Worst first; what fails in few places is news, what fails everywhere is known by then.
        ordered.sort_by_key(|(test, (state, configurations))| (*state, configurations.len(), *test));
        let total = ordered.len();
        let tests: Vec<Value> = ordered
            .into_iter()
            .take(TESTS)
            .map(|(test, (state, configurations))| {
                let state = NAMES.get(usize::from(state)).copied().unwrap_or_default();
                context! { test, state, class => state.to_lowercase(), configurations => Vec::from_iter(configurations) }
            })
            .collect();
        sections.push(context! { suite, tests, total });
    }
    let point = parameters.first("uuid").or(parameters.first("ref")).or(parameters.first("id")).unwrap_or_default();
    let values = context! { page => "/investigate", known, sections, unexpected, point };
    service.pages.render(StatusCode::OK, "investigate.html", None, values)
}
