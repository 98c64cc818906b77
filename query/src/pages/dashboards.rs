//! The configured dashboards, as a page of tiles and as the summary on the start page.

use answers::ask::ConfigurationFilter;
use answers::boards::{self, Board, BoardQuestion, Tile};
use answers::commit_names;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schema::seconds::HOUR;
use schema::state::State as TestState;

use super::filters;
use super::states::{Look, look};
use crate::error::{ApiError, bad};
use crate::parameters::{CONFIGURATION, Parameters, runs};
use crate::service::{Service, Shared};

/// Hours, unless a dashboard says otherwise.
const WARN_AFTER: u64 = 12;
const EXPIRE_AFTER: u64 = 168;
/// Suites of the start page where no dashboard is configured.
const SUITES: usize = 20;
/// Members of an entry that are no filters.
const OWN: [&str; 4] = ["title", "suite", "warnAfter", "expireAfter"];

/// A dashboard as it is configured.
#[derive(Debug)]
struct Dashboard {
    title: String,
    /// The filters as they are written in addresses.
    query: String,
    question: BoardQuestion,
}

impl Dashboard {
    /// Reads an entry of `dashboard_queries`: `title`, `suite`, `warnAfter` and `expireAfter` in hours; what else there
    /// is are filters, one value or a list.
    fn read(entry: &serde_json::Value) -> Result<Self, ApiError> {
        let text = |name: &str| entry.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let suite = text("suite").ok_or_else(|| bad("A dashboard names no suite"))?;
        let title = text("title").unwrap_or_else(|| suite.clone());
        let seconds = |name: &str, default: u64| match entry.get(name).map(serde_json::Value::as_u64) {
            None => Ok(default * HOUR),
            Some(Some(hours @ 1..=100_000)) => Ok(hours * HOUR),
            Some(_) => Err(bad(format!("{name} of the dashboard {title} is no number of hours"))),
        };
        let (warn_after, expire_after) = (seconds("warnAfter", WARN_AFTER)?, seconds("expireAfter", EXPIRE_AFTER)?);
        let mut filters = Vec::new();
        for (name, value) in entry.as_object().into_iter().flatten().filter(|(name, _)| !OWN.contains(&name.as_str())) {
            for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                filters.push((name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            }
        }
        let filters = Parameters::given(filters, &[], &[&CONFIGURATION, &["recent", "branch"]])
            .map_err(|error| bad(format!("{error}, nor by the dashboard {title}")))?;
        let question = BoardQuestion {
            suite,
            runs: runs::lately(&filters)?,
            narrowed_to: ConfigurationFilter::default(),
            with_expected: false,
            warn_after,
            expire_after,
        };
        Ok(Self { title, query: filters.with(&[], &[]), question })
    }

    /// A suite that nobody configured, on the default branch.
    fn of_suite(suite: String) -> Self {
        let question = BoardQuestion {
            suite: suite.clone(),
            runs: answers::ask::RunFilter::default(),
            narrowed_to: ConfigurationFilter::default(),
            with_expected: false,
            warn_after: WARN_AFTER * HOUR,
            expire_after: EXPIRE_AFTER * HOUR,
        };
        Self { title: suite, query: String::new(), question }
    }
}

/// Checks that every entry of `dashboard_queries` can be read, so that a mistake shows at the start.
///
/// # Errors
/// What is wrong with which dashboard.
pub fn check_dashboards(entries: &[serde_json::Value]) -> Result<(), ApiError> {
    entries.iter().try_for_each(|entry| Dashboard::read(entry).map(drop))
}

fn configured(service: &Service) -> Vec<Dashboard> {
    // Entries were checked at the start.
    service.options.dashboard_queries.iter().filter_map(|entry| Dashboard::read(entry).ok()).collect()
}

async fn boards(
    service: &Service,
    dashboards: Vec<Dashboard>,
    narrowed_to: &ConfigurationFilter,
    with_expected: bool,
) -> Result<Vec<(Dashboard, Board)>, ApiError> {
    let mut found = Vec::new();
    for mut dashboard in dashboards {
        dashboard.question.narrowed_to = narrowed_to.clone();
        dashboard.question.with_expected = with_expected;
        let board = boards::find(&service.store, &dashboard.question).await?;
        found.push((dashboard, board));
    }
    Ok(found)
}

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query.as_deref(), &[&CONFIGURATION, &["passing", "unexpected"]])?;
    let (passing, unexpected) = (parameters.flag("passing", false), parameters.flag("unexpected", true));
    let narrowed_to = runs::configurations(&parameters)?;
    let mut shown = Vec::new();
    for (dashboard, board) in boards(&service, configured(&service), &narrowed_to, !unexpected).await? {
        shown.push(to_context(&service, &dashboard, &board, passing).await?);
    }
    let values = context! {
        page => "/dashboards", boards => shown, passing, unexpected,
        toggle_passing => parameters.with(&["passing"], &[("passing", &(!passing).to_string())]),
        toggle_unexpected => parameters.with(&["unexpected"], &[("unexpected", &(!unexpected).to_string())]),
    };
    service.pages.render(StatusCode::OK, "dashboards.html", Some("Dashboards"), values)
}

/// One line for each dashboard; where none is configured, one for each suite that ran lately.
pub(super) async fn summary(service: &Service, suites: &[String]) -> Result<Vec<Value>, ApiError> {
    let mut dashboards = configured(service);
    if dashboards.is_empty() {
        dashboards = suites.iter().take(SUITES).cloned().map(Dashboard::of_suite).collect();
    }
    let found = boards(service, dashboards, &ConfigurationFilter::default(), false).await?;
    Ok(found.iter().map(|(dashboard, board)| head(dashboard, board)).collect())
}

fn head(dashboard: &Dashboard, board: &Board) -> Value {
    let Look { class, symbol } = board.worst.map_or(Look { class: "", symbol: "–" }, look);
    let bad = board.tiles.iter().filter(|(_, tile)| tile.state < TestState::PASS).count();
    context! {
        title => dashboard.title, suite => dashboard.question.suite, query => dashboard.query, class, symbol, bad,
        branch => filters::own_branch(dashboard.question.runs.branch.as_deref()),
        state => board.worst.map(|state| state.name().to_lowercase()), count => board.tiles.len(),
    }
}

async fn to_context(service: &Service, dashboard: &Dashboard, board: &Board, passing: bool) -> Result<Value, ApiError> {
    let keys = |tile: &Tile| [Some(tile.commit), tile.first_bad, tile.last_good].into_iter().flatten();
    let keys = board.tiles.iter().flat_map(|(_, tile)| keys(tile)).collect();
    let (suite, branch) = (&dashboard.question.suite, dashboard.question.runs.branch.as_deref());
    let commits = commit_names::as_tested(&service.store, suite, branch, &keys).await?;
    let commit = |key: CommitKey| context! { uuid => key, name => commits.full_name(key) };
    let names = Configuration::short_names(board.tiles.iter().map(|(configuration, _)| configuration));
    let named = board.tiles.iter().zip(names);
    let tiles: Vec<Value> = named
        .filter(|((_, tile), _)| passing || tile.state < TestState::PASS)
        .map(|((configuration, tile), name)| {
            let Look { class, symbol } = look(tile.state);
            context! {
                name, title => configuration.name(), query => configuration.query(), class, symbol,
                state => tile.state.name().to_lowercase(), label => tile.label, failed => tile.failed,
                is_late => tile.is_late, is_flaky => tile.is_flaky, seconds => i64::from(tile.start_time),
                commit => commit(tile.commit), bad_runs => tile.failing_runs, first_bad => tile.first_bad.map(commit),
                last_good => tile.last_good.map(commit), sdks => tile.sdks,
            }
        })
        .collect();
    let hidden = board.tiles.len() - tiles.len();
    Ok(context! { tiles, hidden, ..head(dashboard, board) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_are_read() {
        let entry = json!({ "suite": "s", "platform": ["mac", "ios"], "is_simulator": false });
        let dashboard = Dashboard::read(&entry).unwrap();
        assert_eq!(dashboard.query, "platform=mac&platform=ios&is_simulator=false");
        let configurations = dashboard.question.runs.configurations;
        assert_eq!(
            (configurations.platforms, configurations.is_simulator),
            (vec!["mac".into(), "ios".into()], vec![false])
        );
        assert_eq!((dashboard.title, dashboard.question.warn_after), ("s".to_owned(), 12 * HOUR));
    }

    #[test]
    fn entries_are_checked() {
        for (entry, problem) in [
            (json!({ "title": "x" }), "names no suite"),
            (json!("x"), "names no suite"),
            (json!({ "suite": "s", "colour": "red" }), "'colour' not supported"),
            (json!({ "suite": "s", "warnAfter": "soon" }), "no number of hours"),
            (json!({ "suite": "s", "version": "new" }), "is not a version"),
        ] {
            let error = check_dashboards(&[entry]).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
