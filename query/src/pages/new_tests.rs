//! The tests that came lately, for who wants to know whether they can be relied on.

use std::collections::BTreeMap;

use answers::new_tests::{self, NewTest, Standing};
use answers::suites;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;

use super::filters::{self, Form};
use super::names::{ShownCommits, short_names, titled};
use crate::api::new_tests::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let question = lists::new_tests(&parameters, parameters.first("suite"))?;
    let answer = new_tests::find(&service.store, &question).await?;
    let filters = filters::of_suite(&service, &parameters, &answer.suite, Form::keeping(&["limit"])).await?;
    let first_on = answer.tests.iter().filter_map(|test| test.first_configuration.clone());
    let configurations: Vec<Configuration> = first_on.collect();
    let names = short_names(&configurations);
    let commits = ShownCommits::of(answer.tests.iter().map(|test| &test.first_commit));
    let values = context! {
        page => "/flaky", filters, known, chosen => answer.suite, days => answer.days, weeks => answer.weeks,
        ran => answer.configurations, unknown => answer.unknown, is_cut => answer.is_cut, most_days => new_tests::MAX_DAYS,
        rows => answer.tests.iter().map(|test| row(test, &names, &commits)).collect::<Vec<_>>(),
        export_query => parameters.with(&["format"], &[]),
    };
    service.pages.render(StatusCode::OK, "new_tests.html", Some(&titled("New tests", &answer.suite)), values)
}

/// What a template shows of a test.
fn row(test: &NewTest, names: &BTreeMap<&Configuration, String>, commits: &ShownCommits) -> Value {
    let class = match test.standing {
        standing if standing.is_failing() => "bad",
        Standing::Flaky => "unsure",
        Standing::Passing | Standing::Fixed => "good",
        _ => "",
    };
    let commit = commits.show(&test.first_commit);
    context! {
        suite => test.suite, test => test.test, class, standing => test.standing.name().replace('-', " "), runs => test.runs,
        failed => test.failed, both_ways => test.both_ways, reruns => test.reruns, median => test.median,
        configurations => test.configurations, seconds => i64::from(test.first_start), commit,
        first_on => test.first_configuration.as_ref().and_then(|one| names.get(one)),
    }
}
