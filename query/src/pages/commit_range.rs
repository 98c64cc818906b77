//! Which commits a list was asked for, in words: an address says it in numbers.

use std::collections::BTreeSet;

use answers::Store;
use answers::ask::{CommitRange, CommitSelector};
use answers::commit_names::{self, CommitNames};
use minijinja::{Value, context};
use schema::ids::CommitKey;

use crate::error::ApiError;

/// Which of several commits an end of a range is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    Oldest,
    Newest,
    All,
}

/// The ends of a range, or its one place; nothing if no commits are chosen.
pub(super) async fn chosen(store: &Store, range: &CommitRange) -> Result<Option<Value>, ApiError> {
    // A repository alone is one whose commits are listed.
    let at = range.at.as_ref().filter(|at| !matches!(at, CommitSelector::Newest { .. }));
    let places = [(at, Chosen::All), (range.after.as_ref(), Chosen::Oldest), (range.before.as_ref(), Chosen::Newest)];
    if places.iter().all(|(place, _)| place.is_none()) {
        return Ok(None);
    }
    let keys: BTreeSet<CommitKey> = places.iter().flat_map(|(place, chosen)| keys(*place, *chosen)).collect();
    let names = commit_names::by_key(store, &keys).await?;
    let [at, from, until] = places.map(|(place, chosen)| place.map(|place| words(place, chosen, &names)));
    Ok(Some(context! { at, from, until }))
}

/// The commits that are named by their keys.
fn keys(place: Option<&CommitSelector>, chosen: Chosen) -> Vec<CommitKey> {
    match place {
        Some(CommitSelector::Keys(keys)) => of(chosen, keys),
        _ => Vec::new(),
    }
}

/// Those of some places that count.
fn of<T: Copy + Ord>(chosen: Chosen, all: &[T]) -> Vec<T> {
    match chosen {
        Chosen::All => all.to_vec(),
        Chosen::Oldest => all.iter().min().copied().into_iter().collect(),
        Chosen::Newest => all.iter().max().copied().into_iter().collect(),
    }
}

/// What the template says of a place: texts, each with its time, seconds, as far as that is known without looking for it.
fn words(place: &CommitSelector, chosen: Chosen, names: &CommitNames) -> Vec<Value> {
    match place {
        CommitSelector::Names { names, .. } => {
            let text = match (chosen, names.len()) {
                (Chosen::Oldest, 2..) => format!("the oldest of {}", names.join(", ")),
                (Chosen::Newest, 2..) => format!("the newest of {}", names.join(", ")),
                _ => names.join(", "),
            };
            vec![word(Some(text), None)]
        }
        CommitSelector::Keys(keys) => {
            let of_key = |key: CommitKey| word(names.get(key).map(|commit| commit.short_name()), Some(key.time()));
            of(chosen, keys).into_iter().map(of_key).collect()
        }
        CommitSelector::Times(times) => of(chosen, times).into_iter().map(|time| word(None, Some(time))).collect(),
        CommitSelector::Newest { repositories, branch } => {
            let branch = branch.as_ref().map_or_else(String::new, |branch| format!(" on {branch}"));
            vec![word(Some(format!("the newest of {}{branch}", repositories.join(", "))), None)]
        }
    }
}

fn word(text: Option<String>, seconds: Option<u64>) -> Value {
    context! { text, seconds => seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)) }
}
