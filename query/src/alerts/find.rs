//! What a hook is told of.

use schema::configuration::Configuration;
use schema::state::NAMES;
use serde_json::{Value, json};

use super::Hook;
use crate::bugs::known;
use crate::configurations::now;
use crate::error::ApiError;
use crate::pages::known_suites_of;
use crate::parameters::Parameters;
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::Selection;
use crate::triage::{self, Found, news};

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

fn of_test(service: &Service, suite: &str, found: &Found) -> Finding {
    let is_known = if found.bugs.is_empty() { "" } else { ", known" };
    Finding {
        id: news::id(suite, found).to_string(),
        text: format!("{}{is_known}", news::sentence(suite, found)),
        link: news::address_of(service, suite, &found.test),
        detail: json!({
            "suite": suite, "test": found.test, "group": found.group, "state": NAMES.get(usize::from(found.state)),
            "configurations": found.configurations, "since": found.since, "before": found.before, "row": found.row(),
            "bugs": known::addresses(&found.bugs),
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
    let now = now().max(0) as u64;
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
        id: news::id_of(&[suite, &on.query(), "stale", &last.to_string()]).to_string(),
        text: format!("{suite} did not run on {} for {hours} hours", on.name()),
        link: news::address(service, "/suites", &query),
        detail: json!({ "suite": suite, "group": "stale", "configurations": [on], "last_start_time": last }),
    }
}
