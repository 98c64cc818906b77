//! Tables of the next generation: they are made beside the live ones and exchanged with them.
//!
//! The comment of a table names its generation and stays with the table when it is renamed, so that a swap that was broken
//! off half-way is recognised and finished.

use clickhouse::Client;
use clickhouse::error::Result;
use schema::clock::Clock;
use schema::seconds::{DAY, monday};
use schema::store::cluster::{Cluster, processes};
use schema::store::next_generation;

use super::views::{DEAD_LETTERS, WEEKLY};

/// How long the table of dead letters keeps a letter after its event was appended, seconds: 365 days.
const DEAD_LETTER_TTL: u64 = 365 * DAY;
/// The smallest version that a decision of an event can have. Decisions from before they were events have the seconds since
/// 1970 as version; events have milliseconds since 1970 in the upper 48 bits, which is more.
const FIRST_EVENT_VERSION: u64 = 1 << 40;

/// What stands before the number of a generation in the comments of its tables.
const COMMENT: &str = "generation ";

/// The constraint that no watermark meets.
const HOLD: &str = "rebuild_swaps";

/// Tables that are to take the place of the live ones.
pub(super) struct Generation {
    /// When the generation was begun, seconds since 1970, or later where an earlier generation has that number: it is larger
    /// than that of every generation before, so that no table of an earlier one is taken for one of this.
    pub(super) number: u64,
    /// The views that are still to be exchanged.
    pub(super) views: Vec<&'static str>,
    /// Weeks before the week of this time, seconds since 1970, are taken over from the live tables.
    pub(super) since: Option<i64>,
}

/// Name of the table that a rebuild replaced.
pub(super) fn previous(view: &str) -> String {
    format!("{view}__previous")
}

/// Whether the database has a table.
pub(super) async fn exists(client: &Client, table: &str) -> Result<bool> {
    let sql = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = ?";
    Ok(client.query(sql).bind(table).fetch_one::<u64>().await? > 0)
}

/// The comment of the tables of a generation.
fn comment(number: u64) -> String {
    format!("{COMMENT}{number}")
}

/// Number of the latest generation that any table of the database is of; 0 before the first rebuild.
async fn latest(client: &Client) -> Result<u64> {
    let sql = "SELECT comment FROM system.tables WHERE database = currentDatabase()";
    let comments = client.query(sql).fetch_all::<String>().await?;
    Ok(comments.iter().filter_map(|comment| comment.strip_prefix(COMMENT)?.parse().ok()).max().unwrap_or(0))
}

/// Holds the watermarks: the store refuses every new one, so that each processor tries its whole batch again.
pub(super) async fn hold(client: &Client) -> Result<()> {
    let sql = format!("ALTER TABLE watermarks ADD CONSTRAINT IF NOT EXISTS {HOLD} CHECK 1 = 0");
    client.query(&sql).execute().await
}

/// Lets the watermarks go on after [`hold`].
pub(super) async fn release(client: &Client) -> Result<()> {
    client.query(&format!("ALTER TABLE watermarks DROP CONSTRAINT IF EXISTS {HOLD}")).execute().await
}

/// Whether [`hold`] is in force.
pub(super) async fn is_held(client: &Client) -> Result<bool> {
    let sql = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'watermarks' \
               AND position(create_table_query, ?) > 0";
    Ok(client.query(sql).bind(HOLD).fetch_one::<u64>().await? > 0)
}

/// Whether any server runs an insert of watermarks, which may have begun before [`hold`].
pub(super) async fn watermarks_in_flight(client: &Client, cluster: Option<&Cluster>) -> Result<bool> {
    let processes = processes(cluster);
    let sql = format!(
        "SELECT count() FROM {processes} \
         WHERE current_database = currentDatabase() AND query LIKE 'INSERT INTO %watermarks%'"
    );
    Ok(client.query(&sql).fetch_one::<u64>().await? > 0)
}

impl Generation {
    /// Makes empty tables that are defined as the live ones are.
    pub(super) async fn create(client: &Client, views: &[&'static str], since: Option<i64>) -> Result<Self> {
        let number = Clock::system().now().max(latest(client).await?.saturating_add(1));
        for view in views {
            let name = next_generation(view);
            client.query(&format!("DROP TABLE IF EXISTS {name} SYNC")).execute().await?;
            client.query(&format!("CREATE TABLE {name} AS {view}")).execute().await?;
            let comment = comment(number);
            client.query(&format!("ALTER TABLE {name} MODIFY COMMENT '{comment}'")).execute().await?;
        }
        Ok(Self { number, views: views.to_vec(), since })
    }

    /// Puts the replaced tables aside that a broken-off swap left; the views that remain are still to be exchanged.
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

    /// Whether the live table of a view is of this generation.
    async fn is_live(&self, client: &Client, view: &str) -> Result<bool> {
        let sql = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = ?";
        Ok(client.query(sql).bind(view).fetch_one::<String>().await? == comment(self.number))
    }

    /// Copies weeks that are not rebuilt from the live tables.
    pub(super) async fn take_over(&self, client: &Client) -> Result<()> {
        let Some(since) = self.since else { return Ok(()) };
        for view in self.views.iter().filter(|view| WEEKLY.contains(view)) {
            let sql = "SELECT DISTINCT partition_id FROM system.parts WHERE active AND \
                       database = currentDatabase() AND table = ? AND toDate(partition) < toDate(?, 'UTC')";
            let older = client.query(sql).bind(*view).bind(monday(since)).fetch_all::<String>().await?;
            for partition in older {
                // A repetition replaces the partition that it copied before.
                let take =
                    format!("ALTER TABLE {} REPLACE PARTITION ID '{partition}' FROM {view}", next_generation(view));
                client.query(&take).execute().await?;
            }
        }
        Ok(())
    }

    /// Copies decisions from before decisions were events, because only the live table has them.
    pub(super) async fn take_over_decisions(&self, client: &Client) -> Result<()> {
        if !self.views.contains(&DEAD_LETTERS) {
            return Ok(());
        }
        let take = format!(
            "INSERT INTO {} SELECT * FROM {DEAD_LETTERS} WHERE version > 0 AND version < {FIRST_EVENT_VERSION}",
            next_generation(DEAD_LETTERS)
        );
        client.query(&take).execute().await
    }

    /// The condition for the rows of a view that are counted. Dead letters whose time is over do not count, because the live
    /// table may still have some that the next one does not keep.
    fn condition(&self, view: &str) -> String {
        match view {
            DEAD_LETTERS => format!(" WHERE found_at > {}", self.number.saturating_sub(DEAD_LETTER_TTL)),
            _ => String::new(),
        }
    }

    /// Counts the rows that reads see, by view, in the table that `table` names for it.
    pub(super) async fn count(&self, client: &Client, table: impl Fn(&str) -> String) -> Result<Vec<u64>> {
        let mut counts = Vec::new();
        for view in &self.views {
            let sql = format!("SELECT count() FROM {}{}", table(view), self.condition(view));
            counts.push(client.query(&sql).fetch_one().await?);
        }
        Ok(counts)
    }

    /// Exchanges each table with the live one; the replaced tables stay under another name.
    pub(super) async fn swap(&self, client: &Client) -> Result<()> {
        for view in &self.views {
            client.query(&format!("EXCHANGE TABLES {view} AND {}", next_generation(view))).execute().await?;
        }
        for view in &self.views {
            self.put_aside(client, view).await?;
        }
        Ok(())
    }

    /// Renames the table that was live before the exchange.
    async fn put_aside(&self, client: &Client, view: &str) -> Result<()> {
        if exists(client, &next_generation(view)).await? {
            client.query(&format!("RENAME TABLE {} TO {}", next_generation(view), previous(view))).execute().await?;
        }
        Ok(())
    }
}
