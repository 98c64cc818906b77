//! What changed between two commits.

use answers::compare::{self, Change, ChangedTest, ComparedCommit, ComparedConfiguration};
use answers::{AnswerError, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::state::State as TestState;

use super::names::titled;
use super::states::look;
use crate::api::compare::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// Names shown of those that were added, removed, or became slower.
const DETAILS: usize = 200;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let value = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let chosen = parameters.first("suite").or(known.first().map(String::as_str)).unwrap_or_default().to_owned();
    // The page chooses a suite for those who named none.
    let export_query = parameters.with(&["suite", "format"], &[("suite", &chosen)]);
    let asked = ["before", "before_branch"].iter().any(|name| parameters.first(name).is_some()) && !chosen.is_empty();
    // What cannot be found is said beside the form, where it can be mended.
    let (answer, problem) = match asked {
        false => (None, None),
        true => match compare::find(&service.store, &lists::compare(&parameters, &chosen)?).await {
            Err(error @ (AnswerError::NotFound(_) | AnswerError::Invalid(_))) => (None, Some(error.to_string())),
            other => (Some(other?), None),
        },
    };
    let shown = answer.map(|answer| {
        let names = Configuration::short_names(answer.runs.iter().map(|run| &run.configuration));
        let groups: Vec<Value> = Change::ALL
            .into_iter()
            .map(|change| {
                let of_group = answer.tests.iter().filter(|test| test.change == change);
                let tests: Vec<Value> = of_group.map(|test| row(test, &names)).collect();
                let count = answer.counts.get(&change).copied().unwrap_or(0);
                context! { name => change.name(), title => title(change), more => count - tests.len(), count, tests }
            })
            .collect();
        let run = |(run, name): (&ComparedConfiguration, &String)| {
            context! { name, query => run.configuration.query(), before => run.before.uuid, after => run.after.uuid }
        };
        let runs: Vec<Value> = answer.runs.iter().zip(&names).map(run).collect();
        let details = answer.details.map(|details| {
            let part = |names: &[String]| context! { count => names.len(), names => &names[..names.len().min(DETAILS)] };
            let slower: Vec<Value> = details
                .slower
                .iter()
                .take(DETAILS)
                .map(|(test, before, after)| context! { test, before, after })
                .collect();
            context! {
                added => part(&details.added), removed => part(&details.removed), slow => details.slower.len(), slower,
            }
        });
        let end = |end: &ComparedCommit| context! { uuid => end.uuid, name => end.name };
        context! { before => end(&answer.before), after => end(&answer.after), groups, runs, alone => answer.alone, details }
    });
    let values = context! {
        page => "/compare", known, chosen, before => value("before"), after => value("after"), platform => value("platform"),
        branch => value("branch"), before_branch => value("before_branch"),
        unexpected => parameters.flag("unexpected", true), answer => shown, problem, filled => parameters.with(&[], &[]), export_query,
    };
    service.pages.render(StatusCode::OK, "compare.html", Some(&titled("Compare", &chosen)), values)
}

fn title(change: Change) -> &'static str {
    match change {
        Change::New => "Newly failing",
        Change::Changed => "Failing in another way",
        Change::Fixed => "Fixed, or not run any more",
        Change::Same => "Still failing",
    }
}

fn row(changed: &ChangedTest, names: &[String]) -> Value {
    let state =
        |state: TestState| context! { name => state.name().to_lowercase(), ..Value::from_serialize(look(state)) };
    let configurations: Vec<&str> = changed.runs.iter().filter_map(|run| Some(names.get(*run)?.as_str())).collect();
    context! { test => changed.test, before => state(changed.before), after => state(changed.after), configurations }
}
