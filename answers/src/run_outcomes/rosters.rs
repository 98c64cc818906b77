//! Rosters that were read. One that some days of runs share is read once, and one that differs from it in a few tests shares
//! all its parts but a few.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use schema::outcomes::roster::{Part, RosterId, WholeRoster};

use crate::error::AnswerError;
use crate::reads::run_outcomes;
use crate::store::Store;

/// Some rosters by name; those that are not all in the store are left out.
pub(crate) async fn whole(
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
