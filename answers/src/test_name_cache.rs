//! Remembers the names behind identities of tests, which never change.

use std::collections::HashMap;
use std::sync::Arc;

use moka::sync::Cache;
use schema::ids::TestId;

use crate::error::AnswerError;
use crate::reads::test_names;
use crate::store::Store;

/// Bytes that names may take.
const MAX_BYTES: u64 = 32 << 20;
/// About what an entry takes beside its name.
const ENTRY_BYTES: usize = 100;
/// From so many unknown ones on, all names of a suite are read: a statement that names each is no faster.
const MANY: usize = 1000;

/// Names by identity. An identity is a hash of the suite as well.
#[derive(Clone)]
pub(crate) struct TestNameCache(Cache<TestId, Arc<str>>);

impl TestNameCache {
    pub(crate) fn new() -> Self {
        let weight = |_: &TestId, name: &Arc<str>| u32::try_from(name.len() + ENTRY_BYTES).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MAX_BYTES).weigher(weight).build())
    }
}

/// The names of some tests of a suite; one that the store does not know is left out.
pub(crate) async fn names(
    store: &Store,
    suite: &str,
    ids: impl Iterator<Item = TestId>,
) -> Result<HashMap<TestId, Arc<str>>, AnswerError> {
    let mut found = HashMap::with_capacity(ids.size_hint().0);
    let mut missing = Vec::new();
    for id in ids {
        match store.test_names.0.get(&id) {
            Some(name) => drop(found.insert(id, name)),
            None => missing.push(id),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let few = if missing.len() < MANY { &missing[..] } else { &[] };
    let read = test_names::by_id(store, suite, few).await?;
    let mut names: HashMap<TestId, Arc<str>> = HashMap::with_capacity(read.len());
    for test in read {
        let name = Arc::<str>::from(test.test);
        store.test_names.0.insert(test.test_id, Arc::clone(&name));
        names.insert(test.test_id, name);
    }
    found.extend(missing.into_iter().filter_map(|id| Some((id, names.remove(&id)?))));
    Ok(found)
}
