//! The tests that cannot be relied on, the worst first.

use answers::{flaky, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::bugs;
use super::names::{help, titled};
use crate::api::flaky::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let Some(first) = known.first() else {
        let none: Vec<Value> = Vec::new();
        let values = context! { page => "/flaky", known, chosen => "", weeks => 4, platform => "", q => "", help => help(&flaky::FIELDS), rows => none };
        return service.pages.render(StatusCode::OK, "flaky.html", Some("Flaky tests"), values);
    };
    let parameters = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let suite = parameters.first("suite").unwrap_or(first);
    let answer = flaky::find(&service.store, &lists::flaky(&parameters, suite, &service.store.clock)?).await?;
    let rows: Vec<Value> = answer
        .tests
        .iter()
        .map(|test| {
            let percent = |share: f64| format!("{:.1}", share * 100.0);
            let kind = if test.unexpected == test.runs {
                "always fails"
            } else if test.disagreements > 0 {
                "disagrees with itself"
            } else if test.most_flips > 1 {
                "flips"
            } else {
                "changed once"
            };
            context! {
                test => test.test, runs => test.runs, unexpected => test.unexpected, rate => percent(test.rate),
                lower => percent(test.lower), upper => percent(test.upper), flips => test.flips, kind,
                disagreements => test.disagreements, configurations => test.configurations,
                bugs => test.bugs.iter().map(bugs::to_context).collect::<Vec<_>>(),
            }
        })
        .collect();
    let values = context! {
        page => "/flaky", known, chosen => answer.suite, weeks => answer.weeks, broken => answer.broken, rows,
        is_cut => answer.is_cut,
        platform => parameters.first("platform").unwrap_or_default(), q => parameters.first("q").unwrap_or_default(),
        help => help(&flaky::FIELDS),
        export_query => parameters.with(&["suite", "format"], &[("suite", &answer.suite)]),
    };
    service.pages.render(StatusCode::OK, "flaky.html", Some(&titled("Flaky tests", &answer.suite)), values)
}
