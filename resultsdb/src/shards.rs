//! Where rows lie on a cluster with shards, and what is to be done where they lie elsewhere than the shards have them.

use anyhow::{Context, bail};
use schema::store::StoreAddress;
use schema::store::distributed::{self, Placement};

/// What an operator does when the number of shards has changed.
pub(crate) const REMEDY: &str = "Stop every processor, run `resultsdb rebuild` and then `resultsdb rebuild --drop-old`, and start the processors again";

/// Fails where new rows would go to other shards than those that they replace.
pub(crate) async fn refuse_misplaced(address: &StoreAddress) -> anyhow::Result<()> {
    let placement = distributed::placement(address).await.context("asking the store for its shards")?;
    match placement.as_ref().and_then(misplaced) {
        Some(found) => bail!("{found}: {}", REMEDY.replacen("Stop", "stop", 1)),
        None => Ok(()),
    }
}

/// Says which rows lie elsewhere; none if none do.
pub(crate) fn misplaced(placement: &Placement) -> Option<String> {
    let (_, before) = placement.misplaced.first()?;
    let tables = placement.misplaced.len();
    let shards = placement.shards;
    Some(format!("the cluster has {shards} shards, and the rows of {tables} tables lie where {before} had them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_another_number_of_shards_are_told() {
        let of = |misplaced: &[(&str, u64)]| Placement {
            shards: 4,
            misplaced: misplaced.iter().map(|(table, number)| ((*table).to_owned(), *number)).collect(),
        };
        assert_eq!(misplaced(&of(&[])), None);
        let found = misplaced(&of(&[("results", 2), ("runs", 2)]));
        assert_eq!(found.as_deref(), Some("the cluster has 4 shards, and the rows of 2 tables lie where 2 had them"));
    }
}
