//! What changed: which tests broke, were fixed or became flaky together, and which commits may have done it.

use answers::changes::{self, ChangedTest, Kind, NamedCommit, SuiteChange};
use answers::suites;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::filters::{self, Form};
use super::names::{ShownCommits, titled};
use super::quarantine;
use super::states::look;
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, Parameters, as_of, lists};
use crate::service::Shared;

/// Changes shown if the question names no limit.
const SHOWN: u64 = 50;
/// What the page can be asked.
const PARAMETERS: &[&[&str]] =
    &[&CONFIGURATION, &["suite", "test", "weeks", "kind", "q", "owner", "recent", "branch", "limit", "as_of"]];

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), PARAMETERS)?;
    let suite = parameters.first("suite").or(known.first().map(String::as_str)).unwrap_or_default().to_owned();
    let test = parameters.first("test");
    let store = as_of::store(&service.store, &parameters)?;
    let mut question = lists::changes(&parameters, &suite, test, &store.clock)?;
    question.runs.limit = question.runs.limit.or(Some(SHOWN));
    let answer = changes::find(&store, &question).await?;
    let commits = ShownCommits::of(answer.changes.iter().flat_map(commits_of));
    let shown: Vec<Value> = answer.changes.iter().map(|change| to_context(&suite, change, &commits)).collect();
    let value = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let filters = filters::of_suite(&service, &parameters, &suite, Form::keeping(&["q", "limit", "as_of"])).await?;
    let values = context! {
        page => "/changes", filters, known, chosen => suite, test, changes => shown, weeks => question.weeks, ran => answer.configurations, kind => value("kind"), owner => value("owner"),
        kinds => Kind::ALL.map(|kind| (kind.name(), title(kind))),
        export_query => parameters.with(&["suite", "test"], &[]), as_of => parameters.chosen("as_of").map(|_| store.clock.now()),
        newest => parameters.with(&["as_of"], &[]),
    };
    service.pages.render(StatusCode::OK, "changes.html", Some(&titled("Changes", &suite)), values)
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Broke => "Broke",
        Kind::Fixed => "Fixed",
        Kind::Flaky => "Became flaky, or flakier",
        Kind::Expected => "Expected to fail since",
    }
}

/// The commits that a change names.
fn commits_of(change: &SuiteChange) -> impl Iterator<Item = &NamedCommit> {
    let likely = change.likely.iter().map(|one| &one.commit);
    change.after.iter().chain([&change.until]).chain(likely)
}

/// What a template shows of a change.
fn to_context(suite: &str, change: &SuiteChange, commits: &ShownCommits) -> Value {
    let commit = |commit: &NamedCommit| commits.show(commit);
    let likely: Vec<Value> = change
        .likely
        .iter()
        .map(|one| context! { commit => commit(&one.commit), percent => format!("{:.0}", one.probability * 100.0) })
        .collect();
    let test = |test: &ChangedTest| {
        let state = look(test.state);
        context! {
            test => test.test, on => test.configuration.name(), query => test.configuration.query(), class => state.class,
            symbol => state.symbol, state => test.state.name(), before => test.before, since => test.since,
            parked => quarantine::marks(&test.quarantine),
        }
    };
    context! {
        suite, id => change.id, title => title(change.kind), after => change.after.as_ref().map(commit),
        until => commit(&change.until), seconds => change.until.uuid.time() as i64, likely,
        tests => change.tests.iter().map(test).collect::<Vec<_>>(), open => change.open, bugs => change.bugs,
    }
}
