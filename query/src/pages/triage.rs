//! What an engineer looks at first each morning: what broke, since when, where.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::state::NAMES;

use super::help;
use super::status::symbol as symbol_of;
use super::timelines::known_suites_of;
use crate::bugs::known;
use crate::commits::{self, ByUuid};
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::routes::Service;
use crate::triage::{self, Found, Group, OPERATION};

/// Tests shown of each suite where several are, and where one is.
const AMONG_MANY: u64 = 25;
const ALONE: u64 = 500;

pub(super) async fn page(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let known = known_suites_of(service).await?;
    let asked = Parameters::filled(query, OPERATION.parameters)?;
    let chosen = asked.first("suite").unwrap_or_default();
    let suites: Vec<&str> = if chosen.is_empty() { known.iter().map(String::as_str).collect() } else { vec![chosen] };
    let limit = if suites.len() > 1 { AMONG_MANY } else { ALONE };
    let mut sections = Vec::new();
    for suite in suites {
        let answer = triage::find_with_messages(service, &asked, suite, limit).await?;
        let uuids = answer.tests.iter().flat_map(|test| [Some(test.since), test.before]).flatten().collect();
        let commits = commits::by_uuid(service, &uuids).await?;
        let count = |group: &Group| answer.counts.get(group).copied().unwrap_or(0);
        let short = Configuration::short_names(answer.configurations.iter());
        let short: BTreeMap<&Configuration, String> = answer.configurations.iter().zip(short).collect();
        let mut groups = Vec::new();
        for group in Group::ALL {
            let of_group = answer.tests.iter().filter(|test| test.group == group);
            let tests: Vec<Value> = of_group.map(|test| row(test, suite, &commits, &short)).collect();
            if !tests.is_empty() {
                let more = count(&group) - tests.len();
                groups.push(context! { name => group.name(), title => title(group), tests, more });
            }
        }
        let counts: Vec<Value> = Group::ALL
            .iter()
            .map(|group| context! { name => group.name(), title => title(*group), count => count(group) })
            .collect();
        sections.push(context! {
            suite, counts, groups, configurations => answer.configurations.len(), days => answer.days,
            export_query => asked.with(&["suite", "format"], &[("suite", suite)]),
        });
    }
    let value = |name: &str| asked.first(name).unwrap_or_default().to_owned();
    let values = context! {
        page => "/triage", known, chosen, sections, days => asked.first("days").unwrap_or("3"), platform => value("platform"),
        group => value("group"), q => value("q"), help => help(&triage::FIELDS), feed => asked.with(&["format", "limit"], &[]),
         groups => Group::ALL.map(|group| (group.name(), title(group))),
    };
    service.pages.render(StatusCode::OK, "triage.html", Some("Triage"), values)
}

fn title(group: Group) -> &'static str {
    match group {
        Group::New => "Newly failing",
        Group::Still => "Still failing",
        Group::Fixed => "Fixed",
        Group::Flaky => "Flaky",
    }
}

fn row(found: &Found, suite: &str, commits: &ByUuid, short: &BTreeMap<&Configuration, String>) -> Value {
    let (class, symbol) = symbol_of(found.state);
    let configurations: Vec<(&str, String)> =
        found.configurations.iter().map(|one| (short.get(one).map_or("", String::as_str), one.query())).collect();
    let bars: Vec<Value> = found
        .history
        .bytes()
        .enumerate()
        .map(|(index, state)| {
            let (class, _) = symbol_of(state - b'0');
            context! { x => index * 5, class, height => if state <= b'6' { 14 } else { 3 } }
        })
        .collect();
    context! {
        suite, test => found.test, class, symbol, state => NAMES.get(usize::from(found.state)), configurations,
        since => found.since, before => found.before, impact => found.impact, bars, failed => found.failed(), ran => found.history.len(),
        seconds => (found.since / 100) as i64, since_name => commits.name(found.since),
        before_name => found.before.map(|uuid| commits.name(uuid)), message => found.message, bugs => found.bugs.iter().map(known::shown).collect::<Vec<_>>(),
    }
}
