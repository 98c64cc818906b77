//! Failures by what they say: the causes of a suite, and of one of them what its tests said.

use answers::ask::RunFilter;
use answers::causes::{self, Cause, CauseOrder, Causes, CausesQuestion, MAX_TEXT, Messages, SaidMessage};
use answers::{commit_names, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::ids::CommitKey;
use schema::state::State as TestState;

use super::filters::{self, Form};
use super::names::titled;
use super::states::look;
use super::{bugs, time};
use crate::api::causes::CAUSES;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// Messages of one cause, or with one text, that the page shows.
const MESSAGES: u64 = 20;
/// Pixels of a bar in the small picture of how many failures there were, and the height of the largest.
const BAR: usize = 4;
const HEIGHT: u64 = 14;

/// What a reader can choose to come first.
fn orders() -> Vec<(&'static str, &'static str)> {
    let label = |order| match order {
        CauseOrder::Failures => "the most failures",
        CauseOrder::Tests => "the most tests",
        CauseOrder::Latest => "what was seen last",
        CauseOrder::Newest => "what began last",
    };
    CauseOrder::ALL.into_iter().map(|order| (order.name(), label(order))).collect()
}

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let store = &service.store;
    let known = suites::recent(store).await?;
    let parameters = Parameters::filled(query.as_deref(), CAUSES.parameters)?;
    let chosen = parameters.first("suite").or(known.first().map(String::as_str)).unwrap_or_default();
    let question = lists::causes(&parameters, chosen)?;
    let narrowed = question.cause.is_some() || question.text.is_some() || question.test.is_some();
    let said = async {
        if !narrowed {
            return Ok::<_, answers::AnswerError>(Messages::default());
        }
        let runs = RunFilter { limit: Some(MESSAGES), ..question.runs.clone() };
        causes::messages(store, &CausesQuestion { runs, ..question.clone() }).await
    };
    let (answer, said) = futures_util::try_join!(causes::find(store, &question), said)?;
    let Messages { has_more, messages: said, .. } = said;
    let of_ends = answer.causes.iter().flat_map(|cause| [cause.first_commit, cause.last_commit]);
    let keys = of_ends.chain(said.iter().map(|one| one.uuid)).collect();
    let names = commit_names::as_tested(store, chosen, question.runs.branch.as_deref(), &keys).await?;
    let name = |key: CommitKey| names.name(key);
    let filters = filters::of_suite(
        &service,
        &parameters,
        chosen,
        Form::keeping(&["cause", "test", "rule", "unexpected", "limit"]),
    )
    .await?;
    let one = question.cause.is_some().then(|| answer.causes.first()).flatten();
    let first = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let values = context! {
        page => "/causes", filters, known, chosen, weeks => answer.weeks, ran => answer.configurations, failures => answer.failures, total => answer.total,
        rows => answer.causes.iter().map(|cause| row(cause, &answer, name)).collect::<Vec<_>>(),
        one => one.map(|cause| row(cause, &answer, name)), cause => first("cause"),
        said => said.iter().map(|one| said_row(one, name)).collect::<Vec<_>>(), has_more, narrowed, most => MESSAGES,
        failures_to_explain => TestState::failures().map(TestState::name).collect::<Vec<_>>(),
        text => first("text"), test => first("test"), max_text => MAX_TEXT, order => first("order"), orders => orders(),
        unexpected => !question.with_expected, rule => answer.rule,
        kept => parameters.with(&["suite", "cause", "limit", "format"], &[("suite", chosen)]),
        everything => parameters.with(&["suite", "cause", "text", "test", "limit", "format"], &[("suite", chosen)]),
        toggled => parameters.with(&["unexpected"], &[("unexpected", if question.with_expected { "true" } else { "false" })]),
        export_query => parameters.with(&["suite", "format"], &[("suite", chosen)]),
    };
    service.pages.render(StatusCode::OK, "causes.html", Some(&titled("Causes", chosen)), values)
}

fn row(cause: &Cause, answer: &Causes, name: impl Fn(CommitKey) -> String) -> Value {
    let look = look(cause.state);
    context! {
        id => cause.cause, pattern => cause.pattern, state => cause.state.name(), class => look.class, symbol => look.symbol,
        failures => cause.failures, tests => cause.tests, commits => cause.commits, configurations => cause.configurations,
        first_seen => cause.first_seen, last_seen => cause.last_seen, first_commit => cause.first_commit,
        last_commit => cause.last_commit, first_name => name(cause.first_commit), last_name => name(cause.last_commit),
        bars => bars(&cause.trend, answer.since, answer.step), width => cause.trend.len() * BAR,
        says => says(cause, answer.step), some_tests => cause.some_tests,
        some_places => cause.some_configurations.iter().map(|it| (it.name(), it.query())).collect::<Vec<_>>(),
        bugs => cause.bugs.iter().map(bugs::to_context).collect::<Vec<_>>(),
    }
}

/// The bars of the times at which there were failures.
fn bars(trend: &[u64], since: u64, step: u64) -> Vec<Value> {
    let most = trend.iter().copied().max().unwrap_or(0).max(1);
    let bar = |(index, count): (usize, &u64)| {
        let height = (count * HEIGHT).div_ceil(most);
        let from = since + index as u64 * step;
        let says = format!("{}: {count}", time::day(i64::try_from(from).unwrap_or(i64::MAX)));
        (*count > 0).then(|| context! { x => index * BAR, y => HEIGHT - height, height, says })
    };
    trend.iter().enumerate().filter_map(bar).collect()
}

/// What the bars show, for who does not see them.
fn says(cause: &Cause, step: u64) -> String {
    let unit = if step == schema::seconds::DAY { "days" } else { "weeks" };
    let parts = cause.trend.iter().filter(|count| **count > 0).count();
    format!("Seen on {parts} of {} {unit}", cause.trend.len())
}

fn said_row(said: &SaidMessage, name: impl Fn(CommitKey) -> String) -> Value {
    let look = look(said.state);
    context! {
        test => said.test, state => said.state.name(), class => look.class, symbol => look.symbol, cause => said.cause,
        configuration => said.configuration.name(), query => said.configuration.query(), uuid => said.uuid,
        commit => name(said.uuid), seconds => said.start_time, message => said.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share_of_the_largest() {
        let bars = bars(&[0, 1, 7, 0, 3], 0, 86_400);
        let told = |index: usize, member: &str| {
            bars.get(index).and_then(|bar| bar.get_attr(member).ok()).map(|it| it.to_string())
        };
        assert_eq!(bars.len(), 3);
        assert_eq!((told(0, "x"), told(0, "height")), (Some("4".into()), Some("2".into())));
        assert_eq!((told(1, "y"), told(1, "says")), (Some("0".into()), Some("1970-01-03: 7".into())));
    }
}
