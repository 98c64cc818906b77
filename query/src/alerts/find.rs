//! What a hook is told of.

use std::time::{SystemTime, UNIX_EPOCH};

use schema::configuration::Configuration;
use schema::state::NAMES;
use serde_json::{Value, json};

use super::Hook;
use crate::error::ApiError;
use crate::pages::known_suites_of;
use crate::parameters::Parameters;
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::Selection;
use crate::triage::{self, Found, Group};

/// Tests of one suite that are looked at.
const TESTS: u64 = 1000;
/// Configurations that stopped to run longer ago are gone.
const WEEKS: u64 = 4;

/// One thing that a hook is told of.
#[derive(Debug)]
pub(super) struct Finding {
    /// The same for the same thing, whenever it is found.
    pub(super) id: String,
    /// A line for people.
    pub(super) text: String,
    pub(super) link: String,
    detail: Value,
}

impl Finding {
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({ "id": self.id, "text": self.text, "link": self.link });
        if let (Some(shown), Value::Object(detail)) = (shown.as_object_mut(), &self.detail) {
            shown.extend(detail.clone());
        }
        shown
    }
}

/// Everything that a hook is to know now.
pub(super) async fn findings(service: &Service, hook: &Hook) -> Result<Vec<Finding>, ApiError> {
    let suites = if hook.suites.is_empty() { known_suites_of(service).await? } else { hook.suites.clone() };
    let mut found = Vec::new();
    for suite in &suites {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", &hook.q).finish();
        let parameters = Parameters::read(Some(&query), triage::OPERATION.parameters)?;
        let answer = triage::find(service, &parameters, suite, TESTS).await?;
        found.extend(answer.tests.iter().map(|test| of_test(service, suite, test)));
        if let Some(hours) = hook.stale_hours {
            found.extend(stale(service, suite, hours).await?);
        }
    }
    Ok(found)
}

/// An address of a page; only its path where the service does not know its own address.
pub(crate) fn link(service: &Service, path: &str, query: &str) -> String {
    let address = service.options.address.as_deref().unwrap_or_default().trim_end_matches('/');
    if query.is_empty() { format!("{address}{path}") } else { format!("{address}{path}?{query}") }
}

/// What tells a finding from others, also from a later one of the same test.
pub(crate) fn id_of(suite: &str, test: &str, group: Group, since: u64) -> String {
    let since = match group {
        // It is not news each time that it fails.
        Group::Flaky => 0,
        Group::New | Group::Still | Group::Fixed => since,
    };
    let kind = match group {
        Group::New | Group::Still => "failing",
        Group::Fixed => "fixed",
        Group::Flaky => "flaky",
    };
    digest(&[suite, test, kind, &since.to_string()])
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// What a test does, in words.
pub(crate) fn sentence(suite: &str, found: &Found) -> String {
    let state = NAMES.get(usize::from(found.state)).copied().unwrap_or_default().to_lowercase();
    let count = found.configurations.len();
    let on = match found.configurations.first() {
        Some(one) if count == 1 => format!("on {}", one.name()),
        _ => format!("on {count} configurations"),
    };
    match found.group {
        Group::New => format!("{suite} {} newly fails ({state}) {on}", found.test),
        Group::Still => format!("{suite} {} still fails ({state}) {on}", found.test),
        Group::Fixed => format!("{suite} {} is fixed {on}", found.test),
        Group::Flaky => format!("{suite} {} is flaky ({state}) {on}", found.test),
    }
}

/// The page of a test.
pub(crate) fn page_of(service: &Service, suite: &str, test: &str) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("suite", suite).append_pair("test", test).finish();
    link(service, "/", &query)
}

fn of_test(service: &Service, suite: &str, found: &Found) -> Finding {
    let known = if found.bugs.is_empty() { "" } else { ", known" };
    Finding {
        id: id_of(suite, &found.test, found.group, found.since),
        text: format!("{}{known}", sentence(suite, found)),
        link: page_of(service, suite, &found.test),
        detail: json!({
            "suite": suite, "test": found.test, "group": found.group, "state": NAMES.get(usize::from(found.state)),
            "configurations": found.configurations, "since": found.since, "before": found.before, "row": found.row(),
            "bugs": found.bugs.iter().map(|bug| bug.url.as_str()).collect::<Vec<_>>(),
        }),
    }
}

/// Configurations that ran a suite, but not for these hours.
async fn stale(service: &Service, suite: &str, hours: u64) -> Result<Vec<Finding>, ApiError> {
    let parameters = Parameters::default();
    let selection = Selection::within(service, &parameters, Bounds::last_weeks(WEEKS), 1).await?;
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT config_id, max(start_time) FROM runs WHERE suite = ?{} GROUP BY config_id ORDER BY config_id",
        selection.condition()
    );
    let rows: Vec<(u64, u32)> = selection.bind_condition(service.client.query(&sql).bind(suite)).fetch_all().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let late = |(config_id, last): (u64, u32)| {
        let silent = now.saturating_sub(u64::from(last)) / 3600;
        let configuration = selection.matching.get(&config_id).filter(|_| silent >= hours)?;
        Some(of_configuration(service, suite, configuration, last, silent))
    };
    Ok(rows.into_iter().filter_map(late).collect())
}

fn of_configuration(service: &Service, suite: &str, on: &Configuration, last: u32, hours: u64) -> Finding {
    let mut query = form_urlencoded::Serializer::new(on.query());
    let query = query.append_pair("suite", suite).finish();
    Finding {
        id: digest(&[suite, &on.query(), "stale", &last.to_string()]),
        text: format!("{suite} did not run on {} for {hours} hours", on.name()),
        link: link(service, "/suites", &query),
        detail: json!({ "suite": suite, "group": "stale", "configurations": [on], "last_start_time": last }),
    }
}
