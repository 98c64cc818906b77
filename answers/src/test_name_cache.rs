//! Remembers the names behind identities of tests, which never change.

use std::sync::Arc;

use moka::sync::Cache;
use rustc_hash::FxHashMap;
use schema::ids::TestId;

/// Bytes that names may take.
const MAX_BYTES: u64 = 64 << 20;
/// About what a name takes beside its bytes.
const NAME_BYTES: usize = 64;

/// Names of a suite's tests by identity.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestNames(Arc<FxHashMap<TestId, Arc<str>>>);

impl TestNames {
    /// The same with more names.
    pub(crate) fn with(&self, more: impl Iterator<Item = (TestId, String)>) -> Self {
        let mut names = FxHashMap::clone(&self.0);
        names.extend(more.map(|(test, name)| (test, Arc::from(name))));
        Self(Arc::new(names))
    }

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

    /// What is remembered of a suite.
    pub(crate) fn get(&self, suite: &str) -> TestNames {
        self.0.get(suite).unwrap_or_default()
    }

    /// Remembers names of a suite.
    pub(crate) fn insert(&self, suite: &str, names: TestNames) {
        self.0.insert(suite.to_owned(), names);
    }
}
