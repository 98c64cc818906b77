//! What an engineer looks at first each morning: what broke, since when, where.

use std::collections::BTreeMap;

use answers::commit_names::{self, CommitNames};
use answers::episodes::Episode;
use answers::suites;
use answers::triage::{self, BrokenConfiguration, Group, TriagedTest};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::state::State as TestState;

use super::filters::{self, Form};
use super::names::{help, short_names, titled};
use super::quarantine;
use super::shared_causes::{self, Listed};
use super::states::look;
use crate::api::triage::OPERATION;
use crate::error::ApiError;
use crate::pages::bugs;
use crate::parameters::{Parameters, as_of, lists};
use crate::service::Shared;

/// Tests shown of each suite where several are, and where one is.
const AMONG_MANY: u64 = 25;
const ALONE: u64 = 100;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let asked = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let chosen = asked.first("suite").unwrap_or_default();
    let suites: Vec<&str> = if chosen.is_empty() { known.iter().map(String::as_str).collect() } else { vec![chosen] };
    let limit = if suites.len() > 1 { AMONG_MANY } else { ALONE };
    let store = as_of::store(&service.store, &asked)?;
    let mut sections = Vec::new();
    for suite in suites {
        let mut question = lists::triage(&asked, suite, &store.clock)?;
        question.runs.limit = question.runs.limit.or(Some(limit));
        let answer = triage::find(&store, &question).await?;
        let keys = answer.tests.iter().flat_map(|test| [Some(test.since), test.before]).flatten();
        let former = answer.tests.iter().flat_map(|test| test.aftermath.earlier.first());
        let keys = keys.chain(former.flat_map(|episode| [episode.since, episode.fixed]));
        let keys = keys.chain(answer.broken.iter().map(|one| one.since)).collect();
        let branch = question.runs.branch.as_deref();
        let commits = commit_names::as_tested(&service.store, suite, branch, &keys).await?;
        let count = |group: &Group| answer.counts.get(group).copied().unwrap_or(0);
        let short = short_names(&answer.configurations);
        let mut groups = Vec::new();
        for group in Group::ALL {
            let of_group: Vec<&TriagedTest> = answer.tests.iter().filter(|test| test.group == group).collect();
            if !of_group.is_empty() {
                let more = count(&group) - of_group.len();
                let listed = of_group.into_iter().map(|test| {
                    let row = row(test, suite, &commits, &short);
                    Listed { row, message: test.message.as_deref() }
                });
                let entries = shared_causes::entries(&service.store, suite, listed);
                groups.push(context! { name => group.name(), title => title(group), entries, more });
            }
        }
        let broken: Vec<Value> = answer.broken.iter().map(|one| broken(one, &commits, &short)).collect();
        // What is rare is told of where it is.
        let is_usual = |group: &Group| matches!(group, Group::New | Group::Still | Group::Fixed | Group::Flaky);
        let counts: Vec<Value> = Group::ALL
            .iter()
            .filter(|group| is_usual(group) || count(group) > 0)
            .map(|group| context! { name => group.name(), title => title(*group), count => count(group) })
            .collect();
        sections.push(context! {
            suite, counts, groups, configurations => answer.configurations.len(), days => answer.days, broken,
            broken_runs => answer.broken_runs, is_cut => answer.is_cut, most => triage::MAX_CANDIDATES,
            export_query => asked.with(&["suite", "format"], &[("suite", suite)]),
            counted => asked.with(&["suite", "group", "limit", "format"], &[("suite", suite)]),
            all => asked.with(&["suite", "q", "format"], &[("suite", suite)]),
        });
    }
    let value = |name: &str| asked.first(name).unwrap_or_default().to_owned();
    let filters = filters::of_suite(&service, &asked, chosen, Form::keeping(&["limit", "as_of"])).await?;
    let values = context! {
        page => "/triage", filters, known, chosen, sections, days => asked.first("days").unwrap_or("3"),
        group => value("group"), q => value("q"), owner => value("owner"), help => help(&triage::FIELDS), feed => asked.with(&["format", "limit", "as_of"], &[]),
        as_of => asked.chosen("as_of").map(|_| store.clock.now()), newest => asked.with(&["as_of"], &[]),
         groups => Group::ALL.map(|group| (group.name(), title(group))),
    };
    service.pages.render(StatusCode::OK, "triage.html", Some(&titled("Triage", chosen)), values)
}

fn title(group: Group) -> &'static str {
    match group {
        Group::New => "Newly failing",
        Group::Still => "Still failing",
        Group::Fixed => "Fixed",
        Group::Flaky => "Flaky",
        Group::Removed => "Failed and gone",
        Group::Expected => "Expected to fail now",
        Group::Surprising => "Passing though expected to fail",
        Group::NotRun => "Failed and not run lately",
    }
}

fn broken(one: &BrokenConfiguration, commits: &CommitNames, short: &BTreeMap<&Configuration, String>) -> Value {
    let name = short.get(&one.configuration).cloned().unwrap_or_default();
    context! { name, runs => one.runs, since => one.since, since_name => commits.full_name(one.since) }
}

/// What a template shows of the time before that a test failed.
fn again(episode: &Episode, times: usize, commits: &CommitNames) -> Value {
    context! {
        times, since => episode.since, since_name => commits.full_name(episode.since), fixed => episode.fixed,
        fixed_name => commits.full_name(episode.fixed), failed => episode.failed, passed => episode.passed,
    }
}

fn row(test: &TriagedTest, suite: &str, commits: &CommitNames, short: &BTreeMap<&Configuration, String>) -> Value {
    let state = look(test.state);
    let configurations: Vec<(&str, String)> =
        test.configurations.iter().map(|one| (short.get(one).map_or("", String::as_str), one.query())).collect();
    let bars: Vec<Value> = test
        .history
        .bytes()
        .enumerate()
        .map(|(index, digit)| {
            if digit == b'.' {
                return Value::from(());
            }
            let state = TestState::at(digit.saturating_sub(b'0'));
            context! { x => index * 5, class => look(state).class, height => if state.is_failure() { 14 } else { 3 } }
        })
        .collect();
    context! {
        suite, test => test.test, class => state.class, symbol => state.symbol, state => test.state.name(), configurations,
        since => test.since, before => test.before, impact => test.impact, bars, failed => test.failed(),
        ran => test.ran(), worsened_from => test.worsened_from.map(|state| state.name().to_lowercase()), seconds => test.since.time() as i64, since_name => commits.full_name(test.since),
        before_name => test.before.map(|key| commits.full_name(key)), message => test.message, owners => test.owners,
        again => test.aftermath.earlier.first().map(|episode| again(episode, test.aftermath.earlier.len(), commits)),
        fix => test.aftermath.fix.as_ref().map(|fix| {
            context! { percent => (fix.certainty * 100.0).floor() as u32, passes => fix.passes, reruns => fix.reruns }
        }),
        bugs => test.bugs.iter().map(bugs::to_context).collect::<Vec<_>>(), parked => quarantine::marks(&test.quarantine),
    }
}
