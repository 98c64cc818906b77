//! What takes long, and whether it takes longer than it did.

use answers::durations::{self, DurationRow};
use answers::slowest::{self, SlowTest};
use answers::{commit_names, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;

use super::filters::{self, Form};
use super::names::titled;
use crate::api::durations::OF_SUITE;
use crate::error::ApiError;
use crate::parameters::{Parameters, chooses_configurations, lists};
use crate::service::{Service, Shared};

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), &[OF_SUITE.parameters, &[&["suite", "test"]]].concat())?;
    let chosen = parameters.first("suite").or(known.first().map(String::as_str)).unwrap_or_default();
    let test = parameters.first("test");
    let answer = durations::find(&service.store, &lists::durations(&parameters, chosen, test)?).await?;
    let names = Configuration::short_names(answer.rows.iter().map(|row| &row.configuration));
    let lines: Vec<Value> = answer.rows.iter().zip(names).map(|(row, name)| to_context(row, name)).collect();
    // A test that is chosen is the only one that is asked about.
    let slowest = if test.is_none() { slowest_of(&service, &parameters, chosen).await? } else { None };
    let narrowed = parameters.pairs().any(|(name, _)| chooses_configurations(name));
    let filters = filters::of_suite(&service, &parameters, chosen, Form::keeping(&["limit"])).await?;
    let values = context! {
        page => "/durations", filters, known, chosen, test, lines, parts => answer.parts, slowest, narrowed,
        weeks => answer.weeks,
        slower => answer.rows.iter().filter(|row| row.is_slower()).count(),
        export_query => parameters.with(&["suite", "test"], &[]),
    };
    service.pages.render(StatusCode::OK, "durations.html", Some(&titled("Durations", test.unwrap_or(chosen))), values)
}

fn to_context(row: &DurationRow, name: String) -> Value {
    context! { name, query => row.configuration.query(), slower => row.is_slower(), ..Value::from_serialize(row) }
}

/// The slowest tests of the newest run that is selected.
async fn slowest_of(service: &Service, parameters: &Parameters, suite: &str) -> Result<Option<Value>, ApiError> {
    let question = lists::durations(parameters, suite, None)?;
    let found = slowest::find(&service.store, &question).await?;
    let (Some(configuration), Some(key)) = (found.configuration, found.uuid) else { return Ok(None) };
    let commits =
        commit_names::as_tested(&service.store, suite, question.runs.branch.as_deref(), &[key].into()).await?;
    let row = |test: &SlowTest| context! { slower => test.is_slower(), ..Value::from_serialize(test) };
    let tests: Vec<Value> = found.tests.iter().map(row).collect();
    Ok(Some(context! {
        name => configuration.name(), query => configuration.query(), uuid => key, commit => commits.name(key),
        seconds => key.time() as i64, tests,
    }))
}
