//! A change under review, for its author and for whoever reviews it; and a list of those that ran lately.

use std::collections::BTreeMap;

use answers::changes::NamedCommit;
use answers::news;
use answers::under_review::{
    self, ChangeUnderReview, Conclusion, FailureGroup, FixedTest, ReviewedFailure, ReviewedPlace, ReviewedRun,
    ReviewedSuite, TimedTest,
};
use answers::verdicts::Completeness;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::incomplete::too_few;

use super::bugs;
use super::names::{ShownCommits, short_names};
use super::states::look;
use crate::error::ApiError;
use crate::layers::paths::Rest;
use crate::parameters::Parameters;
use crate::service::{Service, Shared};

/// Rows of a group, and runs, that are shown at once.
const SHOWN: usize = 200;

/// What the list can be asked.
const PARAMETERS: &[&[&str]] = &[&["id", "limit"]];

/// The changes that ran lately, or the one that is asked for: an id may be one that no path can hold.
pub(crate) async fn list(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::filled(query.as_deref(), PARAMETERS)?;
    if let Some(id) = parameters.first("id") {
        return of_change(&service, id).await;
    }
    let answer = under_review::recent(&service.store, parameters.given_limit()?).await?;
    let change = |one: &under_review::RecentChange| {
        let (id, link, configurations) = (&one.id, &one.page, one.configurations);
        context! { id, link, configurations, seconds => i64::from(one.last_start) }
    };
    let changes: Vec<Value> = answer.changes.iter().map(change).collect();
    let values = context! { page => "/changes", changes };
    service.pages.render(StatusCode::OK, "changes_under_review.html", Some("Changes under review"), values)
}

/// One of them.
pub(crate) async fn page(
    State(service): Shared,
    Rest(id): Rest,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    Parameters::read(query.as_deref(), &[])?;
    of_change(&service, &id).await
}

async fn of_change(service: &Service, id: &str) -> Result<Response, ApiError> {
    let change = under_review::find(&service.store, id, service.options.address.as_deref()).await?;
    let ChangeUnderReview { id, authors, conclusion, sentence, suites, suites_left_out, .. } = &change;
    let link = under_review::page(id);
    let suites: Vec<Value> = suites.iter().map(suite).collect();
    let class = match conclusion {
        Conclusion::Success => "good",
        Conclusion::Failure => "bad",
        Conclusion::Neutral => "unsure",
    };
    let api = link.strip_prefix("/change/").map(|id| format!("/api/changes-under-review/{id}"));
    let conclusion = conclusion.name();
    let values =
        context! { page => "/changes", id, authors, conclusion, class, sentence, suites, suites_left_out, api };
    service.pages.render(StatusCode::OK, "change.html", Some(&format!("Change {id}")), values)
}

/// How a suite's configurations and commits are named.
struct Names<'a> {
    configurations: BTreeMap<&'a Configuration, String>,
    commits: ShownCommits,
}

/// The commits that a page names of a suite.
fn commits_of(suite: &ReviewedSuite) -> impl Iterator<Item = &NamedCommit> {
    let since = suite.failures.iter().filter_map(|one| one.reasons.as_ref()?.since.as_ref());
    let fixed = suite.fixed.iter().filter_map(|one| one.since.as_ref());
    let places = suite.places.iter().flat_map(|one| one.base.iter().map(|base| &base.commit).chain([&one.commit]));
    let failed = suite.failures.iter().map(|one| &one.commit);
    suite.runs.iter().map(|one| &one.commit).chain(failed).chain(since).chain(fixed).chain(places)
}

fn suite(suite: &ReviewedSuite) -> Value {
    let own = suite.places.iter().map(|place| &place.configuration);
    let all: Vec<Configuration> = own.chain(suite.runs.iter().map(|run| &run.configuration)).cloned().collect();
    let names = Names { configurations: short_names(&all), commits: ShownCommits::of(commits_of(suite)) };
    let mut groups: BTreeMap<FailureGroup, Vec<&ReviewedFailure>> = BTreeMap::new();
    for failure in &suite.failures {
        groups.entry(FailureGroup::of(failure)).or_default().push(failure);
    }
    let group = |(group, failures): (FailureGroup, Vec<&ReviewedFailure>)| {
        let rows: Vec<Value> = failures.iter().take(SHOWN).map(|one| failed(suite, one, &names)).collect();
        let (title, has_left) = (capital(&group.words()), group == FailureGroup::Mended);
        context! { title, has_left, more => failures.len() - rows.len(), rows }
    };
    let groups: Vec<Value> = groups.into_iter().map(group).collect();
    let fixed: Vec<Value> = suite.fixed.iter().take(SHOWN).map(|one| mended(suite, one, &names)).collect();
    let runs: Vec<Value> = suite.runs.iter().take(SHOWN).map(|one| run(one, &names)).collect();
    let places: Vec<Value> = suite.places.iter().map(|one| place(suite, one, &names)).collect();
    context! {
        suite => suite.suite, groups, more_fixed => suite.fixed.len() - fixed.len(), fixed,
        count => suite.runs.len(), runs, places, places_left_out => suite.places_left_out,
    }
}

fn capital(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn name(of: &Configuration, names: &Names<'_>) -> String {
    names.configurations.get(of).cloned().unwrap_or_else(|| of.name())
}

fn failed(suite: &ReviewedSuite, one: &ReviewedFailure, names: &Names<'_>) -> Value {
    let state = look(one.state);
    let why = one.reasons.as_ref().map(|reasons| reasons.text.as_str());
    let since = one.reasons.as_ref().and_then(|reasons| reasons.since.as_ref());
    let since = since.map(|since| names.commits.show(since));
    let bugs: Vec<Value> = one.bugs.iter().map(|url| context! { url, name => bugs::short(url) }).collect();
    context! {
        test => one.test, link => one.link, on => name(&one.configuration, names), class => state.class,
        symbol => state.symbol, state => one.state.name(), runs => one.runs, failed => one.failed,
        commit => names.commits.show(&one.commit), message => one.message, why, since, bugs,
        is_same => one.is_same_message, trunk_says => one.branch_message,
        trunk => news::page_of_test(None, &suite.suite, &one.test),
    }
}

fn mended(suite: &ReviewedSuite, one: &FixedTest, names: &Names<'_>) -> Value {
    let state = look(one.state);
    context! {
        test => one.test, link => news::page_of_test(None, &suite.suite, &one.test), class => state.class,
        on => name(&one.configuration, names), symbol => state.symbol, state => one.state.name(),
        since => one.since.as_ref().map(|since| names.commits.show(since)), runs => one.runs,
    }
}

fn run(run: &ReviewedRun, names: &Names<'_>) -> Value {
    context! {
        on => name(&run.configuration, names), commit => names.commits.show(&run.commit), seconds => i64::from(run.start_time),
        attempt => run.attempt, tests => run.tests_run, failed => run.failed, is_broken => run.is_broken, shard => run.shard,
        problems => run.problems, missing => run.missing.as_ref().map(|missing| missing.words()), page => run.page,
    }
}

fn place(suite: &ReviewedSuite, place: &ReviewedPlace, names: &Names<'_>) -> Value {
    let timed = |tests: &[TimedTest]| -> Vec<Value> {
        let test = |one: &TimedTest| {
            let link = news::page_of_test(None, &suite.suite, &one.test);
            context! { test => one.test, link, usual => one.usual, time => one.time, runs => one.runs }
        };
        tests.iter().map(test).collect()
    };
    let durations = place.durations.as_ref().map(|changes| {
        context! { slower => timed(&changes.slower), faster => timed(&changes.faster), unknown => changes.unknown }
    });
    let new_tests = place.new_tests.as_ref().map(|new| context! { count => new.count, tests => new.tests });
    let base = place.base.as_ref().map(|base| {
        let is_told = base.source != under_review::BaseSource::NewestTested;
        context! { commit => names.commits.show(&base.commit), is_told }
    });
    let on = name(&place.configuration, names);
    let told = |run: Completeness| too_few(&format!("The newest run on {on}"), run.tests_run, run.usual);
    let incomplete = place.incomplete.map(told);
    context! {
        on, commit => names.commits.show(&place.commit), base, incomplete, new_tests, durations,
        unjudged => place.unjudged,
    }
}
