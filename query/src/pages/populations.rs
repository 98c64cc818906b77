//! Which tests fail more often in one population of runs than in another.

use answers::populations::{self, ComparedTest, Population, level_name};
use answers::{AnswerError, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::filters::{self, Form};
use super::names::titled;
use super::time;
use crate::api::populations::OPERATION;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::parameters::populations::{BASE, PREFIX, SAMPLE, question};
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), &[OPERATION.parameters, &[&["suite"]]].concat())?;
    let chosen = parameters.first("suite").or(known.first().map(String::as_str)).unwrap_or_default().to_owned();
    let asked = question(&parameters, &chosen)?;
    let is_asked = SAMPLE.iter().chain(&BASE).any(|name| parameters.first(name).is_some()) && !chosen.is_empty();
    // What cannot be compared is said beside the form, where it can be mended.
    let (answer, problem) = match is_asked {
        false => (None, None),
        true => match populations::find(&service.store, &asked).await {
            Err(error @ AnswerError::Invalid(_)) => (None, Some(error.to_string())),
            other => (Some(other?), None),
        },
    };
    let shown = answer.map(|answer| {
        let tests: Vec<Value> = answer.tests.iter().map(row).collect();
        context! {
            sample => population(&answer.sample), base => population(&answer.base), compared => answer.compared,
            extreme => answer.extreme, significant => answer.significant, tests,
        }
    });
    let beside = filters::members_beside(&parameters, PREFIX, &FIELDS);
    let fields: Vec<Value> = FIELDS.into_iter().chain(beside).flat_map(|name| fields(name, &parameters)).collect();
    let values = context! {
        page => "/compare", filters => filters::of(&parameters, Form::keeping(&[])),
        known, chosen, fields, weeks => asked.sample.weeks, ago => asked.sample.ago,
        base_weeks => asked.base.weeks, base_ago => asked.base.ago, answer => shown, problem,
        unexpected => parameters.flag("unexpected", true), filled => parameters.with(&["limit"], &[]),
        export_query => parameters.with(&["suite", "format"], &[]),
    };
    service.pages.render(StatusCode::OK, "populations.html", Some(&titled("Compare populations", &chosen)), values)
}

/// What both populations have a field for, whatever was asked.
const FIELDS: [&str; 4] = ["branch", "platform", "version", "style"];

/// The fields of a parameter, as many as one of the populations has values.
fn fields(name: &str, parameters: &Parameters) -> Vec<Value> {
    let base_name = format!("{PREFIX}{name}");
    let (own, base) = (parameters.texts(name), parameters.texts(&base_name));
    let field = |index: usize| {
        let value = |values: &[String]| values.get(index).cloned().unwrap_or_default();
        context! { name, label => filters::label(name), value => value(&own), base_value => value(&base), base_name }
    };
    (0..own.len().max(base.len()).max(1)).map(field).collect()
}

fn population(of: &Population) -> Value {
    let day = |seconds: u64| time::day(seconds as i64);
    context! {
        branch => of.branch, begin => day(of.begin.time()), end => day(of.end.time()), runs => of.runs, broken => of.broken,
        configurations => of.configurations,
    }
}

/// Two digits of a probability, as a power of ten where it is small.
fn probability(chance: f64) -> String {
    if chance < 0.01 { format!("{chance:.1e}") } else { format!("{chance:.2}") }
}

fn row(of: &ComparedTest) -> Value {
    let share = |failed: u64, passed: u64| {
        let ran = failed + passed;
        let percent = format!("{:.1}", 100.0 * failed as f64 / ran.max(1) as f64);
        context! { failed, ran, percent }
    };
    context! {
        test => of.test, level => level_name(of.regression), chance => probability(of.adjusted),
        sample => share(of.sample_failed, of.sample_passed), base => share(of.base_failed, of.base_passed),
    }
}
