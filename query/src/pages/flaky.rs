//! The tests that cannot be relied on, the worst first.

use answers::flaky::{self, FlakyOrder};
use answers::suites;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::bugs;
use super::filters::{self, Form};
use super::names::{help, titled};
use super::quarantine;
use super::time;
use crate::api::flaky::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, is_left_empty, lists};
use crate::service::Shared;

/// What a reader can choose to come first.
fn orders() -> Vec<(&'static str, &'static str)> {
    let label = |order| match order {
        FlakyOrder::Certainty => "the most certain",
        FlakyOrder::Spoilt => "the most spoilt runs",
        FlakyOrder::Time => "the most time lost",
    };
    FlakyOrder::ALL.into_iter().map(|order| (order.name(), label(order))).collect()
}

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    // The form that asks about every suite names an empty one.
    let usual = known.first().map(String::as_str).filter(|_| !is_left_empty(query.as_deref(), "suite"));
    let suite = parameters.first("suite").or(usual);
    let answer = flaky::find(&service.store, &lists::flaky(&parameters, suite, &service.store.clock)?).await?;
    let rows: Vec<Value> = answer
        .tests
        .iter()
        .map(|test| {
            let percent = |share: f64| format!("{:.1}", share * 100.0);
            let kind = match (test.is_flaky_now, test.disagreements) {
                (false, _) => "not flaky any more",
                (true, 0) => "flips",
                (true, _) => "disagrees with itself",
            };
            context! {
                suite => test.suite, test => test.test, runs => test.runs, spoilt => test.spoilt, flaky_runs => test.flaky_runs, lost => time::took(test.time_lost), unexpected => test.unexpected, rate => percent(test.rate),
                lower => percent(test.lower), upper => percent(test.upper), flips => test.flips, kind,
                disagreements => test.disagreements, configurations => test.configurations,
                owners => test.owners,
                bugs => test.bugs.iter().map(bugs::to_context).collect::<Vec<_>>(), parked => quarantine::marks(&test.quarantine),
            }
        })
        .collect();
    let filters = filters::of_suite(&service, &parameters, &answer.suite, Form::keeping(&["limit"])).await?;
    let values = context! {
        page => "/flaky", filters, known, chosen => answer.suite, weeks => answer.weeks, ran => answer.configurations, broken => answer.broken, rows,
        is_cut => answer.is_cut,
        sort => parameters.first("sort").unwrap_or_default(),
        orders => orders(),
        q => parameters.first("q").unwrap_or_default(),
        owner => parameters.first("owner").unwrap_or_default(), help => help(&flaky::FIELDS),
        export_query => parameters.with(&["suite", "format"], &[("suite", &answer.suite)]),
    };
    service.pages.render(StatusCode::OK, "flaky.html", Some(&titled("Flaky tests", &answer.suite)), values)
}
