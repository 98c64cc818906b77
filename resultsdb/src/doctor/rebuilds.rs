//! What rebuilds left.

use processor::rebuild::{self, Leftovers};
use schema::store::StoreAddress;

use super::finding::Finding;
use super::units::{bytes, count};

/// Asks the store for what rebuilds left.
pub(super) async fn of(address: &StoreAddress) -> anyhow::Result<Finding> {
    Ok(judge(&rebuild::leftovers(address).await?))
}

fn judge(left: &Leftovers) -> Finding {
    let Leftovers { is_held, is_unfinished, next, previous, bytes: size } = left;
    let resume =
        "If none runs now, run `resultsdb rebuild` again with the same flags, or give it up with `--start-over`";
    if *is_held {
        return Finding::wrong("a rebuild holds the watermarks, so new uploads are not shown", resume);
    }
    if *is_unfinished || !next.is_empty() {
        return Finding::look(
            format!("one has not ended, and {} of {} are there", count(next.len() as u64, "table"), bytes(*size)),
            resume,
        );
    }
    if !previous.is_empty() {
        return Finding::look(
            format!("{} that one replaced take {}", count(previous.len() as u64, "table"), bytes(*size)),
            "Remove them with `resultsdb rebuild --drop-old` if the new ones are right",
        );
    }
    Finding::ok("none left anything")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn held_watermarks_are_wrong_and_tables_are_only_told() {
        assert_eq!(judge(&Leftovers::default()).verdict, Verdict::Ok);
        let replaced = Leftovers { previous: vec!["runs", "results"], bytes: 3 << 20, ..Leftovers::default() };
        let found = judge(&replaced);
        assert_eq!((found.verdict, found.found.as_str()), (Verdict::Look, "2 tables that one replaced take 3.0 MiB"));
        assert_eq!(judge(&Leftovers { is_unfinished: true, ..replaced.clone() }).verdict, Verdict::Look);
        assert_eq!(judge(&Leftovers { is_held: true, ..replaced }).verdict, Verdict::Wrong);
    }
}
