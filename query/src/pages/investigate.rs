//! What failed: the tests of the newest run of each configuration, or of the runs of a commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use answers::ask::RunFilter;
use answers::bugs::Failure;
use answers::links::{self, RunIdentity};
use answers::results::{self, SuiteRun};
use answers::run_details::{self, RunDetails};
use answers::triage::{self, Group};
use answers::under_review;
use answers::{OfConfiguration, Selection, commit_names, failures, messages, remarks, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::TryFutureExt;
use minijinja::{Value, context};
use schema::commit::Commit;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId};
use schema::run_notes::CHANGE_BRANCHES;
use schema::state::{NAMES, State as TestState};

use super::bugs;
use super::commits::query_for;
use super::failure_filter::{self, FailingTest, FailureFilter};
use super::filters::{self, Form};
use super::names::help;
use super::quarantine as parking;
use super::shared_causes::{self, Listed};
use super::states::{Counts, look};
use super::suggestions::nearest;
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, runs};
use crate::service::{Service, Shared};

/// Runs of each configuration, unless more are asked for.
const RUNS: u64 = 1;
/// The same of a commit, which may have run more than once.
const RUNS_OF_COMMIT: u64 = 20;
/// Tests on a page of one suite.
const TESTS: usize = 200;
/// A group of more tests starts out closed.
const OPEN: usize = 25;
/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let store = &service.store;
    let own = ["suite", "test", "recent", "limit", "unexpected"];
    let known: [&[&str]; 6] = [&CONFIGURATION, &own, &failure_filter::OWN, &POINT, &RANGE, &TIMES];
    let parameters = Parameters::read_as_reference(query.as_deref(), &[], &known)?;
    let parameters = parameters.without_empty(&["suite", "q", "owner", "state", "sort", "page"]);
    let filter = FailureFilter::read(&parameters, &store.clock)?;
    let unexpected = parameters.flag("unexpected", true);
    let names = |prefix: &str| ["uuid", "ref", "id", "timestamp"].map(|name| format!("{prefix}{name}"));
    let has = |prefix: &str| names(prefix).iter().any(|name| parameters.first(name).is_some());
    let of_commit = has("") || (has("after_") && has("before_"));
    let runs = runs::filter(&parameters)?;
    let selection = Selection::of(store, &runs, if of_commit { RUNS_OF_COMMIT } else { RUNS }).await?;
    let runs = (!of_commit).then_some(&runs);
    let known = suites::of_selection(store, &selection).await?;
    let asked: Vec<String> = parameters.all("suite").map(str::to_owned).collect();
    let shown = if asked.is_empty() { known.iter().cloned().collect() } else { asked.clone() };
    let page =
        Page { service: &service, parameters: &parameters, runs, filter: &filter, unexpected, alone: shown.len() == 1 };
    let mut sections = Vec::new();
    for suite in &shown {
        let near = if known.contains(suite) { Vec::new() } else { nearest(suite, known.iter().map(String::as_str)) };
        sections.push(context! { near, ..page.section(suite, &selection).await? });
    }
    // What the form does not ask for stays as it is.
    let kept: Vec<(&str, &str)> =
        parameters.pairs().filter(|(name, _)| !failure_filter::OWN.contains(name) && *name != "suite").collect();
    let point = point(&service, &parameters).await?;
    let first = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let of_suites = if asked.is_empty() { String::new() } else { format!(" of {}", asked.join(", ")) };
    let subject =
        format!("Failures{of_suites}{}", if point.is_empty() { String::new() } else { format!(" on {point}") });
    let values = context! {
        page => "/investigate", filters => filters::of(&parameters, Form::keeping(&[])),
        subject, owner => first("owner"), known, sections, unexpected, of_commit, kept, narrow => filter.sort(), sorts => failure_filter::SORTS,
        point => point.clone(), q => first("q"), help => help(&failure_filter::FIELDS), state => first("state").to_uppercase(),
        states => &NAMES[..=usize::from(TestState::ERROR.position())], suite => if asked.len() == 1 { first("suite") } else { String::new() },
        several => asked.len() > 1,
        toggled => parameters.with(&["unexpected", "page"], &[("unexpected", if unexpected { "false" } else { "true" })]),
        all => parameters.with(&failure_filter::OWN, &[]),
        export_query => parameters.with(
            &["suite", "test", "q", "owner", "state", "sort", "page", "limit"],
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
        let keys = parameters.numbers(&format!("{prefix}uuid"))?;
        let keys: BTreeSet<CommitKey> = keys.into_iter().map(CommitKey).collect();
        let commits = commit_names::by_key(&service.store, &keys).await?;
        texts.extend(keys.iter().map(|key| commits.name(*key)));
    }
    texts.dedup();
    Ok(texts.join(" – "))
}

struct Page<'a> {
    service: &'a Service,
    parameters: &'a Parameters,
    /// The runs that it is about; none where it is about those of a commit, of which a verdict of today says nothing.
    runs: Option<&'a RunFilter>,
    filter: &'a FailureFilter,
    unexpected: bool,
    /// Whether it is the only suite on the page, so that its pages can be turned.
    alone: bool,
}

impl Page<'_> {
    /// The runs of a suite, and what failed in them.
    async fn section(&self, suite: &str, selection: &Selection) -> Result<Value, ApiError> {
        let store = &self.service.store;
        let entries = results::runs_in(store, suite, selection).await?;
        let keys: BTreeSet<CommitKey> = entries.iter().flat_map(|it| it.results.iter().map(|run| run.uuid)).collect();
        let (Some(begin), Some(end)) = (keys.first(), keys.last()) else {
            let none: [Value; 0] = [];
            return Ok(
                context! { suite, runs => none, groups => none, total => 0, matching => 0, counts => Counts::default() },
            );
        };
        // Nothing outside of these runs is asked for, however wide the question is.
        let selection = selection.between(*begin, *end);
        let (rows, remarks, (runs, counts)) = futures_util::try_join!(
            failures::in_selection(store, suite, &selection, self.unexpected).err_into::<ApiError>(),
            remarks::of_suite(store, suite).err_into(),
            self.runs(suite, entries, &keys, &selection),
        )?;
        // A configuration is told apart by its number: there are many more failures than configurations.
        let mut numbers: HashMap<(ConfigId, &str), Option<usize>> = HashMap::new();
        let mut found: Vec<Configuration> = Vec::new();
        let mut tests: BTreeMap<&str, (TestState, BTreeSet<usize>)> = BTreeMap::new();
        for row in &rows {
            let number = *numbers.entry((row.config_id, &row.sdk)).or_insert_with(|| {
                found.push(selection.configuration(&row.place())?);
                Some(found.len() - 1)
            });
            let Some(number) = number else { continue };
            let (state, on) = tests.entry(&row.test).or_insert_with(|| (row.state, BTreeSet::new()));
            *state = (*state).min(row.state);
            on.insert(number);
        }
        let mut places: Vec<&Configuration> = found.iter().collect();
        places.sort_unstable();
        places.dedup();
        let position: Vec<Option<usize>> = found.iter().map(|it| places.binary_search(&it).ok()).collect();
        let said = remarks.bugs.said_in(store, suite, &selection, tests.keys().copied()).await?;
        let mut failing: Vec<FailingTest<'_>> = tests
            .iter()
            .map(|(test, (state, on))| {
                let mut places: Vec<usize> = on.iter().filter_map(|number| position[*number]).collect();
                places.sort_unstable();
                let configurations = on.iter().map(|number| &found[*number]);
                let failure = Failure::new(*state, said.get(test).map(String::as_str));
                let bugs = remarks.bugs.explaining(test, configurations, failure);
                FailingTest { test, state: *state, places, bugs, owners: remarks.owners.of(test) }
            })
            .collect();
        let total = failing.len();
        let places: Vec<(String, String)> = places.iter().map(|it| (it.name(), it.query())).collect();
        let names: Vec<String> = places.iter().map(|(name, _)| name.clone()).collect();
        self.filter.apply(suite, &names, &mut failing);
        let matching = failing.len();
        let pages = matching.div_ceil(TESTS).max(1);
        let number = if self.alone { self.filter.page.min(pages) } else { 1 };
        let from = (number - 1) * TESTS;
        let shown = &failing[from..matching.min(from + TESTS)];
        let names = shown.iter().map(|it| it.test);
        let groups = async {
            match self.runs {
                Some(runs) => {
                    let shown = shown.iter().map(|it| it.test.to_owned()).collect();
                    triage::groups_of(store, suite, runs, shown).await
                }
                None => Ok(BTreeMap::new()),
            }
        };
        let (messages, verdicts) =
            futures_util::try_join!(messages::newest(store, suite, &selection, names, messages::MAX_TESTS), groups)?;
        let parked_of = |test: &str| match tests.get(test) {
            Some((state, on)) => {
                let on = on.iter().map(|number| &found[*number]);
                parking::marks(remarks.quarantine.explaining(test, on, *state))
            }
            None => Vec::new(),
        };
        let groups: Vec<Value> = failure_filter::grouped(shown)
            .into_iter()
            .map(|(at, tests)| {
                let open = tests.len() <= OPEN;
                let listed = |it: &FailingTest<'_>| {
                    let message = messages.get(it.test);
                    let row = test_of(it, message, verdicts.get(it.test).copied(), parked_of(it.test));
                    Listed { row, message: message.map(String::as_str) }
                };
                let count = tests.len();
                let entries = shared_causes::entries(store, suite, tests.into_iter().map(listed));
                let places: Vec<_> = at.iter().filter_map(|index| places.get(*index)).collect();
                context! { open, count, entries, places }
            })
            .collect();
        let turned =
            |page: usize| self.parameters.with(&["page", "suite"], &[("suite", suite), ("page", &page.to_string())]);
        Ok(context! {
            suite, runs, counts, groups, total, matching, from => from + 1, to => from + shown.len(), number, pages,
            next => (number < pages).then(|| turned(number + 1)), previous => (number > 1).then(|| turned(number - 1)),
        })
    }

    /// Each run with its links, and what all of them count.
    async fn runs(
        &self,
        suite: &str,
        entries: Vec<OfConfiguration<SuiteRun>>,
        keys: &BTreeSet<CommitKey>,
        selection: &Selection,
    ) -> Result<(Vec<Value>, Counts), ApiError> {
        let store = &self.service.store;
        let named = |commit: &Commit| context! { name => commit.short_name(), query => query_for(commit) };
        let branch = self.parameters.first("branch");
        let mut identities: Vec<RunIdentity> = Vec::new();
        for OfConfiguration { configuration, results } in &entries {
            identities.extend(results.iter().map(|run| (configuration.clone(), run.uuid, run.start_time)));
        }
        let (commits, archived, linked, mut details) = futures_util::try_join!(
            commit_names::as_tested(store, suite, Some(&selection.branch), keys),
            links::runs_with_archive(store, suite, selection),
            links::runs_with_build(store, suite, selection),
            run_details::of_runs(store, suite, &selection.branch, identities),
        )?;
        let mut sum = Counts::default();
        let mut runs = Vec::new();
        for OfConfiguration { configuration, results } in entries {
            let base = configuration.query();
            for run in results.iter().rev() {
                let counts = Counts::of(run.stats.get());
                sum.add(&counts);
                let look = counts.look();
                let mut query = form_urlencoded::Serializer::new(base.clone());
                query.append_pair("suite", suite).append_pair("uuid", &run.uuid.to_string());
                query.append_pair("after_time", &run.start_time.to_string());
                query.append_pair("before_time", &run.start_time.to_string()).append_pair("recent", "false");
                if let Some(branch) = branch {
                    query.append_pair("branch", branch);
                }
                let identity: RunIdentity = (configuration.clone(), run.uuid, run.start_time);
                let about = details.remove(&identity).as_ref().map(about_run);
                runs.push(context! {
                    configuration => configuration.name(), counts, class => look.class, symbol => look.symbol,
                    uuid => run.uuid, seconds => run.start_time, commit => commits.get(run.uuid).map(named),
                    query => query.finish(), about, ci => linked.contains(&identity), archive => archived.contains(&identity),
                });
            }
        }
        Ok((runs, sum))
    }
}

/// What a template shows of a run beside its counts.
fn about_run(run: &RunDetails) -> Value {
    let missing = run.missing.as_ref().map(|missing| context! { words => missing.words(), tests => missing.tests });
    let exit_code = run.exit_code.filter(|code| *code != 0);
    // A run may name a change and be on the trunk all the same.
    let change_page = run.branch.strip_prefix(CHANGE_BRANCHES).map(under_review::page);
    context! {
        missing, exit_code, problems => run.problems, tool => run.tool, shard => run.shard, change => run.change,
        authors => run.authors.join(", "), change_page,
    }
}

fn test_of(it: &FailingTest<'_>, message: Option<&String>, verdict: Option<Group>, parked: Vec<Value>) -> Value {
    let look = look(it.state);
    let bugs: Vec<Value> = it.bugs.iter().map(|bug| bugs::to_context(bug)).collect();
    context! {
        test => it.test, state => it.state.name(), class => look.class, symbol => look.symbol, bugs, owners => it.owners, message,
        verdict => verdict.map(verdict_of), parked,
    }
}

/// How a verdict is told beside a test: its class and its words.
fn verdict_of(group: Group) -> (&'static str, &'static str) {
    match group {
        Group::New => ("bad", "new"),
        Group::Still => ("", "still failing"),
        Group::Fixed => ("good", "fixed since"),
        Group::Flaky => ("unsure", "flaky"),
        Group::Removed => ("", "removed"),
        Group::Expected => ("", "expected to fail"),
        Group::Surprising => ("", "passes though expected to fail"),
        Group::NotRun => ("", "not run lately"),
    }
}
