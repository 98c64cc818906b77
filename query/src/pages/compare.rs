//! What changed between two commits.

use answers::compare::{
    self, Change, ChangedTest, ComparedCommit, ComparedConfiguration, ComparedRun, ComparedSide, ComparedState,
    Comparison, Details, UnpairedConfiguration,
};
use answers::{AnswerError, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;

use super::filters::{self, Form};
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
    let shown = answer.as_ref().map(to_context);
    let form = Form { always: &["branch", "platform"], kept: &["unexpected", "limit"] };
    let filters = filters::of_suite(&service, &parameters, &chosen, form).await?;
    let values = context! {
        page => "/compare", filters, known, chosen, before => value("before"), after => value("after"),
        before_branch => value("before_branch"),
        unexpected => parameters.flag("unexpected", true), answer => shown, problem, filled => parameters.with(&[], &[]), export_query,
    };
    service.pages.render(StatusCode::OK, "compare.html", Some(&titled("Compare", &chosen)), values)
}

/// What the template shows of a comparison.
fn to_context(answer: &Comparison) -> Value {
    // Names tell all configurations of the page apart.
    let paired = answer.runs.iter().map(|run| &run.configuration);
    let names = Configuration::short_names(paired.chain(answer.unpaired.iter().map(|one| &one.configuration)));
    let (names, alone) = names.split_at(answer.runs.len());
    let group = |change: Change| {
        let of_group = answer.tests.iter().filter(|test| test.change == change);
        let tests: Vec<Value> = of_group.map(|test| row(test, names)).collect();
        let count = answer.counts.get(&change).copied().unwrap_or(0);
        context! { name => change.name(), title => title(change), more => count - tests.len(), count, tests }
    };
    let is_shown = |change: &Change| USUAL.contains(change) || answer.counts.contains_key(change);
    let groups: Vec<Value> = Change::ALL.into_iter().filter(is_shown).map(group).collect();
    let pair = |(pair, name): (&ComparedConfiguration, &String)| {
        let (before, after) = (run(&pair.before), run(&pair.after));
        context! { name, query => pair.configuration.query(), before, after, is_same => pair.same_run }
    };
    let runs: Vec<Value> = answer.runs.iter().zip(names).map(pair).collect();
    let unpaired: Vec<Value> = answer.unpaired.iter().zip(alone).map(|(one, name)| unpaired(one, name)).collect();
    let same = answer.runs.iter().filter(|run| run.same_run).count();
    let stands_in = |run: fn(&ComparedConfiguration) -> &ComparedRun| {
        answer.runs.iter().filter(|pair| run(pair).stands_in.is_some()).count()
    };
    let end = |end: &ComparedCommit, missing: usize| context! { uuid => end.uuid, name => end.name, missing };
    context! {
        before => end(&answer.before, stands_in(|pair| &pair.before)),
        after => end(&answer.after, stands_in(|pair| &pair.after)),
        groups, runs, unpaired, same, details => answer.details.as_ref().map(details),
    }
}

/// The groups that are shown although they are empty.
const USUAL: [Change; 4] = [Change::New, Change::Changed, Change::Fixed, Change::Same];

fn title(change: Change) -> &'static str {
    match change {
        Change::New => "Newly failing",
        Change::Changed => "Failing in another way",
        Change::Flaky => "Both failing and not on one commit",
        Change::Fixed => "Fixed",
        Change::Gone => "Failed before, not run after",
        Change::Expected => "Failing as expected by now",
        Change::Same => "Still failing",
    }
}

fn run(run: &ComparedRun) -> Value {
    context! { uuid => run.uuid, count => run.runs, stands_in => run.stands_in }
}

fn unpaired(one: &UnpairedConfiguration, name: &str) -> Value {
    let failure = |failure: &compare::UnpairedFailure| context! { test => failure.test, state => state(failure.state) };
    let tests: Vec<Value> = one.tests.iter().map(failure).collect();
    context! {
        name, query => one.configuration.query(), is_before => one.side == ComparedSide::Before, run => run(&one.run),
        failed => one.failed, more => one.failed - tests.len(), tests,
    }
}

fn details(details: &Details) -> Value {
    let part = |names: &[String]| context! { count => names.len(), names => &names[..names.len().min(DETAILS)] };
    let slower = details.slower.iter().take(DETAILS);
    let slower: Vec<Value> = slower.map(|(test, before, after)| context! { test, before, after }).collect();
    let (added, removed) = (part(&details.added), part(&details.removed));
    context! { added, removed, slow => details.slower.len(), slower }
}

/// How a state looks; what did not run looks like nothing that was measured.
fn state(state: ComparedState) -> Value {
    match state {
        ComparedState::Ran(state) => {
            context! { name => state.name().to_lowercase(), ..Value::from_serialize(look(state)) }
        }
        ComparedState::NotRun => context! { name => "not run", class => "", symbol => "–" },
    }
}

fn row(changed: &ChangedTest, names: &[String]) -> Value {
    let configurations: Vec<&str> = changed.runs.iter().filter_map(|run| Some(names.get(*run)?.as_str())).collect();
    let all = |states: &str| states.contains(' ').then(|| states.to_lowercase());
    context! {
        test => changed.test, before => state(changed.before), after => state(changed.after), configurations,
        all_before => all(&changed.before_states), all_after => all(&changed.after_states),
    }
}
