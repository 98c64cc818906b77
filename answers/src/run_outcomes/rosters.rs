//! Rosters that were read. One that some days of runs share is read once, and one that differs from it in a few tests shares
//! all its parts but a few.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use moka::sync::Cache;
use schema::outcomes::roster::{Part, RosterId, WholeRoster};

use crate::error::AnswerError;
use crate::reads::run_outcomes;
use crate::store::Store;

/// Bytes that rosters and their parts may take.
const MAX_BYTES: u64 = 64 << 20;
/// About what an entry takes beside its content.
const ENTRY_BYTES: usize = 100;

/// What is remembered of rosters.
#[derive(Clone)]
pub(crate) struct RosterCache {
    parts: Cache<RosterId, Part>,
    whole: Cache<RosterId, Arc<WholeRoster>>,
}

impl RosterCache {
    pub(crate) fn new() -> Self {
        let weight = |bytes: usize| u32::try_from(bytes + ENTRY_BYTES).unwrap_or(u32::MAX);
        let of_part = move |_: &RosterId, part: &Part| weight(part.weight());
        let of_whole = move |_: &RosterId, roster: &Arc<WholeRoster>| {
            weight(size_of::<Arc<[u64]>>() * (roster.tests.len() + roster.expectations.len()))
        };
        Self {
            parts: Cache::builder().max_capacity(MAX_BYTES).weigher(of_part).build(),
            whole: Cache::builder().max_capacity(MAX_BYTES / 8).weigher(of_whole).build(),
        }
    }
}

/// Some rosters by name; those that are not all in the store are left out.
pub(super) async fn whole(
    store: &Store,
    ids: &BTreeSet<RosterId>,
) -> Result<HashMap<RosterId, Arc<WholeRoster>>, AnswerError> {
    let mut whole = HashMap::with_capacity(ids.len());
    let mut missing = BTreeSet::new();
    for id in ids {
        match store.rosters.whole.get(id) {
            Some(roster) => drop(whole.insert(*id, roster)),
            None => drop(missing.insert(*id)),
        }
    }
    let roots = parts(store, &missing).await?;
    let names = |part: &Part| match part {
        Part::Roster(names) => names.tests.iter().chain(&*names.expectations).copied().collect(),
        _ => Vec::new(),
    };
    let below = parts(store, &roots.values().flat_map(names).collect()).await?;
    for (id, root) in &roots {
        let Part::Roster(names) = root else { continue };
        let tests = names.tests.iter().map(|id| match below.get(id) {
            Some(Part::Tests(tests)) => Some(Arc::clone(tests)),
            _ => None,
        });
        let expectations = names.expectations.iter().map(|id| match below.get(id) {
            Some(Part::Expectations(expectations)) => Some(Arc::clone(expectations)),
            _ => None,
        });
        let (Some(tests), Some(expectations)) = (tests.collect(), expectations.collect()) else { continue };
        let roster = Arc::new(WholeRoster { tests, expectations });
        store.rosters.whole.insert(*id, Arc::clone(&roster));
        whole.insert(*id, roster);
    }
    Ok(whole)
}

/// What some names stand for; those that the store does not know are left out.
async fn parts(store: &Store, ids: &BTreeSet<RosterId>) -> Result<HashMap<RosterId, Part>, AnswerError> {
    let mut parts = HashMap::with_capacity(ids.len());
    let mut missing = Vec::new();
    for id in ids {
        match store.rosters.parts.get(id) {
            Some(part) => drop(parts.insert(*id, part)),
            None => missing.push(*id),
        }
    }
    for row in run_outcomes::rosters(store, &missing).await? {
        if let Some(part) = Part::read(&row.content) {
            store.rosters.parts.insert(row.id, part.clone());
            parts.insert(row.id, part);
        }
    }
    Ok(parts)
}
