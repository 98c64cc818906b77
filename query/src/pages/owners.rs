//! Who owns tests that fail, are flaky or cost something.

use answers::owner_totals::{self, OwnerTotals};
use answers::suites;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::filters::{self, Form};
use super::names::titled;
use super::time;
use crate::api::owners::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let answer = owner_totals::find(&service.store, &lists::owners(&parameters, parameters.first("suite"))?).await?;
    let rows: Vec<Value> = answer.owners.iter().map(row).collect();
    let filters = filters::of_suite(&service, &parameters, &answer.suite, Form::keeping(&["limit"])).await?;
    let is_named = answer.owners.iter().any(|one| one.owner.is_some());
    let values = context! {
        page => "/owners", filters, known, chosen => answer.suite, weeks => answer.weeks, ran => answer.configurations, rows, is_cut => answer.is_cut, is_named,
        export_query => parameters.with(&["format"], &[]),
    };
    service.pages.render(StatusCode::OK, "owners.html", Some(&titled("Owners", &answer.suite)), values)
}

/// What a template shows of an owner.
fn row(totals: &OwnerTotals) -> Value {
    let OwnerTotals { owner, new, still, flaky, spoilt, time_lost } = totals;
    // The tests that nobody owns have a word of the search.
    let asked = owner.as_deref().unwrap_or("none");
    context! { owner, asked, new, still, flaky, spoilt, lost => time::took(*time_lost) }
}
