//! Tables of the next generation: made beside the live ones, and swapped with them.
//!
//! A table's comment names its generation and goes with it through every renaming, so that a swap that was broken off
//! half-way can be told and finished.

use std::time::{SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use clickhouse::error::Result;
use schema::store::cluster::{Cluster, processes};

use super::WEEKLY;
use crate::writer::next;

const WEEK: i64 = 7 * 86_400;
/// The first of January 1970 was a Thursday.
const FIRST_MONDAY: i64 = 4 * 86_400;

/// The view whose rows are dead letters.
pub(super) const DEAD_LETTERS: &str = "dead_letters";
/// How long the table of dead letters keeps them after they were found, seconds: 365 days.
const DEAD_LETTER_TTL: u64 = 365 * 86_400;
/// Versions of decisions from before they were events are seconds since the Unix epoch; those of events are larger, for
/// they begin with milliseconds in their upper 48 bits.
const FIRST_EVENT_VERSION: u64 = 1 << 40;

/// Tables that are to take the place of the live ones.
pub(super) struct Generation {
    /// Larger than that of any before.
    pub(super) number: u64,
    pub(super) views: Vec<&'static str>,
    /// Weeks before this time's are taken over.
    pub(super) since: Option<i64>,
}

/// Name of the table that a rebuild replaced.
pub(super) fn previous(view: &str) -> String {
    format!("{view}__previous")
}

/// The first second of a time's week, in UTC, as the tables' partitions have it.
pub(super) fn monday(time: i64) -> i64 {
    time - (time - FIRST_MONDAY).rem_euclid(WEEK)
}

pub(super) async fn exists(client: &Client, table: &str) -> Result<bool> {
    let sql = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = ?";
    Ok(client.query(sql).bind(table).fetch_one::<u64>().await? > 0)
}

/// Lets no processor say that it has shown anything more: its watermark is refused, and it tries the whole batch again.
pub(super) async fn hold(client: &Client) -> Result<()> {
    client.query("ALTER TABLE watermarks ADD CONSTRAINT IF NOT EXISTS rebuild_swaps CHECK 1 = 0").execute().await
}

/// Ends what [`hold`] began.
pub(super) async fn release(client: &Client) -> Result<()> {
    client.query("ALTER TABLE watermarks DROP CONSTRAINT IF EXISTS rebuild_swaps").execute().await
}

/// Whether an insert runs, on any server, that may have begun before [`hold`].
pub(super) async fn watermarks_in_flight(client: &Client, cluster: Option<&Cluster>) -> Result<bool> {
    let processes = processes(cluster);
    let sql = format!(
        "SELECT count() FROM {processes} \
         WHERE current_database = currentDatabase() AND query LIKE 'INSERT INTO %watermarks%'"
    );
    Ok(client.query(&sql).fetch_one::<u64>().await? > 0)
}

impl Generation {
    /// Makes empty tables like the live ones.
    pub(super) async fn create(client: &Client, views: &[&'static str], since: Option<i64>) -> Result<Self> {
        let number = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        for view in views {
            let name = next(view);
            client.query(&format!("DROP TABLE IF EXISTS {name} SYNC")).execute().await?;
            client.query(&format!("CREATE TABLE {name} AS {view}")).execute().await?;
            let comment = format!("ALTER TABLE {name} MODIFY COMMENT 'generation {number}'");
            client.query(&comment).execute().await?;
        }
        Ok(Self { number, views: views.to_vec(), since })
    }

    /// Puts aside what a broken-off swap had swapped; what is left is still to be done.
    pub(super) async fn unfinished(mut self, client: &Client) -> Result<Self> {
        let mut rest = Vec::new();
        for view in &self.views {
            if self.is_live(client, view).await? {
                self.put_aside(client, view).await?;
            } else {
                rest.push(*view);
            }
        }
        self.views = rest;
        Ok(self)
    }

    async fn is_live(&self, client: &Client, view: &str) -> Result<bool> {
        let sql = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = ?";
        let comment: String = client.query(sql).bind(view).fetch_one().await?;
        Ok(comment == format!("generation {}", self.number))
    }

    /// Takes older weeks over from the live tables.
    pub(super) async fn take_over(&self, client: &Client) -> Result<()> {
        let Some(since) = self.since else { return Ok(()) };
        for view in self.views.iter().filter(|view| WEEKLY.contains(view)) {
            let sql = "SELECT DISTINCT partition_id FROM system.parts WHERE active AND \
                       database = currentDatabase() AND table = ? AND toDate(partition) < toDate(?, 'UTC')";
            let older = client.query(sql).bind(*view).bind(monday(since)).fetch_all::<String>().await?;
            for partition in older {
                // Repeated, it replaces what it did before.
                let take = format!("ALTER TABLE {} REPLACE PARTITION ID '{partition}' FROM {view}", next(view));
                client.query(&take).execute().await?;
            }
        }
        Ok(())
    }

    /// Takes decisions over that were made before decisions were events: they stand in the live table alone.
    pub(super) async fn take_over_decisions(&self, client: &Client) -> Result<()> {
        if !self.views.contains(&DEAD_LETTERS) {
            return Ok(());
        }
        let take = format!(
            "INSERT INTO {} SELECT * FROM {DEAD_LETTERS} WHERE version > 0 AND version < {FIRST_EVENT_VERSION}",
            next(DEAD_LETTERS)
        );
        client.query(&take).execute().await
    }

    /// Which rows of a view count: dead letters that are over do not, because the live table still has some of them and
    /// the next one has not.
    fn condition(&self, view: &str) -> String {
        match view {
            DEAD_LETTERS => format!(" WHERE found_at > {}", self.number.saturating_sub(DEAD_LETTER_TTL)),
            _ => String::new(),
        }
    }

    /// Rows that reads see, by view, in the tables that `table` names.
    pub(super) async fn count(&self, client: &Client, table: impl Fn(&str) -> String) -> Result<Vec<u64>> {
        let mut counts = Vec::new();
        for view in &self.views {
            let sql = format!("SELECT count() FROM {}{}", table(view), self.condition(view));
            counts.push(client.query(&sql).fetch_one().await?);
        }
        Ok(counts)
    }

    /// Swaps each table with its live one; the old ones stay under another name.
    pub(super) async fn swap(&self, client: &Client) -> Result<()> {
        for view in &self.views {
            client.query(&format!("EXCHANGE TABLES {view} AND {}", next(view))).execute().await?;
        }
        for view in &self.views {
            self.put_aside(client, view).await?;
        }
        Ok(())
    }

    /// Renames what was live before.
    async fn put_aside(&self, client: &Client, view: &str) -> Result<()> {
        if exists(client, &next(view)).await? {
            client.query(&format!("RENAME TABLE {} TO {}", next(view), previous(view))).execute().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_start_on_mondays() {
        // 2026-11-25 is a Wednesday.
        let wednesday = 1_795_564_800;
        assert_eq!(monday(wednesday), wednesday - 2 * 86_400);
        assert_eq!(monday(monday(wednesday)), monday(wednesday));
        assert_eq!(monday(monday(wednesday) - 1), monday(wednesday) - WEEK);
    }
}
