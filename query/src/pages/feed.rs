//! `/triage.atom`: what broke and what was fixed, for feed readers (RFC 4287). It takes what triage takes; without a group
//! it has what is new and what is fixed.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};

use super::timelines::known_suites_of;
use crate::bugs::known;
use crate::commits;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::routes::Service;
use crate::triage::{self, Group, OPERATION, news};

/// Entries of one suite.
const ENTRIES: u64 = 100;

pub(super) async fn triage(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let asked = Parameters::filled(query, OPERATION.parameters)?;
    let groups: Vec<&str> = asked.all("group").collect();
    let groups = if groups.is_empty() { vec![Group::New.name(), Group::Fixed.name()] } else { groups };
    let added: Vec<(&str, &str)> = groups.iter().map(|group| ("group", *group)).collect();
    let parameters = Parameters::read(Some(&asked.with(&["group"], &added)), OPERATION.parameters)?;
    let suites = match asked.first("suite") {
        Some(suite) => vec![suite.to_owned()],
        None => known_suites_of(service).await?,
    };
    let mut entries: Vec<(u64, Value)> = Vec::new();
    for suite in &suites {
        let answer = triage::find(service, &parameters, suite, ENTRIES).await?;
        let uuids = answer.tests.iter().flat_map(|test| [Some(test.since), test.before]).flatten().collect();
        let commits = commits::by_uuid(service, &uuids).await?;
        for test in &answer.tests {
            let before = test.before.map(|uuid| commits.name(uuid));
            let places: Vec<String> = test.configurations.iter().map(|it| it.name()).collect();
            let entry = context! {
                id => news::id(suite, test).urn().to_string(), seconds => (test.since / 100) as i64,
                title => news::sentence(suite, test), link => news::address_of(service, suite, &test.test), before,
                since => commits.name(test.since), places, bugs => known::addresses(&test.bugs),
            };
            entries.push((test.since, entry));
        }
    }
    entries.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
    let updated = entries.first().map_or(0, |(since, _)| (since / 100) as i64);
    let entries: Vec<Value> = entries.into_iter().map(|(_, entry)| entry).collect();
    let query = asked.with(&[], &[]);
    let feed = service.pages.text(
        "feed.xml",
        context! {
            title => format!("{}: Triage", service.options.title), site => service.options.title, entries, updated,
            id => news::id_of(&["triage", &query]).urn().to_string(),
            this => news::address(service, "/triage.atom", &query), page => news::address(service, "/triage", &query),
        },
    )?;
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], as_xml(&feed)).into_response())
}

/// Without what XML cannot hold, even escaped.
fn as_xml(text: &str) -> String {
    text.chars().filter(|it| *it == '\n' || !(it.is_control() || matches!(it, '\u{fffe}' | '\u{ffff}'))).collect()
}
