//! What a hook is told of.

use answers::ask::RunFilter;
use answers::bugs::addresses;
use answers::silent::{self, SilentConfiguration};
use answers::triage::{self, BrokenConfiguration, TriageQuestion, TriagedTest};
use answers::{Store, news, stable_id, suites};
use form_urlencoded::Serializer;
use serde_json::{Value, json};

use crate::{AlertError, Hook, Sender};

/// Tests of one suite that are looked at.
const TESTS: u64 = 1000;

/// One thing that a hook is told of.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The same for the same thing, whenever it is found.
    pub(crate) id: String,
    /// A line for people.
    pub(crate) text: String,
    pub(crate) link: String,
    detail: Value,
}

impl Finding {
    /// The finding as a message has it.
    pub(crate) fn to_json(&self) -> Value {
        let mut found = json!({ "id": self.id, "text": self.text, "link": self.link });
        if let (Some(members), Value::Object(detail)) = (found.as_object_mut(), &self.detail) {
            members.extend(detail.clone());
        }
        found
    }
}

/// Everything that a hook is to know now.
pub(crate) async fn find(store: &Store, sender: &Sender, hook: &Hook) -> Result<Vec<Finding>, AlertError> {
    let suites = suites_of(store, hook).await?;
    let mut found = Vec::new();
    for suite in suites {
        let question = TriageQuestion {
            search: hook.search(&store.clock)?,
            runs: RunFilter { limit: Some(TESTS), ..RunFilter::default() },
            ..TriageQuestion::of_suite(&suite)
        };
        let triage = triage::find(store, &question).await?;
        found.extend(triage.tests.iter().map(|test| of_test(sender, &suite, test)));
        // A broken configuration has no owner: each of them has tests that fail there.
        found.extend(triage.broken.iter().map(|broken| of_broken(sender, &suite, broken)));
        if let Some(hours) = hook.stale_hours {
            let silent = silent::find(store, &suite, hours).await?;
            found.extend(silent.iter().map(|silent| of_configuration(sender, &suite, silent)));
        }
    }
    Ok(found)
}

/// The suites that a hook is about. One that is configured before its first run has nothing to tell yet.
pub(crate) async fn suites_of(store: &Store, hook: &Hook) -> Result<Vec<String>, AlertError> {
    if hook.suites.is_empty() {
        return Ok(suites::recent(store).await?);
    }
    let mut known = Vec::new();
    for suite in &hook.suites {
        if suites::exists(store, suite).await? {
            known.push(suite.clone());
        }
    }
    Ok(known)
}

/// What is told of a test.
pub(crate) fn of_test(sender: &Sender, suite: &str, test: &TriagedTest) -> Finding {
    let is_known = if test.bugs.is_empty() { "" } else { ", known" };
    let owned: String = test.owners.iter().map(|owner| format!(", {owner}")).collect();
    Finding {
        id: news::id(suite, test).to_string(),
        text: format!("{}{is_known}{owned}", news::sentence(suite, test)),
        link: news::page_of_test(sender.address.as_deref(), suite, &test.test),
        detail: json!({
            "suite": suite, "test": test.test, "group": test.group, "state": test.state,
            "configurations": test.configurations, "since": test.since, "before": test.before, "row": test.row(),
            "bugs": addresses::of(&test.bugs), "owners": test.owners, "failure": test.failure,
            "earlier": test.aftermath.earlier,
        }),
    }
}

fn of_broken(sender: &Sender, suite: &str, broken: &BrokenConfiguration) -> Finding {
    let BrokenConfiguration { configuration, since, runs } = broken;
    let query = Serializer::new(configuration.query()).append_pair("suite", suite).finish();
    Finding {
        id: stable_id::of(&[suite, &configuration.query(), "broken", &since.0.to_string()]).to_string(),
        text: format!("{suite} is broken on {}: most of its tests fail", configuration.name()),
        link: news::page(sender.address.as_deref(), "/suites", &query),
        detail: json!({
            "suite": suite, "group": "broken", "configurations": [configuration], "since": since, "runs": runs,
        }),
    }
}

fn of_configuration(sender: &Sender, suite: &str, silent: &SilentConfiguration) -> Finding {
    let SilentConfiguration { configuration, last_start_time, hours } = silent;
    let query = Serializer::new(configuration.query()).append_pair("suite", suite).finish();
    Finding {
        id: stable_id::of(&[suite, &configuration.query(), "stale", &last_start_time.to_string()]).to_string(),
        text: format!("{suite} did not run on {} for {hours} hours", configuration.name()),
        link: news::page(sender.address.as_deref(), "/suites", &query),
        detail: json!({
            "suite": suite, "group": "stale", "configurations": [configuration], "last_start_time": last_start_time,
        }),
    }
}
