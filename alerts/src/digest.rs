//! The digest of a week: what newly fails, which tests are flaky and what they cost, and what changed, in one message.
//!
//! The message of a week has an id, which is remembered as a finding is: so it is told once, whichever of several services
//! does, and again in the next round where the hook does not answer with success.

use std::collections::BTreeMap;

use answers::ask::RunFilter;
use answers::changes::{self, ChangesQuestion, SuiteChange};
use answers::costs::{self, Cost, CostsQuestion};
use answers::search::Search;
use answers::triage::{self, Group, TriageQuestion};
use answers::{Store, news, stable_id};
use chrono::DateTime;
use form_urlencoded::Serializer;
use schema::seconds::{WEEK, monday};
use serde_json::{Value, json};

use crate::findings::{self, Finding};
use crate::{AlertError, Hook, Sender};

/// Tests, costs and changes that a digest lists; more are counted.
const LISTED: usize = 10;
/// Tests of one suite that are looked at.
const TESTS: u64 = 1000;
/// What is new in a week began in it, days.
const DAYS: u64 = 7;

/// What happened in the last seven days.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    /// Tests that newly fail.
    new: Vec<Finding>,
    /// How many tests are flaky now.
    flaky: usize,
    /// What flaky tests cost together, and those that cost most.
    total: Cost,
    costs: Vec<Cost>,
    /// Changes of each suite, and how many there are.
    changes: Vec<(String, SuiteChange)>,
}

/// The id of the message of the week that a time lies in, seconds since 1970.
pub(crate) fn id(hook: &Hook, now: u64) -> String {
    stable_id::of(&["digest", &hook.name, &week(now).to_string()]).to_string()
}

fn week(now: u64) -> i64 {
    monday(i64::try_from(now).unwrap_or(i64::MAX))
}

/// What happened in the last seven days.
pub(crate) async fn find(store: &Store, sender: &Sender, hook: &Hook) -> Result<Digest, AlertError> {
    let mut digest = Digest::default();
    let search = hook.of_owner(Search::default())?;
    let mut costs: Vec<Cost> = Vec::new();
    for suite in findings::suites_of(store, hook).await? {
        let runs = RunFilter { limit: Some(TESTS), ..RunFilter::default() };
        let groups = vec![Group::New];
        let question = TriageQuestion {
            days: DAYS,
            groups,
            search: hook.search(&store.clock)?,
            runs,
            ..TriageQuestion::of_suite(&suite)
        };
        let triage = triage::find(store, &question).await?;
        digest.new.extend(triage.tests.iter().map(|test| findings::of_test(sender, &suite, test)));
        digest.flaky += triage.counts.get(&Group::Flaky).copied().unwrap_or(0);
        let asked =
            CostsQuestion { suite: Some(suite.clone()), weeks: 1, search: search.clone(), ..CostsQuestion::default() };
        let found = costs::find(store, &asked).await?;
        digest.total.tests += found.total.tests;
        digest.total.spoilt += found.total.spoilt;
        digest.total.time_lost += found.total.time_lost;
        costs.extend(found.costs);
        let asked = ChangesQuestion {
            suite: suite.clone(),
            test: None,
            weeks: 1,
            kinds: Vec::new(),
            search: search.clone(),
            runs: RunFilter::default(),
        };
        let found = changes::find(store, &asked).await?;
        digest.changes.extend(found.changes.into_iter().map(|change| (suite.clone(), change)));
    }
    costs.sort_by_key(|cost| std::cmp::Reverse((cost.time_lost, cost.spoilt)));
    costs.truncate(LISTED);
    digest.costs = costs;
    digest.changes.sort_by_key(|(_, change)| std::cmp::Reverse(change.until.uuid));
    Ok(digest)
}

impl Digest {
    /// The message: `text` is what chat services show; the rest is for programs.
    pub(crate) fn message(&self, sender: &Sender, hook: &Hook, now: u64) -> String {
        let findings: Vec<Value> = self.new.iter().take(LISTED).map(Finding::to_json).collect();
        let more = self.new.len().saturating_sub(LISTED);
        json!({
            "text": self.text(sender, hook, now), "hook": hook.name, "findings": findings, "more": more,
            "digest": {
                "from": now.saturating_sub(WEEK), "until": now, "owner": hook.owner, "new": self.new.len(), "flaky": self.flaky,
                "spoilt": self.total.spoilt, "time_lost": self.total.time_lost, "costs": self.costs,
                "changes": self.changes.iter().take(LISTED).map(|(suite, change)| changed(suite, change)).collect::<Vec<_>>(),
                "more_changes": self.changes.len().saturating_sub(LISTED),
            },
        })
        .to_string()
    }

    fn text(&self, sender: &Sender, hook: &Hook, now: u64) -> String {
        let of_owner = hook.owner.as_ref().map_or_else(String::new, |owner| format!(" of {owner}"));
        let page = |path: &str, pairs: &[(&str, &str)]| {
            let mut query = Serializer::new(String::new());
            query.extend_pairs(pairs);
            if let Some(owner) = &hook.owner {
                query.append_pair("owner", owner);
            }
            news::page(sender.address.as_deref(), path, &query.finish())
        };
        let day = day(now);
        let mut lines = vec![format!("{}: {}, the week up to {day}{of_owner}", sender.title, hook.name)];
        let days = DAYS.to_string();
        let link = page("/triage", &[("days", &days), ("group", "new")]);
        lines.push(format!("{} {link}", counted(self.new.len() as u64, "test newly fails", "tests newly fail")));
        lines.extend(self.new.iter().take(LISTED).map(|finding| format!("- {} {}", finding.text, finding.link)));
        if self.new.len() > LISTED {
            lines.push(format!("- and {} more", self.new.len() - LISTED));
        }
        let Cost { spoilt, time_lost, .. } = self.total;
        let flaky = counted(self.flaky as u64, "test is flaky", "tests are flaky");
        let runs = counted(spoilt, "run was spoilt", "runs were spoilt");
        let link = page("/costs", &[("weeks", "1")]);
        lines.push(format!("{flaky}; {runs}, {} lost {link}", took(time_lost)));
        for Cost { suite, test, spoilt, time_lost, .. } in &self.costs {
            let (suite, test) = (suite.as_deref().unwrap_or_default(), test.as_deref().unwrap_or_default());
            let runs = counted(*spoilt, "run", "runs");
            lines.push(format!("- {suite} {test}: {runs}, {}", took(*time_lost)));
        }
        lines.push(counted(self.changes.len() as u64, "change", "changes"));
        let mut by_suite: BTreeMap<&str, u64> = BTreeMap::new();
        for (suite, _) in &self.changes {
            *by_suite.entry(suite).or_default() += 1;
        }
        for (suite, count) in by_suite {
            let link = page("/changes", &[("suite", suite), ("weeks", "1")]);
            lines.push(format!("- {suite}: {count} {link}"));
        }
        lines.join("\n")
    }
}

/// What programs are told of a change.
fn changed(suite: &str, change: &SuiteChange) -> Value {
    json!({
        "suite": suite, "id": change.id, "kind": change.kind, "after": change.after, "until": change.until,
        "tests": change.tests.len(), "open": change.open,
    })
}

fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// The day of a time in UTC.
fn day(now: u64) -> String {
    let time = i64::try_from(now).ok().and_then(|now| DateTime::from_timestamp(now, 0));
    time.map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

/// A time in milliseconds in words: minutes are as precise as it is worth in a week.
fn took(milliseconds: u64) -> String {
    let (seconds, minutes) = (milliseconds / 1000, milliseconds / 60_000);
    match minutes {
        0 => format!("{seconds} s"),
        1..60 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}
