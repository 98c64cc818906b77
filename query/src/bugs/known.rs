//! `GET /api/bugs`: which bugs explain the failures of which tests, as somebody said to the intake.
//!
//! Data flow: a page or the triage reads the open links of its suites once, and asks them for each test that it shows.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};
use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::store::rows::BugRow;
use serde_json::json;
use web::openapi::{Operation, list_of, object, shared, text, whole};
use wildmatch::WildMatchPattern;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::routes::Service;

/// Links of one suite that are looked at, the newest first.
const MAX_LINKS: u64 = 10_000;

/// In names of tests a question mark is what it is.
type Pattern = WildMatchPattern<'*', '\0'>;

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/bugs",
    "Bugs that explain failures of tests, the newest link first",
    &[&["suite", "test", "limit"]],
    || {
        list_of(object(&[
            ("suite", text()),
            ("test", text()),
            ("url", text()),
            ("note", text()),
            ("configuration", shared("Configuration")),
            ("linked_at", whole()),
        ]))
    },
);

/// The open links of a suite.
#[derive(Debug, Default)]
pub(crate) struct Known {
    links: Vec<BugLink>,
    /// Positions by the test's name.
    by_name: HashMap<String, Vec<usize>>,
    patterns: Vec<(Pattern, usize)>,
}

/// Answers in JSON; `test` names a test that is explained, not a pattern.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, OPERATION.parameters)?;
    let limit = parameters.limit(MAX_LINKS)?.min(MAX_LINKS);
    let mut rows = rows(service, parameters.first("suite"), MAX_LINKS).await?;
    if let Some(test) = parameters.first("test") {
        rows.retain(|row| Pattern::new(&row.test).matches(test));
    }
    rows.truncate(limit as usize);
    let shown = rows.into_iter().map(|row| {
        let linked_at = row.linked_at;
        let BugLink { suite, test, url, note, configuration, .. } = link(row);
        json!({
            "suite": suite, "test": test, "url": url, "note": note, "configuration": configuration, "linked_at": linked_at,
        })
    });
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

async fn rows(service: &Service, suite: Option<&str>, limit: u64) -> Result<Vec<BugRow>, ApiError> {
    let of_suite = if suite.is_some() { "suite = ? AND " } else { "" };
    let sql = format!("SELECT ?fields FROM bugs WHERE {of_suite}is_open = 1 ORDER BY version DESC, test, url LIMIT ?");
    let mut query = service.client.query(&sql);
    if let Some(suite) = suite {
        query = query.bind(suite);
    }
    Ok(query.bind(limit).fetch_all().await?)
}

fn link(row: BugRow) -> BugLink {
    let BugRow { suite, test, url, configuration, note, is_open, .. } = row;
    // A row that no binary wrote explains failures everywhere.
    let configuration = serde_json::from_str(&configuration).unwrap_or_default();
    BugLink { suite, test, url, note, configuration, is_open: is_open != 0 }
}

/// The open links of a suite.
pub(crate) async fn of_suite(service: &Service, suite: &str) -> Result<Known, ApiError> {
    let rows = rows(service, Some(suite), MAX_LINKS).await?;
    Ok(Known::of_links(rows.into_iter().map(link).collect()))
}

impl Known {
    fn of_links(links: Vec<BugLink>) -> Self {
        let mut known = Self { links, ..Self::default() };
        for (position, link) in known.links.iter().enumerate() {
            if link.is_pattern() {
                known.patterns.push((Pattern::new(&link.test), position));
            } else {
                known.by_name.entry(link.test.clone()).or_default().push(position);
            }
        }
        known
    }

    /// Those that explain failures of a test on one of these configurations; on any if none is named.
    pub(crate) fn of(&self, test: &str, configurations: &[Configuration]) -> Vec<&BugLink> {
        let described = self.patterns.iter().filter(|(pattern, _)| pattern.matches(test)).map(|(_, position)| position);
        let mut positions: Vec<usize> =
            self.by_name.get(test).into_iter().flatten().chain(described).copied().collect();
        positions.sort_unstable();
        let covers = |link: &&BugLink| configurations.is_empty() || configurations.iter().any(|it| link.covers(it));
        positions.into_iter().filter_map(|position| self.links.get(position)).filter(covers).collect()
    }
}

/// The bugs' pages.
pub(crate) fn addresses(links: &[BugLink]) -> Vec<&str> {
    links.iter().map(|link| link.url.as_str()).collect()
}

/// What a template shows of a bug.
pub(crate) fn shown(link: &BugLink) -> Value {
    let configuration = serde_json::to_string(&link.configuration).unwrap_or_default();
    context! {
        url => link.url, name => short(&link.url), note => link.note, test => link.test, suite => link.suite, configuration,
        only => link.configuration.name(),
    }
}

/// What people call a bug: the number or name at the end of its address, if it has one.
fn short(url: &str) -> String {
    let address = url.split_once("://").map_or(url, |(_, address)| address).trim_end_matches('/');
    let last = address.rsplit_once(['/', '=', '#']).map_or("", |(_, last)| last);
    if !last.bytes().any(|byte| byte.is_ascii_digit()) {
        address.to_owned()
    } else if last.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("bug {last}")
    } else {
        last.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(test: &str, url: &str, platform: Option<&str>) -> BugLink {
        let configuration = Configuration { platform: platform.map(str::to_owned), ..Configuration::default() };
        BugLink {
            suite: "s".into(),
            test: test.into(),
            url: url.into(),
            note: String::new(),
            configuration,
            is_open: true,
        }
    }

    #[test]
    fn bugs_are_found_by_name_pattern_and_configuration() {
        let links = vec![
            link("css/*", "https://b/1", None),
            link("css/a.html?x", "https://b/2", Some("Mac")),
            link("css/a.html", "https://b/3", None),
        ];
        let known = Known::of_links(links);
        let on = |platform: &str| Configuration { platform: Some(platform.to_owned()), ..Configuration::default() };
        let of = |test: &str, configurations: &[Configuration]| -> Vec<String> {
            known.of(test, configurations).iter().map(|link| link.url.replace("https://b/", "")).collect()
        };
        assert_eq!(of("css/a.html?x", &[]), ["1", "2"]);
        assert_eq!(of("css/a.html?x", &[on("iOS"), on("Mac")]), ["1", "2"]);
        assert_eq!(of("css/a.html?x", &[on("iOS")]), ["1"]);
        assert_eq!(of("css/a.html", &[]), ["1", "3"]);
        assert!(of("fast/css/a.html", &[]).is_empty());
    }

    #[test]
    fn bugs_are_called_by_their_numbers() {
        assert_eq!(short("https://bugs.example.org/show_bug.cgi?id=4711"), "bug 4711");
        assert_eq!(short("https://git.example.org/a/b/issues/12/"), "bug 12");
        assert_eq!(short("https://tracker.example.org/browse/ABC-9"), "ABC-9");
        assert_eq!(short("https://tracker.example.org/about"), "tracker.example.org/about");
    }
}
