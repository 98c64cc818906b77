//! What failed: the tests of the newest run of each configuration, or of the runs of a commit.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use axum::http::StatusCode;
use axum::response::Response;
use clickhouse::Row;
use minijinja::{Value, context};
use schema::commit::Commit;
use schema::configuration::Configuration;
use schema::state::NAMES;
use serde::Deserialize;

use super::commits::query_for;
use super::help;
use super::narrow::{self, Failing, Narrow};
use super::near::nearest;
use super::status::{self, Counts};
use super::timelines::known_suites;
use crate::bugs::known;
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::ranges::Bounds;
use crate::results::SuiteRun;
use crate::routes::Service;
use crate::selection::{Entry, Place, Selection};
use crate::{commits, failures, messages, results};

/// Runs of each configuration, unless more are asked for.
const RUNS: u64 = 1;
/// The same of a commit, which may have run more than once.
const RUNS_OF_COMMIT: u64 = 20;
/// Tests on a page of one suite.
const TESTS: usize = 200;
/// A group of more tests starts out closed.
const OPEN: usize = 25;
/// Places of runs that are looked up at once.
const MAX_PLACES: u64 = 20_000;

pub(super) async fn page(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "test", "recent", "limit", "unexpected"];
    let parameters = Parameters::read(query, &[&CONFIGURATION, &own, &narrow::OWN, &POINT, &RANGE, &TIMES])?;
    let parameters = parameters.without_empty(&["suite", "q", "state", "sort", "page"]);
    let narrow = Narrow::read(&parameters)?;
    let unexpected = parameters.flag("unexpected", true);
    let names = |prefix: &str| ["uuid", "ref", "id", "timestamp"].map(|name| format!("{prefix}{name}"));
    let has = |prefix: &str| names(prefix).iter().any(|name| parameters.first(name).is_some());
    let of_commit = has("") || (has("after_") && has("before_"));
    let selection = Selection::read(service, &parameters, if of_commit { RUNS_OF_COMMIT } else { RUNS }).await?;
    let known = known_suites(service, &selection).await?;
    let asked: Vec<String> = parameters.all("suite").map(str::to_owned).collect();
    let shown = if asked.is_empty() { known.iter().cloned().collect() } else { asked.clone() };
    let page = Page { service, parameters: &parameters, narrow: &narrow, unexpected, alone: shown.len() == 1 };
    let mut sections = Vec::new();
    for suite in &shown {
        let near = if known.contains(suite) { Vec::new() } else { nearest(suite, known.iter().map(String::as_str)) };
        sections.push(context! { near, ..page.section(suite, &selection).await? });
    }
    // What the form does not ask for stays as it is.
    let kept: Vec<(&str, &str)> =
        parameters.pairs().filter(|(name, _)| !narrow::OWN.contains(name) && *name != "suite").collect();
    let first = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let values = context! {
        page => "/investigate", known, sections, unexpected, of_commit, kept, narrow => narrow.sort(), sorts => narrow::SORTS,
        point => point(service, &parameters).await?, q => first("q"), help => help(&narrow::FIELDS), state => first("state").to_uppercase(),
        states => &NAMES[..=usize::from(schema::state::ERROR)], suite => if asked.len() == 1 { first("suite") } else { String::new() },
        several => asked.len() > 1,
        toggle => parameters.with(&["unexpected", "page"], &[("unexpected", if unexpected { "false" } else { "true" })]),
        all => parameters.with(&narrow::OWN, &[]),
        export_query => parameters.with(
            &["suite", "test", "q", "state", "sort", "page", "limit"],
            &[("collapsed", "false"), ("limit", &selection.limit.to_string())],
        ),
    };
    service.pages.render(StatusCode::OK, "investigate.html", None, values)
}

/// What the asked commit or range is called: names rather than uuids.
async fn point(service: &Service, parameters: &Parameters) -> Result<String, ApiError> {
    let mut texts = Vec::new();
    for prefix in ["", "after_", "before_"] {
        for name in ["ref", "id"] {
            texts.extend(parameters.all(&format!("{prefix}{name}")).map(str::to_owned));
        }
        let uuids: BTreeSet<u64> = parameters.numbers(&format!("{prefix}uuid"))?.into_iter().collect();
        let commits = commits::by_uuid(service, &uuids).await?;
        texts.extend(uuids.iter().map(|uuid| commits.name(*uuid)));
    }
    texts.dedup();
    Ok(texts.join(" – "))
}

/// A run by what tells it from others of its suite.
type Run = (Configuration, u64, u32);

struct Page<'a> {
    service: &'a Service,
    parameters: &'a Parameters,
    narrow: &'a Narrow,
    unexpected: bool,
    /// Whether it is the only suite on the page, so that its pages can be turned.
    alone: bool,
}

impl Page<'_> {
    /// The runs of a suite, and what failed in them.
    async fn section(&self, suite: &str, selection: &Selection<'_>) -> Result<Value, ApiError> {
        let entries = results::of_suite(self.service, suite, selection).await?;
        let uuids: BTreeSet<u64> = entries.iter().flat_map(|it| it.results.iter().map(|run| run.uuid)).collect();
        let (Some(begin), Some(end)) = (uuids.first(), uuids.last()) else {
            let none: [Value; 0] = [];
            return Ok(
                context! { suite, runs => none, groups => none, total => 0, matching => 0, counts => Counts::default() },
            );
        };
        // Nothing outside of these runs is asked for, however wide the question is.
        let selection =
            Selection { bounds: Bounds { begin: *begin, end: *end, ..selection.bounds }, ..selection.clone() };
        let rows = failures::rows(self.service, suite, &selection, self.unexpected).await?;
        let bugs = known::of_suite(self.service, suite).await?;
        let mut tests: BTreeMap<&str, (u8, BTreeSet<Configuration>)> = BTreeMap::new();
        for row in &rows {
            let Some(configuration) = selection.configuration(&row.place()) else { continue };
            let found = tests.entry(&row.test).or_insert_with(|| (row.state, BTreeSet::new()));
            found.0 = found.0.min(row.state);
            found.1.insert(configuration);
        }
        let places: BTreeSet<&Configuration> = tests.values().flat_map(|(_, places)| places).collect();
        let position: BTreeMap<&Configuration, usize> =
            places.iter().enumerate().map(|(index, it)| (*it, index)).collect();
        let mut failing: Vec<Failing<'_>> = tests
            .iter()
            .map(|(test, (state, on))| {
                let places = on.iter().filter_map(|it| position.get(it).copied()).collect();
                let configurations: Vec<Configuration> = on.iter().cloned().collect();
                Failing { test, state: *state, places, bugs: bugs.of(test, &configurations) }
            })
            .collect();
        let total = failing.len();
        let places: Vec<(String, String)> = places.iter().map(|it| (it.name(), it.query())).collect();
        let names: Vec<String> = places.iter().map(|(name, _)| name.clone()).collect();
        self.narrow.apply(suite, &names, &mut failing);
        let matching = failing.len();
        let pages = matching.div_ceil(TESTS).max(1);
        let number = if self.alone { self.narrow.page.min(pages) } else { 1 };
        let from = (number - 1) * TESTS;
        let shown = &failing[from..matching.min(from + TESTS)];
        let names = shown.iter().map(|it| it.test);
        let messages = messages::newest(self.service, suite, &selection, names).await?;
        let groups: Vec<Value> = narrow::grouped(shown)
            .into_iter()
            .map(|(at, tests)| {
                let open = tests.len() <= OPEN;
                let tests: Vec<Value> = tests.into_iter().map(|it| test_of(it, messages.get(it.test))).collect();
                let places: Vec<_> = at.iter().filter_map(|index| places.get(*index)).collect();
                context! { open, tests, places }
            })
            .collect();
        let turned =
            |page: usize| self.parameters.with(&["page", "suite"], &[("suite", suite), ("page", &page.to_string())]);
        let (runs, counts) = self.runs(suite, entries, &uuids, &selection).await?;
        Ok(context! {
            suite, runs, counts, groups, total, matching, from => from + 1, to => from + shown.len(), number, pages,
            next => (number < pages).then(|| turned(number + 1)), previous => (number > 1).then(|| turned(number - 1)),
        })
    }

    /// Each run with its links, and what all of them count.
    async fn runs(
        &self,
        suite: &str,
        entries: Vec<Entry<SuiteRun>>,
        uuids: &BTreeSet<u64>,
        selection: &Selection<'_>,
    ) -> Result<(Vec<Value>, Counts), ApiError> {
        let commits = commits::by_uuid(self.service, uuids).await?;
        let named = |commit: &Commit| context! { name => commit.short_name(), query => query_for(commit) };
        let archived = self.places("archives", "size > 0", suite, selection).await?;
        let linked = self.places("links", "build != ''", suite, selection).await?;
        let branch = self.parameters.first("branch");
        let mut sum = Counts::default();
        let mut runs = Vec::new();
        for Entry { configuration, results } in entries {
            let base = configuration.query();
            for run in results.iter().rev() {
                let counts = Counts::of(run.stats.get());
                sum.add(&counts);
                let (class, symbol) = counts.symbol();
                let mut query = form_urlencoded::Serializer::new(base.clone());
                query.append_pair("suite", suite).append_pair("uuid", &run.uuid.to_string());
                query.append_pair("after_time", &run.start_time.to_string());
                query.append_pair("before_time", &run.start_time.to_string()).append_pair("recent", "false");
                if let Some(branch) = branch {
                    query.append_pair("branch", branch);
                }
                let place: Run = (configuration.clone(), run.uuid, run.start_time);
                runs.push(context! {
                    configuration => configuration.name(), counts, class, symbol, uuid => run.uuid, seconds => run.start_time,
                    commit => commits.get(run.uuid).map(named),
                    query => query.finish(), ci => linked.contains(&place), archive => archived.contains(&place),
                });
            }
        }
        Ok((runs, sum))
    }

    /// The selected runs that a table knows; `kind` is its further condition.
    async fn places(
        &self,
        table: &str,
        kind: &str,
        suite: &str,
        selection: &Selection<'_>,
    ) -> Result<HashSet<Run>, ApiError> {
        let sql = format!("SELECT ?fields FROM {table} WHERE suite = ? AND {kind}{} LIMIT ?", selection.condition());
        let asked = selection.bind_condition(self.service.client.query(&sql).bind(suite)).bind(MAX_PLACES);
        let found: Vec<PlaceFound> = asked.fetch_all().await?;
        let place = |row: PlaceFound| {
            let PlaceFound { config_id, uuid, sdk, start_time } = row;
            let configuration = selection.configuration(&Place { config_id, uuid, sdk, start_time })?;
            Some((configuration, uuid, start_time))
        };
        Ok(found.into_iter().filter_map(place).collect())
    }
}

#[derive(Row, Deserialize)]
struct PlaceFound {
    config_id: u64,
    uuid: u64,
    sdk: String,
    start_time: u32,
}

fn test_of(it: &Failing<'_>, message: Option<&String>) -> Value {
    let state = NAMES.get(usize::from(it.state)).copied().unwrap_or_default();
    let (class, symbol) = status::symbol(it.state);
    let bugs: Vec<Value> = it.bugs.iter().map(|bug| known::shown(bug)).collect();
    context! { test => it.test, state, class, symbol, bugs, message }
}
