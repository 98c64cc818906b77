//! The pages: rendered here in full, so that they show their content without any script.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use schema::commit::Commit;
use schema::state::{self, States};
use serde::Serialize;

use crate::QueryOptions;
use crate::commits::{self, POINT, RANGE};
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::results::{self, Entry, Selection};
use crate::routes::{Service, configurations_of};

const STYLE: &str = include_str!("../assets/style.css");
/// Columns of a timeline on first sight; the rest is a larger `limit` away.
const COLUMNS: u64 = 100;
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Templates and what they all need.
pub(crate) struct Pages {
    environment: Environment<'static>,
    title: String,
}

/// One cell of a timeline.
#[derive(Debug, Serialize)]
struct Cell {
    class: &'static str,
    symbol: &'static str,
    label: String,
}

/// One row of a timeline: a configuration; `None` where it did not run.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    cells: Vec<Option<Cell>>,
}

/// A static file, if the path is one.
pub(crate) fn asset(path: &str) -> Option<Response> {
    (path == "/assets/style.css")
        .then(|| ([(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, "no-cache")], STYLE).into_response())
}

impl Pages {
    pub(crate) fn new(options: &QueryOptions) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in [
            ("base.html", include_str!("../templates/base.html")),
            ("timeline.html", include_str!("../templates/timeline.html")),
            ("commits.html", include_str!("../templates/commits.html")),
            ("error.html", include_str!("../templates/error.html")),
        ] {
            if let Err(error) = environment.add_template(name, source) {
                tracing::error!(%error, name, "a template does not parse");
            }
        }
        Self { environment, title: options.title.clone() }
    }

    fn render(
        &self,
        status: StatusCode,
        template: &str,
        heading: Option<&str>,
        values: Value,
    ) -> Result<Response, ApiError> {
        let title = heading.map_or_else(|| self.title.clone(), |heading| format!("{}: {heading}", self.title));
        let html = self.environment.get_template(template)?.render(context! { title, site => self.title, ..values })?;
        let policy = (HeaderName::from_static("content-security-policy"), HeaderValue::from_static(POLICY));
        Ok((status, [policy], Html(html)).into_response())
    }

    /// The page of an error.
    pub(crate) fn error(&self, error: &ApiError) -> Response {
        let status = error.status();
        let values = context! { text => error.to_string() };
        self.render(status, "error.html", Some(status.as_str()), values).unwrap_or_else(|error| error.into_response())
    }
}

/// Renders the page at a path.
pub(crate) async fn page(service: &Service, path: &str, query: Option<&str>) -> Result<Response, ApiError> {
    match path {
        "/" | "/search" => search(service, query).await,
        "/suites" => suites(service, query).await,
        "/commits" => commits(service, query).await,
        _ => Err(ApiError::unknown_path()),
    }
}

async fn search(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, &[&CONFIGURATION, &["suite", "test", "recent", "limit"], &POINT, &RANGE])?;
    let suites: Vec<&str> = parameters.all("suite").collect();
    let tests: Vec<&str> = parameters.all("test").collect();
    let (branch, matching) = configurations_of(service, &parameters).await?;
    let known = known_suites(service, &branch, &matching).await?;
    let mut timelines = Vec::new();
    // The form sends its suite with an empty test: that asks for a choice of tests.
    let browsing = suites.len() == 1 && tests.iter().all(|test| test.is_empty());
    if !browsing && suites.len() != tests.len() {
        return Err(ApiError::Bad("Each test must be paired with a suite".to_owned()));
    }
    let mut choices = Vec::new();
    if !browsing {
        for (suite, test) in suites.iter().zip(&tests) {
            let selection = selection(service, &parameters, &branch, &matching).await?;
            let entries = results::of_test(&service.client, suite, test, &selection).await?;
            if entries.is_empty() {
                choices.extend(results::tests(&service.client, suite, &[(*test).to_owned()], 50).await?);
            }
            let (columns, rows) = grid(entries, |result| {
                let uuid = result.get("uuid").and_then(serde_json::Value::as_u64).unwrap_or_default();
                let text = |name: &str| result.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
                let (actual, expected) = (text("actual"), text("expected"));
                let worst = States::parse(actual).worst();
                let unexpected = States::parse(actual).worst_unexpected(States::parse(expected)) != state::PASS;
                (uuid, worst, format!("{actual}, expected {expected}{}", if unexpected { ": unexpected" } else { "" }))
            });
            timelines
                .push(context! { name => *test, suite => *suite, columns => names(service, &columns).await?, rows });
        }
    } else if let Some(suite) = suites.first() {
        choices = results::tests(&service.client, suite, &[String::new()], 200).await?;
    }
    let chosen = suites.first().copied().unwrap_or_default();
    let test = tests.first().copied().unwrap_or_default();
    let values = context! { page => "/", known, chosen, test, choices, timelines };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

async fn suites(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, &[&CONFIGURATION, &["suite", "recent", "limit"], &POINT, &RANGE])?;
    let (branch, matching) = configurations_of(service, &parameters).await?;
    let known = known_suites(service, &branch, &matching).await?;
    let asked: Vec<&str> = parameters.all("suite").collect();
    let shown: Vec<String> = if asked.is_empty() {
        known.iter().cloned().collect()
    } else {
        asked.iter().map(|suite| (*suite).to_owned()).collect()
    };
    let mut timelines = Vec::new();
    for suite in &shown {
        let selection = selection(service, &parameters, &branch, &matching).await?;
        let entries = results::of_suite(&service.client, suite, &selection).await?;
        let (columns, rows) = grid(entries, |run| {
            let stats: serde_json::Value = serde_json::from_str(run.stats.get()).unwrap_or_default();
            let count = |name: &str| stats.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
            let worst = if count("tests_unexpected_crashed") > 0 {
                state::CRASH
            } else if count("tests_unexpected_timedout") > 0 {
                state::TIMEOUT
            } else if count("tests_unexpected_failed") > 0 {
                state::ERROR
            } else {
                state::PASS
            };
            (
                run.uuid,
                worst,
                format!("{} of {} tests failed unexpectedly", count("tests_unexpected_failed"), count("tests_run")),
            )
        });
        timelines.push(context! { name => suite, suite => "", columns => names(service, &columns).await?, rows });
    }
    let values =
        context! { page => "/suites", known, chosen => "", test => "", choices => Vec::<String>::new(), timelines };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

async fn commits(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, &[&POINT, &RANGE, &["limit"]])?;
    let mut found = match commits::find(&service.client, &service.options, &parameters).await {
        Err(ApiError::NotFound(_)) => Vec::new(),
        other => other?,
    };
    found.reverse();
    let rows: Vec<Value> = found
        .iter()
        .map(|commit| {
            let message = commit.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
            context! {
                time => iso(commit.timestamp), repository => commit.repository_id, name => commit.short_name(), message,
                author => commit.author.as_ref().map_or("", |author| author.name.as_str()), link => link(service, commit),
            }
        })
        .collect();
    service.pages.render(StatusCode::OK, "commits.html", Some("Commits"), context! { page => "/commits", rows })
}

/// The repository's own page of a commit. Only web links: a template may be configured, a scheme not uploaded.
fn link(service: &Service, commit: &Commit) -> Option<String> {
    let repository = service.options.repositories.iter().find(|found| found.id == commit.repository_id)?;
    Some(repository.commit_url.as_ref()?.replace("<commit>", &commit.short_name()))
}

async fn selection<'a>(
    service: &Service,
    parameters: &'a Parameters,
    branch: &'a str,
    matching: &'a crate::configurations::Matching,
) -> Result<Selection<'a>, ApiError> {
    let bounds = commits::bounds(&service.client, &service.options, parameters).await?;
    Ok(Selection { branch, matching, bounds, sdks: Selection::sdks(parameters), limit: parameters.limit(COLUMNS)? })
}

async fn known_suites(
    service: &Service,
    branch: &str,
    matching: &crate::configurations::Matching,
) -> Result<BTreeSet<String>, ApiError> {
    match results::suites(&service.client, branch, matching, &[]).await {
        Ok(found) => Ok(found.into_iter().flat_map(|(_, suites)| suites).collect()),
        Err(ApiError::NotFound(_)) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Columns (uuids, newest first) and rows of a timeline; of several runs in a cell the worst shows.
fn grid<T>(entries: Vec<Entry<T>>, read: impl Fn(&T) -> (u64, u8, String)) -> (Vec<u64>, Vec<Row>) {
    let mut columns = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries {
        let mut cells: BTreeMap<u64, (u8, String)> = BTreeMap::new();
        for (uuid, worst, label) in entry.results.iter().map(&read) {
            columns.insert(uuid);
            if cells.get(&uuid).is_none_or(|(shown, _)| worst < *shown) {
                cells.insert(uuid, (worst, label));
            }
        }
        found.push((entry.configuration.name(), cells));
    }
    let columns: Vec<u64> = columns.into_iter().rev().collect();
    let rows = found
        .into_iter()
        .map(|(name, mut cells)| Row {
            name,
            cells: columns.iter().map(|uuid| cells.remove(uuid).map(|(worst, label)| cell(worst, label))).collect(),
        })
        .collect();
    (columns, rows)
}

fn cell(worst: u8, label: String) -> Cell {
    let (class, symbol) = match worst {
        state::CRASH => ("crash", "!"),
        state::TIMEOUT => ("timeout", "T"),
        2 => ("image", "I"),
        3..=state::ERROR => ("fail", "✕"),
        7 => ("warning", "?"),
        _ => ("pass", "✓"),
    };
    Cell { class, symbol, label }
}

/// What heads each column: the newest commit of that uuid.
async fn names(service: &Service, uuids: &[u64]) -> Result<Vec<Value>, ApiError> {
    let documents: Vec<(u64, String)> = if uuids.is_empty() {
        Vec::new()
    } else {
        service.client.query("SELECT uuid, document FROM commits WHERE uuid IN ?").bind(uuids).fetch_all().await?
    };
    let mut by_uuid = BTreeMap::new();
    for (uuid, document) in documents {
        let commit: Commit = serde_json::from_str(&document).map_err(|error| ApiError::Internal(error.to_string()))?;
        by_uuid.insert(uuid, commit.short_name());
    }
    let head = |uuid: &u64| {
        let name = by_uuid.get(uuid).cloned().unwrap_or_else(|| uuid.to_string());
        context! { uuid, name, time => iso((uuid / 100) as i64) }
    };
    Ok(uuids.iter().map(head).collect())
}

/// `YYYY-MM-DD HH:MM` in UTC; days to dates by Howard Hinnant's `civil_from_days`.
fn iso(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let minutes = seconds.rem_euclid(86_400) / 60;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_at_their_edges() {
        assert_eq!(iso(0), "1970-01-01 00:00");
        assert_eq!(iso(951_782_399), "2000-02-28 23:59");
        assert_eq!(iso(951_782_400), "2000-02-29 00:00");
        assert_eq!(iso(1_700_000_000), "2023-11-14 22:13");
    }
}
