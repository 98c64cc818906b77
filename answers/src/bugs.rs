//! Which bugs explain the failures of which tests, as somebody said to the intake.
//!
//! Data flow: whoever lists tests reads the open links of a suite once, as a [`BugIndex`], and asks that for each test.

use std::collections::HashMap;

use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::state::State;
use schema::store::rows::BugRow;
use schemars::JsonSchema;
use serde::Serialize;
use wildmatch::WildMatchPattern;

use crate::error::AnswerError;
use crate::reads::bugs;
use crate::renames;
use crate::store::Store;

/// Links of one suite that are looked at, the newest first.
pub const MAX_LINKS: u64 = 10_000;

/// In names of tests a question mark is what it is.
type Pattern = WildMatchPattern<'*', '\0'>;

/// A link as the API answers it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LinkedBug {
    /// The suite.
    pub suite: String,
    /// The test, or a pattern with `*`.
    pub test: String,
    /// The bug's page.
    pub url: String,
    /// What a reader should know of it.
    pub note: String,
    /// Where it explains failures: configurations that have these members.
    pub configuration: Configuration,
    /// The one failing state that it explains; every failure if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub failure: Option<String>,
    /// When it was linked, seconds since 1970.
    pub linked_at: u32,
}

/// The open links, the newest first: of a suite, or of all suites, and of those that explain a test if one is named.
pub async fn find(
    store: &Store,
    suite: Option<&str>,
    test: Option<&str>,
    limit: u64,
) -> Result<Vec<LinkedBug>, AnswerError> {
    let mut rows = bugs::open(store, suite, MAX_LINKS).await?;
    if let Some(test) = test {
        rows.retain(|row| Pattern::new(&row.test).matches(test));
    }
    rows.truncate(limit.min(MAX_LINKS) as usize);
    let linked = |row: BugRow| {
        let linked_at = row.linked_at;
        let BugLink { suite, test, url, note, configuration, failure, .. } = link(row);
        LinkedBug { suite, test, url, note, configuration, failure, linked_at }
    };
    Ok(rows.into_iter().map(linked).collect())
}

fn link(row: BugRow) -> BugLink {
    let BugRow { suite, test, url, configuration, failure, note, is_open, .. } = row;
    // A row that no binary wrote explains failures everywhere.
    let configuration = serde_json::from_str(&configuration).unwrap_or_default();
    let failure = Some(failure).filter(|failure| !failure.is_empty());
    BugLink { suite, test, url, note, configuration, failure, is_open: is_open != 0 }
}

/// The open links of a suite, by test.
#[derive(Debug, Default)]
pub struct BugIndex {
    links: Vec<BugLink>,
    /// Positions by the test's name.
    by_name: HashMap<String, Vec<usize>>,
    patterns: Vec<(Pattern, usize)>,
}

/// The open links of a suite.
pub async fn of_suite(store: &Store, suite: &str) -> Result<BugIndex, AnswerError> {
    let (rows, renames) = tokio::try_join!(bugs::open(store, Some(suite), MAX_LINKS), renames::of_suite(store, suite))?;
    // What was said of a test under a former name holds for it under the new one.
    let linked = |row: BugRow| (renames.current(&row.test, row.linked_at).to_owned(), link(row));
    Ok(BugIndex::new(rows.into_iter().map(linked).collect()))
}

impl BugIndex {
    /// Each link with the name that its test has now.
    fn new(links: Vec<(String, BugLink)>) -> Self {
        let mut index = Self::default();
        for (position, (test, link)) in links.into_iter().enumerate() {
            if link.is_pattern() {
                index.patterns.push((Pattern::new(&link.test), position));
            } else {
                index.by_name.entry(test).or_default().push(position);
            }
            index.links.push(link);
        }
        index
    }

    /// Those that explain failures of a test on one of these configurations; on any if none is named.
    pub fn of<'c>(
        &self,
        test: &str,
        configurations: impl IntoIterator<Item = &'c Configuration> + Clone,
    ) -> Vec<&BugLink> {
        self.links_of(test, configurations, None)
    }

    /// Those that explain that a test fails with a state: a bug about one kind of failure is no excuse for another.
    pub fn explaining<'c>(
        &self,
        test: &str,
        configurations: impl IntoIterator<Item = &'c Configuration> + Clone,
        state: State,
    ) -> Vec<&BugLink> {
        self.links_of(test, configurations, Some(state))
    }

    fn links_of<'c>(
        &self,
        test: &str,
        configurations: impl IntoIterator<Item = &'c Configuration> + Clone,
        state: Option<State>,
    ) -> Vec<&BugLink> {
        let is_anywhere = configurations.clone().into_iter().next().is_none();
        let described = self.patterns.iter().filter(|(pattern, _)| pattern.matches(test)).map(|(_, position)| position);
        let mut positions: Vec<usize> =
            self.by_name.get(test).into_iter().flatten().chain(described).copied().collect();
        positions.sort_unstable();
        let covers = |link: &&BugLink| {
            state.is_none_or(|state| link.explains(state))
                && (is_anywhere || configurations.clone().into_iter().any(|it| link.covers(it)))
        };
        positions.into_iter().filter_map(|position| self.links.get(position)).filter(covers).collect()
    }
}

/// Links as answers about tests tell them: by the addresses of the bugs.
pub mod addresses {
    use schema::bug::BugLink;
    use serde::{Serialize, Serializer};

    /// The bugs' pages.
    pub fn of(links: &[BugLink]) -> Vec<&str> {
        links.iter().map(|link| link.url.as_str()).collect()
    }

    /// Writes [`of`] these links.
    pub(crate) fn serialize<S: Serializer>(links: &[BugLink], serializer: S) -> Result<S::Ok, S::Error> {
        of(links).serialize(serializer)
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
            failure: None,
            is_open: true,
        }
    }

    fn index(links: impl IntoIterator<Item = BugLink>) -> BugIndex {
        BugIndex::new(links.into_iter().map(|link| (link.test.clone(), link)).collect())
    }

    #[test]
    fn a_bug_about_one_kind_of_failure_explains_no_other() {
        let timeout = BugLink { failure: Some("TIMEOUT".into()), ..link("a", "https://b/1", None) };
        let index = index([timeout, link("a", "https://b/2", None)]);
        assert_eq!(index.explaining("a", &[], State::TIMEOUT).len(), 2);
        assert_eq!(index.explaining("a", &[], State::CRASH)[0].url, "https://b/2");
        assert_eq!(index.of("a", &[]).len(), 2);
    }

    #[test]
    fn bugs_are_found_by_name_pattern_and_configuration() {
        let links = [
            link("css/*", "https://b/1", None),
            link("css/a.html?x", "https://b/2", Some("Mac")),
            link("css/a.html", "https://b/3", None),
        ];
        let index = index(links);
        let on = |platform: &str| Configuration { platform: Some(platform.to_owned()), ..Configuration::default() };
        let of = |test: &str, configurations: &[Configuration]| -> Vec<String> {
            index.of(test, configurations).iter().map(|link| link.url.replace("https://b/", "")).collect()
        };
        assert_eq!(of("css/a.html?x", &[]), ["1", "2"]);
        assert_eq!(of("css/a.html?x", &[on("iOS"), on("Mac")]), ["1", "2"]);
        assert_eq!(of("css/a.html?x", &[on("iOS")]), ["1"]);
        assert_eq!(of("css/a.html", &[]), ["1", "3"]);
        assert!(of("fast/css/a.html", &[]).is_empty());
    }
}
