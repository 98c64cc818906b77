//! The tests that cannot be relied on, the worst first.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::help;
use super::timelines::known_suites_of;
use crate::bugs::known;
use crate::error::ApiError;
use crate::flaky;
use crate::parameters::Parameters;
use crate::routes::Service;

pub(super) async fn page(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let known = known_suites_of(service).await?;
    let first = known.first().map(String::as_str);
    let Some(first) = first else {
        let none: Vec<Value> = Vec::new();
        let values = context! { page => "/flaky", known, chosen => "", weeks => 4, platform => "", q => "", help => help(&flaky::FIELDS), rows => none };
        return service.pages.render(StatusCode::OK, "flaky.html", Some("Flaky tests"), values);
    };
    let parameters = Parameters::filled(query, flaky::OPERATION.parameters)?;
    let answer = flaky::find(service, &parameters, Some(first)).await?;
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
                bugs => test.bugs.iter().map(known::shown).collect::<Vec<_>>(),
            }
        })
        .collect();
    let values = context! {
        page => "/flaky", known, chosen => answer.suite, weeks => answer.weeks, broken => answer.broken, rows,
        platform => parameters.first("platform").unwrap_or_default(), q => parameters.first("q").unwrap_or_default(),
        help => help(&flaky::FIELDS),
        export_query => parameters.with(&["suite", "format"], &[("suite", &answer.suite)]),
    };
    service.pages.render(StatusCode::OK, "flaky.html", Some("Flaky tests"), values)
}
