//! What flaky tests cost: the order in which those sort who decide what is mended first.

use answers::costs::{self, Cost, CostsBy};
use answers::suites;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::filters::{self, Form};
use super::names::{help, titled};
use super::time;
use crate::api::costs::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// What a reader can choose to be told of.
fn choices() -> Vec<(&'static str, &'static str)> {
    let label = |by| match by {
        CostsBy::Test => "test",
        CostsBy::Owner => "owner",
        CostsBy::Week => "week",
    };
    CostsBy::ALL.into_iter().map(|by| (by.name(), label(by))).collect()
}

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let question = lists::costs(&parameters, parameters.first("suite"), &service.store.clock)?;
    let answer = costs::find(&service.store, &question).await?;
    let rows: Vec<Value> = answer.costs.iter().map(row).collect();
    let filters = filters::of_suite(&service, &parameters, &answer.suite, Form::keeping(&["limit"])).await?;
    let value = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let values = context! {
        page => "/costs", filters, known, chosen => answer.suite, weeks => answer.weeks, ran => answer.configurations, rows, total => row(&answer.total),
        is_cut => answer.is_cut, has_more => answer.has_more, by => answer.by.name(), choices => choices(),
        q => value("q"), owner => value("owner"), help => help(&costs::FIELDS),
        export_query => parameters.with(&["format"], &[]),
    };
    service.pages.render(StatusCode::OK, "costs.html", Some(&titled("Costs of flaky tests", &answer.suite)), values)
}

/// What a template shows of a row.
fn row(cost: &Cost) -> Value {
    let Cost { suite, test, owners, week, tests, spoilt, time_lost } = cost;
    let day = week.map(|week| time::day(i64::try_from(week).unwrap_or(i64::MAX)));
    // Of owners, a row is of the one that it names; the tests that nobody owns have a word of the search.
    let owner = owners.first();
    let asked = owner.map_or("none", String::as_str);
    context! { suite, test, owners, owner, asked, day, week, tests, spoilt, lost => time::took(*time_lost) }
}
