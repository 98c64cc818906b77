//! Which suites each configuration runs.

use std::collections::{BTreeMap, BTreeSet};

use schema::commit::branch_key;
use schema::configuration::Configuration;

use crate::ask::RunFilter;
use crate::error::{AnswerError, not_found};
use crate::reads::configurations::{self, Configurations};
use crate::reads::selection::Selection;
use crate::reads::test_names;
use crate::store::Store;

/// Suites that a configuration is told with.
const SUITES: usize = 100;

/// The asked suites (all if none is named) of each configuration that a filter means, sorted.
///
/// # Errors
/// None of them runs anywhere.
pub async fn find(
    store: &Store,
    filter: &RunFilter,
    suites: &[String],
) -> Result<Vec<(Configuration, Vec<String>)>, AnswerError> {
    let branch = branch_key(filter.branch.as_deref());
    let matching = configurations::matching(store, filter, branch).await?;
    let mut found = of_configurations(store, branch, &matching).await?;
    for ran in found.values_mut() {
        ran.retain(|suite| suites.is_empty() || suites.contains(suite));
        ran.truncate(SUITES);
    }
    found.retain(|_, suites| !suites.is_empty());
    if found.is_empty() {
        return Err(not_found("No suites matching the specified criteria"));
    }
    Ok(found.into_iter().collect())
}

async fn of_configurations(
    store: &Store,
    branch: &str,
    matching: &Configurations,
) -> Result<BTreeMap<Configuration, Vec<String>>, AnswerError> {
    let mut found: BTreeMap<Configuration, Vec<String>> = BTreeMap::new();
    for stored in configurations::stored(store, branch).await?.all.iter().filter(|stored| !stored.suites.is_empty()) {
        if let Some(configuration) = matching.get(&stored.id) {
            found.entry(configuration.clone()).or_default().extend(stored.suites.iter().cloned());
        }
    }
    Ok(found)
}

/// Suites of the selected configurations, sorted.
pub async fn of_selection(store: &Store, selection: &Selection) -> Result<BTreeSet<String>, AnswerError> {
    let found = of_configurations(store, &selection.branch, &selection.matching).await?;
    Ok(found.into_values().flatten().collect())
}

/// Suites that ran lately on the default branch, sorted.
pub async fn recent(store: &Store) -> Result<Vec<String>, AnswerError> {
    let branch = branch_key(None);
    let matching = configurations::matching(store, &RunFilter::default(), branch).await?;
    let found = of_configurations(store, branch, &matching).await?;
    Ok(found.into_values().flatten().collect::<BTreeSet<_>>().into_iter().collect())
}

/// Labels of the configurations that ran lately on the default branch: the values of each key. Those of one suite if one is
/// named.
pub async fn recent_labels(
    store: &Store,
    suite: Option<&str>,
) -> Result<BTreeMap<String, BTreeSet<String>>, AnswerError> {
    let branch = branch_key(None);
    let matching = configurations::matching(store, &RunFilter::default(), branch).await?;
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (configuration, suites) in of_configurations(store, branch, &matching).await? {
        if suite.is_none_or(|suite| suites.iter().any(|ran| ran == suite)) {
            for (key, value) in configuration.labels.iter() {
                labels.entry(key.to_owned()).or_default().insert(value.to_owned());
            }
        }
    }
    Ok(labels)
}

/// The suites that a question is about: the one that it names, or else all that ran lately on the default branch.
///
/// # Errors
/// Nothing is known of the one that it names ([`AnswerError::UnknownSuite`]).
pub async fn asked(store: &Store, suite: Option<&str>) -> Result<Vec<String>, AnswerError> {
    match suite {
        Some(suite) => expect(store, suite).await.map(|()| vec![suite.to_owned()]),
        None => recent(store).await,
    }
}

/// Makes an error of a suite of which nothing is known, whoever asks about it. An empty name is that of a page on which no suite can be
/// chosen yet.
///
/// # Errors
/// Nothing was ever uploaded for the suite ([`AnswerError::UnknownSuite`]).
pub async fn expect(store: &Store, suite: &str) -> Result<(), AnswerError> {
    if suite.is_empty() || exists(store, suite).await? {
        Ok(())
    } else {
        Err(AnswerError::UnknownSuite(suite.to_owned()))
    }
}

/// Whether anything was ever uploaded for a suite, on whatever branch. What is remembered of the default branch knows most of
/// them; others are looked up by their tests.
pub async fn exists(store: &Store, suite: &str) -> Result<bool, AnswerError> {
    Ok(is_known(store, None, suite).await? || test_names::has_suite(store, suite).await?)
}

/// Whether a suite ever ran on a branch.
pub async fn is_known(store: &Store, branch: Option<&str>, suite: &str) -> Result<bool, AnswerError> {
    let stored = configurations::stored(store, branch_key(branch)).await?;
    Ok(stored.all.iter().any(|one| one.suites.iter().any(|known| known == suite)))
}
