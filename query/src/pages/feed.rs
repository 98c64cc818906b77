//! `/triage.atom`: what broke and what was fixed, for feed readers (RFC 4287). It takes what triage takes; without a group
//! it has what is new and what is fixed.

use answers::triage::{self, Group};
use answers::{bugs, commit_names, news, stable_id, suites};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};

use crate::api::triage::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// Entries of one suite.
const ENTRIES: u64 = 100;

/// The feed.
pub(crate) async fn triage(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let site = service.options.address.as_deref();
    let asked = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let suites = match asked.first("suite") {
        Some(suite) => vec![suite.to_owned()],
        None => suites::recent(&service.store).await?,
    };
    let mut entries: Vec<(u64, Value)> = Vec::new();
    for suite in &suites {
        let mut question = lists::triage(&asked, suite, &service.store.clock)?;
        question.runs.limit = question.runs.limit.or(Some(ENTRIES));
        question.with_messages = false;
        if question.groups.is_empty() {
            question.groups = vec![Group::New, Group::Fixed];
        }
        let answer = triage::find(&service.store, &question).await?;
        let keys = answer.tests.iter().flat_map(|test| [Some(test.since), test.before]).flatten().collect();
        let branch = question.runs.branch.as_deref();
        let commits = commit_names::as_tested(&service.store, suite, branch, &keys).await?;
        for test in &answer.tests {
            let before = test.before.map(|key| commits.full_name(key));
            let places: Vec<String> = test.configurations.iter().map(|it| it.name()).collect();
            let entry = context! {
                id => news::id(suite, test).urn().to_string(), seconds => test.since.time() as i64,
                title => news::sentence(suite, test), link => news::page_of_test(site, suite, &test.test), before,
                since => commits.full_name(test.since), places, bugs => bugs::addresses::of(&test.bugs),
                owners => test.owners,
            };
            entries.push((test.since.time(), entry));
        }
    }
    entries.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
    let updated = entries.first().map_or(0, |(since, _)| *since as i64);
    let entries: Vec<Value> = entries.into_iter().map(|(_, entry)| entry).collect();
    let query = asked.with(&[], &[]);
    let feed = service.pages.text(
        "feed.xml",
        context! {
            title => format!("{}: Triage", service.options.title), site => service.options.title, entries, updated,
            id => stable_id::of(&["triage", &query]).urn().to_string(),
            this => news::page(site, "/triage.atom", &query), page => news::page(site, "/triage", &query),
        },
    )?;
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], as_xml(&feed)).into_response())
}

/// Without what XML cannot hold, even escaped.
fn as_xml(text: &str) -> String {
    text.chars().filter(|it| *it == '\n' || !(it.is_control() || matches!(it, '\u{fffe}' | '\u{ffff}'))).collect()
}
