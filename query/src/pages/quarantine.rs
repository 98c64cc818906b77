//! What is in quarantine, what ends soon, what ended, and what might be parked or released; and how other pages mark tests
//! that are in quarantine.

use answers::quarantine::proposals::{self, Recovery, ToPark, ToRelease};
use answers::quarantine::{self, EntryState, ListedEntry, QuarantineQuestion, about_nothing};
use answers::{AnswerError, Store, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::seconds::{DAY, WEEK};
use schema::state::{NAMES, State as TestState};

use super::bugs;
use super::names::titled;
use super::time;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

/// What ends within this time is told first, seconds.
const SOON: u64 = WEEK;
/// Entries shown that are over.
const OVER: usize = 100;
/// How long a form proposes to park a test, days.
const USUAL_DAYS: u64 = 14;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let store = &service.store;
    let parameters = Parameters::filled(query.as_deref(), &[&["suite", "test"]])?;
    let (suite, test) = (parameters.first("suite"), parameters.first("test"));
    let question = QuarantineQuestion {
        suite: suite.map(str::to_owned),
        test: test.map(str::to_owned),
        ..QuarantineQuestion::default()
    };
    let (known, found, proposed) = futures_util::try_join!(
        suites::recent(store),
        quarantine::find(store, &question),
        proposals::find(store, suite)
    )?;
    let now = store.clock.now();
    let of_state = |state: EntryState| found.entries.iter().filter(move |entry| entry.state == state);
    let is_soon = |entry: &&ListedEntry| u64::from(entry.until) <= now + SOON;
    let (soon, later): (Vec<&ListedEntry>, Vec<&ListedEntry>) = of_state(EntryState::Active).partition(is_soon);
    let over = |state| of_state(state).take(OVER).map(to_context).collect::<Vec<Value>>();
    let (soon, later) = futures_util::try_join!(in_force(store, &soon), in_force(store, &later))?;
    let is_meant = |of_test: &str| test.is_none_or(|test| test == of_test);
    let park: Vec<Value> = proposed.park.iter().filter(|it| is_meant(&it.flaky.test)).map(park).collect();
    let release: Vec<Value> = proposed.release.iter().filter(|it| is_meant(&it.entry.test)).map(release).collect();
    let chosen = suite.unwrap_or_default();
    let values = context! {
        page => "/quarantine", known, chosen, test => test.unwrap_or_default(), soon, later,
        expired => over(EntryState::Expired), released => over(EntryState::Released), park, release,
        criteria => proposed.criteria, costly => time::took(proposed.criteria.costly_milliseconds),
        share => format!("{:.0}", proposed.criteria.least_share * 100.0),
        failures => &NAMES[..=usize::from(TestState::ERROR.position())],
        first_day => time::day(now as i64), usual_day => time::day((now + USUAL_DAYS * DAY) as i64),
        is_open => service.options.door.is_open(),
    };
    service.pages.render(StatusCode::OK, "quarantine.html", Some(&titled("Quarantine", chosen)), values)
}

/// What a template shows of entries that are in force, with what is odd about them.
async fn in_force(store: &Store, entries: &[&ListedEntry]) -> Result<Vec<Value>, AnswerError> {
    let odd = about_nothing::reasons(store, entries).await?;
    let row = |(entry, odd): (&&ListedEntry, Option<&str>)| context! { odd, ..to_context(entry) };
    Ok(entries.iter().zip(odd).map(row).collect())
}

/// What a template shows of an entry.
pub(super) fn to_context(entry: &ListedEntry) -> Value {
    let bug = (!entry.bug.is_empty()).then(|| context! { url => entry.bug, name => bugs::short(&entry.bug) });
    let seconds = |time: u32| i64::from(time);
    context! {
        suite => entry.suite, test => entry.test, is_pattern => entry.is_pattern(),
        configuration => json(&entry.configuration), only => only(&entry.configuration),
        failure => entry.failure.map(TestState::name), reason => entry.reason, owner => entry.owner, bug, by => entry.by,
        since => seconds(entry.since), until => seconds(entry.until), day => time::day(seconds(entry.until)),
        released_at => entry.released_at.map(seconds), released_by => entry.released_by,
    }
}

/// What templates show beside a test of the entries that are about its failures.
pub(super) fn marks<'e>(entries: impl IntoIterator<Item = &'e ListedEntry>) -> Vec<Value> {
    entries.into_iter().map(to_context).collect()
}

/// What a form proposes to park.
fn park(proposed: &ToPark) -> Value {
    let ToPark { configuration, failure, is_costly, flaky } = proposed;
    let reason = if *is_costly {
        format!("flaky, and cost {} in four weeks", time::took(flaky.time_lost))
    } else {
        format!("flaky: spoilt {} of {} runs in four weeks", flaky.spoilt, flaky.flaky_runs)
    };
    context! {
        suite => flaky.suite, test => flaky.test, configuration => json(configuration), only => only(configuration),
        failure => failure.map(TestState::name), reason, spoilt => flaky.spoilt, runs => flaky.flaky_runs,
        lower => format!("{:.1}", flaky.lower * 100.0), upper => format!("{:.1}", flaky.upper * 100.0),
        flips => flaky.flips, lost => time::took(flaky.time_lost), places => flaky.places.len(),
        bug => flaky.bugs.first().map(|bug| bug.url.clone()),
    }
}

/// What a form proposes to release, with the evidence.
fn release(proposed: &ToRelease) -> Value {
    let Recovery { runs, passes, last_failure, since, until } = proposed.evidence;
    let seconds = |time: u32| i64::from(time);
    context! {
        entry => to_context(&proposed.entry), tests => proposed.tests, runs, passes,
        last_failure => last_failure.map(seconds), since => seconds(since), until => seconds(until),
    }
}

/// The name of the configurations that are meant; nothing if all are.
fn only(configuration: &Configuration) -> String {
    if *configuration == Configuration::default() { String::new() } else { configuration.name() }
}

fn json(configuration: &Configuration) -> String {
    serde_json::to_string(configuration).unwrap_or_default()
}
