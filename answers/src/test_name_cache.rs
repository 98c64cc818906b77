//! Remembers the names behind identities of tests, which never change.

use std::collections::HashSet;
use std::sync::Arc;

use moka::sync::Cache;
use rustc_hash::{FxBuildHasher, FxHashMap};
use schema::ids::TestId;

use crate::error::AnswerError;
use crate::reads::test_names;
use crate::store::Store;

/// Bytes that names may take.
const MAX_BYTES: u64 = 64 << 20;
/// About what a name takes beside its bytes.
const NAME_BYTES: usize = 64;
/// From so many unknown ones on, all names of a suite are read: a statement that names each is no faster.
const MANY: usize = 1000;

/// Names of a suite's tests by identity.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestNames(Arc<FxHashMap<TestId, Arc<str>>>);

impl TestNames {
    /// The name of a test that was asked for; none if the store does not know it.
    pub(crate) fn get(&self, test: TestId) -> Option<&Arc<str>> {
        self.0.get(&test)
    }
}

/// Names that were asked for, by suite.
#[derive(Clone)]
pub(crate) struct TestNameCache(Cache<String, TestNames>);

impl TestNameCache {
    pub(crate) fn new() -> Self {
        let weight = |_: &String, names: &TestNames| {
            let bytes: usize = names.0.values().map(|name| name.len() + NAME_BYTES).sum();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MAX_BYTES).weigher(weight).build())
    }
}

/// The names of some tests of a suite, and perhaps of others.
pub(crate) async fn names(
    store: &Store,
    suite: &str,
    tests: impl Iterator<Item = TestId>,
) -> Result<TestNames, AnswerError> {
    let known = store.test_names.0.get(suite).unwrap_or_default();
    let missing: HashSet<TestId, FxBuildHasher> = tests.filter(|test| !known.0.contains_key(test)).collect();
    if missing.is_empty() {
        return Ok(known);
    }
    let few: Vec<TestId> = if missing.len() < MANY { missing.into_iter().collect() } else { Vec::new() };
    let read = test_names::by_id(store, suite, &few).await?;
    let mut names = FxHashMap::clone(&known.0);
    names.extend(read.into_iter().map(|row| (row.test_id, Arc::from(row.test))));
    let names = TestNames(Arc::new(names));
    store.test_names.0.insert(suite.to_owned(), names.clone());
    Ok(names)
}
