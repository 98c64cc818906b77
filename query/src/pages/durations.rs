//! What takes long, and whether it takes longer than it did.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;

use super::timelines::known_suites_of;
use crate::durations::slowest::{self, Slow};
use crate::durations::{self, Line, OF_SUITE};
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::routes::Service;
use crate::{commits, times};

pub(super) async fn page(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let known = known_suites_of(service).await?;
    let parameters = Parameters::filled(query, &[OF_SUITE.parameters, &[&["suite", "test"]]].concat())?;
    let chosen = parameters.first("suite").or(known.first().map(String::as_str)).unwrap_or_default();
    let test = parameters.first("test");
    let answer = durations::find(service, &parameters, chosen, test).await?;
    let names = Configuration::short_names(answer.lines.iter().map(|line| &line.configuration));
    let lines: Vec<Value> = answer.lines.iter().zip(names).map(|(line, name)| shown(line, name)).collect();
    // A test that is chosen is the only one that is asked about.
    let slowest = if test.is_none() { slowest_of(service, &parameters, chosen).await? } else { None };
    let narrowed = parameters.pairs().any(|(name, _)| CONFIGURATION.contains(&name));
    let values = context! {
        page => "/durations", known, chosen, test, lines, parts => answer.parts, slowest, narrowed,
        weeks => answer.weeks, platform => parameters.first("platform").unwrap_or_default(),
        slower => answer.lines.iter().filter(|line| is_slower(line)).count(),
        export_query => parameters.with(&["suite", "test"], &[]),
    };
    service.pages.render(StatusCode::OK, "durations.html", Some("Durations"), values)
}

/// Whether the newest quarter of the time takes clearly longer than what was before.
fn is_slower(line: &Line) -> bool {
    line.before.zip(line.lately).is_some_and(|(before, lately)| times::is_slower(before, lately))
}

fn shown(line: &Line, name: String) -> Value {
    context! { name, query => line.configuration.query(), slower => is_slower(line), ..Value::from_serialize(line) }
}

/// The slowest tests of the newest run that is selected.
async fn slowest_of(service: &Service, parameters: &Parameters, suite: &str) -> Result<Option<Value>, ApiError> {
    let Some(answer) = slowest::find(service, parameters, suite).await? else { return Ok(None) };
    let commits = commits::by_uuid(service, &[answer.uuid].into()).await?;
    let row = |slow: &Slow| {
        let slower = slow.usual.is_some_and(|usual| times::is_slower(usual, slow.time));
        context! { slower, ..Value::from_serialize(slow) }
    };
    let tests: Vec<Value> = answer.tests.iter().map(row).collect();
    Ok(Some(context! {
        name => answer.configuration.name(), query => answer.configuration.query(), uuid => answer.uuid,
        commit => commits.name(answer.uuid), seconds => (answer.uuid / 100) as i64, tests,
    }))
}
