//! Which bugs explain the failures of which tests, as somebody said to the intake.
//!
//! Data flow: whoever lists tests reads the open links of a suite once, as a [`BugIndex`], and asks that for each test.

use std::collections::{HashMap, HashSet};

use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::state::State;
use schema::store::rows::BugRow;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::by_test::{ByTest, Pattern};
use crate::error::AnswerError;
use crate::late_runs::{LateRuns, NEW_DAYS};
use crate::reads::bugs;
use crate::reads::selection::Selection;
use crate::store::Store;
use crate::{messages, renames};

/// Links of one suite that are looked at, the newest first.
pub const MAX_LINKS: u64 = 10_000;
/// Tests of which it is read what they said, for links that go by that.
const MAX_SAID: usize = 5_000;

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
    /// The message that it explains, a pattern with `*`; every message if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub message: Option<String>,
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
        let BugLink { suite, test, url, note, configuration, failure, message, .. } = link(row);
        LinkedBug { suite, test, url, note, configuration, failure, message, linked_at }
    };
    Ok(rows.into_iter().map(linked).collect())
}

fn link(row: BugRow) -> BugLink {
    let BugRow { suite, test, url, configuration, failure, message, note, is_open, .. } = row;
    // A row that no binary wrote explains failures everywhere.
    let configuration = serde_json::from_str(&configuration).unwrap_or_default();
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let (failure, message) = (given(failure), given(message));
    BugLink { suite, test, url, note, configuration, failure, message, is_open: is_open != 0 }
}

/// The open links of a suite, by test.
#[derive(Debug, Default)]
pub struct BugIndex(ByTest<BugLink>);

/// The open links of a suite.
pub async fn of_suite(store: &Store, suite: &str) -> Result<BugIndex, AnswerError> {
    let (rows, renames) = tokio::try_join!(bugs::open(store, Some(suite), MAX_LINKS), renames::of_suite(store, suite))?;
    // What was said of a test under a former name holds for it under the new one.
    let linked = |row: BugRow| (renames.current(&row.test, row.linked_at).to_owned(), link(row));
    Ok(BugIndex::new(rows.into_iter().map(linked)))
}

/// What a test said when it failed last, where a link about it goes by that.
///
/// # Errors
/// The store does not answer.
pub async fn said_lately(
    store: &Store,
    suite: &str,
    filter: &RunFilter,
    links: &BugIndex,
    test: &str,
) -> Result<Option<String>, AnswerError> {
    if links.going_by_messages(std::iter::once(test)).is_empty() {
        return Ok(None);
    }
    let late = LateRuns::of(store, suite, filter, NEW_DAYS).await?;
    Ok(links.said(&late, std::iter::once(test)).await?.remove(test))
}

impl BugIndex {
    /// Each link with the name that its test has now.
    fn new(links: impl IntoIterator<Item = (String, BugLink)>) -> Self {
        Self(ByTest::new(links, |link| &link.test))
    }

    /// The bugs that explain failures of a test on one of these configurations; on any if none is named. A bug about one kind of
    /// failure is no excuse for another. Of a bug that several links name, there is the newest link.
    pub fn explaining<'c>(
        &self,
        test: &str,
        configurations: impl IntoIterator<Item = &'c Configuration> + Clone,
        failure: Failure<'_>,
    ) -> Vec<&BugLink> {
        let mut named = HashSet::new();
        let links = self.links_explaining(test, configurations, failure).into_iter();
        links.filter(|link| named.insert(link.url.as_str())).collect()
    }

    /// Every link that does, for whoever may take one back.
    pub fn links_explaining<'c>(
        &self,
        test: &str,
        configurations: impl IntoIterator<Item = &'c Configuration> + Clone,
        failure: Failure<'_>,
    ) -> Vec<&BugLink> {
        let is_anywhere = configurations.clone().into_iter().next().is_none();
        let covers = |link: &&BugLink| {
            failure.state.is_none_or(|state| link.explains(state))
                && link.explains_message(failure.message)
                && (is_anywhere || configurations.clone().into_iter().any(|it| link.covers(it)))
        };
        self.0.about(test).into_iter().filter(covers).collect()
    }

    /// What some tests said last, of those whose links go by that: nothing is read where there is no such link.
    pub(crate) async fn said<'n>(
        &self,
        late: &LateRuns<'_>,
        tests: impl Iterator<Item = &'n str>,
    ) -> Result<HashMap<&'n str, String>, AnswerError> {
        messages::newest_of(late, self.going_by_messages(tests).into_iter(), MAX_SAID).await
    }

    /// The same in selected runs of a suite.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn said_in<'n>(
        &self,
        store: &Store,
        suite: &str,
        selection: &Selection,
        tests: impl Iterator<Item = &'n str>,
    ) -> Result<HashMap<&'n str, String>, AnswerError> {
        messages::newest(store, suite, selection, self.going_by_messages(tests).into_iter(), MAX_SAID).await
    }

    /// Those of some tests about which there is a link that goes by what they say.
    fn going_by_messages<'n>(&self, tests: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
        if self.0.all().iter().all(|link| link.message.is_none()) {
            return Vec::new();
        }
        tests.filter(|test| self.0.about(test).iter().any(|link| link.message.is_some())).collect()
    }
}

/// What is known of a failure that is to be explained.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failure<'a> {
    /// Its state; any if there is none.
    pub state: Option<State>,
    /// What it said; links to messages explain nothing if that is not known.
    pub message: Option<&'a str>,
}

impl<'a> Failure<'a> {
    /// A failure of a state that said this.
    pub fn new(state: State, message: Option<&'a str>) -> Self {
        Self { state: Some(state), message }
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
            message: None,
            is_open: true,
        }
    }

    fn index(links: impl IntoIterator<Item = BugLink>) -> BugIndex {
        BugIndex::new(links.into_iter().map(|link| (link.test.clone(), link)))
    }

    #[test]
    fn a_bug_about_one_kind_of_failure_explains_no_other() {
        let timeout = BugLink { failure: Some("TIMEOUT".into()), ..link("a", "https://b/1", None) };
        let index = index([timeout, link("a", "https://b/2", None)]);
        let of = |state| index.explaining("a", &[], Failure::new(state, None));
        assert_eq!(of(State::TIMEOUT).len(), 2);
        assert_eq!(of(State::CRASH)[0].url, "https://b/2");
        assert_eq!(index.explaining("a", &[], Failure::default()).len(), 2);
    }

    #[test]
    fn a_bug_that_is_linked_twice_is_one() {
        let url = "https://b/1";
        let timeout = BugLink { failure: Some("TIMEOUT".into()), note: "newest".into(), ..link("a", url, None) };
        let index = index([timeout, link("a", url, None), link("*", "https://b/2", None), link("a*", url, None)]);
        let failure = |state| Failure::new(state, None);
        let of = |state| index.explaining("a", &[], failure(state));
        let urls = |state| of(state).iter().map(|link| link.url.clone()).collect::<Vec<_>>();
        assert_eq!(urls(State::TIMEOUT), [url, "https://b/2"]);
        assert_eq!(of(State::TIMEOUT)[0].note, "newest");
        // What the newest link does not explain another does.
        assert_eq!(urls(State::CRASH), [url, "https://b/2"]);
        assert_eq!(index.links_explaining("a", &[], failure(State::TIMEOUT)).len(), 4);
    }

    #[test]
    fn a_bug_about_what_is_said_explains_who_says_so() {
        let refused = BugLink { message: Some("connection to * refused".into()), ..link("*", "https://b/1", None) };
        let index = index([refused]);
        let of = |message| index.explaining("a", &[], Failure::new(State::TIMEOUT, message)).len();
        assert_eq!(of(Some("connection to db:5432 refused\nat line 3")), 1);
        assert_eq!((of(Some("connection to db:5432 lost")), of(None)), (0, 0));
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
            index
                .explaining(test, configurations, Failure::default())
                .iter()
                .map(|link| link.url.replace("https://b/", ""))
                .collect()
        };
        assert_eq!(of("css/a.html?x", &[]), ["1", "2"]);
        assert_eq!(of("css/a.html?x", &[on("iOS"), on("Mac")]), ["1", "2"]);
        assert_eq!(of("css/a.html?x", &[on("iOS")]), ["1"]);
        assert_eq!(of("css/a.html", &[]), ["1", "3"]);
        assert!(of("fast/css/a.html", &[]).is_empty());
    }
}
