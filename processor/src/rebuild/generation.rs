//! Tables of the next generation: they are made beside the live ones and exchanged with them.
//!
//! The comment of a table names its generation and stays with the table when it is renamed, so that a swap that was broken
//! off half-way is recognised and finished.

use clickhouse::error::Result;
use schema::clock::Clock;
use schema::retention::Retention;
use schema::seconds::monday;
use schema::store::cluster::processes;
use schema::store::{distributed, kept, kept_runs, next_generation};

use super::damage;
use super::database::{Database, exists, previous};
use super::error::RebuildError;
use super::lifetime;
use super::views::{DEAD_LETTERS, WEEKLY};

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

/// The comment of the tables of a generation.
fn comment(number: u64) -> String {
    format!("{COMMENT}{number}")
}

/// Number of the latest generation that any table of the database is of; 0 before the first rebuild.
async fn latest(database: &Database) -> Result<u64> {
    let sql = "SELECT comment FROM system.tables WHERE database = currentDatabase()";
    let comments = database.tables.query(sql).fetch_all::<String>().await?;
    Ok(comments.iter().filter_map(|comment| comment.strip_prefix(COMMENT)?.parse().ok()).max().unwrap_or(0))
}

/// Holds the watermarks: the store refuses every new one, so that each processor tries its whole batch again.
pub(super) async fn hold(database: &Database) -> Result<()> {
    let sql = format!("ALTER TABLE watermarks ADD CONSTRAINT IF NOT EXISTS {HOLD} CHECK 1 = 0");
    database.tables.query(&sql).execute().await
}

/// Lets the watermarks go on after [`hold`].
pub(super) async fn release(database: &Database) -> Result<()> {
    let sql = format!("ALTER TABLE watermarks DROP CONSTRAINT IF EXISTS {HOLD}");
    database.tables.query(&sql).execute().await
}

/// Whether [`hold`] is in force.
pub(super) async fn is_held(database: &Database) -> Result<bool> {
    let sql = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'watermarks' \
               AND position(create_table_query, ?) > 0";
    Ok(database.tables.query(sql).bind(HOLD).fetch_one::<u64>().await? > 0)
}

/// Whether any server runs an insert of watermarks, which may have begun before [`hold`].
pub(super) async fn watermarks_in_flight(database: &Database) -> Result<bool> {
    let processes = processes(database.address.cluster.as_ref());
    let sql = format!(
        "SELECT count() FROM {processes} \
         WHERE current_database = currentDatabase() AND query LIKE 'INSERT INTO %watermarks%'"
    );
    Ok(database.rows.query(&sql).fetch_one::<u64>().await? > 0)
}

impl Generation {
    /// Makes empty tables that are defined as the live ones are.
    pub(super) async fn create(database: &Database, views: &[&'static str], since: Option<i64>) -> Result<Self> {
        let number = Clock::system().now().max(latest(database).await?.saturating_add(1));
        let client = &database.tables;
        for view in views {
            let name = next_generation(view);
            distributed::hide(&database.address, &name).await?;
            client.query(&format!("DROP TABLE IF EXISTS {name} SYNC")).execute().await?;
            client.query(&format!("CREATE TABLE {name} AS {view}")).execute().await?;
            let comment = comment(number);
            client.query(&format!("ALTER TABLE {name} MODIFY COMMENT '{comment}'")).execute().await?;
        }
        distributed::show_tables(&database.address).await?;
        Ok(Self { number, views: views.to_vec(), since })
    }

    /// Puts the replaced tables aside that a broken-off swap left; the views that remain are still to be exchanged.
    pub(super) async fn unfinished(mut self, database: &Database) -> Result<Self> {
        let mut rest = Vec::new();
        for view in &self.views {
            if self.is_live(database, view).await? {
                self.put_aside(database, view).await?;
            } else {
                rest.push(*view);
            }
        }
        self.views = rest;
        Ok(self)
    }

    /// Whether the live table of a view is of this generation.
    async fn is_live(&self, database: &Database, view: &str) -> Result<bool> {
        let sql = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = ?";
        Ok(database.tables.query(sql).bind(view).fetch_one::<String>().await? == comment(self.number))
    }

    /// Copies weeks that are not rebuilt from the live tables.
    pub(super) async fn take_over(&self, database: &Database) -> Result<(), RebuildError> {
        let Some(since) = self.since else { return Ok(()) };
        for view in self.views.iter().filter(|view| WEEKLY.contains(view)) {
            let next = next_generation(view);
            if database.is_sharded() {
                // Partitions can only be moved within a shard, and rows may have to be placed on another one. A repetition
                // replaces the rows that it copied before.
                let sql = "SELECT partition_key FROM system.tables WHERE database = currentDatabase() AND name = ?";
                let week: String = database.tables.query(sql).bind(*view).fetch_one().await?;
                let take = format!("INSERT INTO {next} SELECT * FROM {view} WHERE {week} < toDate(?, 'UTC')");
                let taken = damage::told(database.rows.query(&take).bind(monday(since)).execute().await)?;
                taken.map_err(|cause| RebuildError::TakenOver { view, cause })?;
                continue;
            }
            let sql = "SELECT DISTINCT partition_id FROM system.parts WHERE active AND \
                       database = currentDatabase() AND table = ? AND toDate(partition) < toDate(?, 'UTC')";
            let older = database.tables.query(sql).bind(*view).bind(monday(since)).fetch_all::<String>().await?;
            for partition in older {
                // A repetition replaces the partition that it copied before.
                let take = format!("ALTER TABLE {next} REPLACE PARTITION ID '{partition}' FROM {view}");
                let taken = damage::told(database.tables.query(&take).execute().await)?;
                taken.map_err(|cause| RebuildError::TakenOver { view, cause })?;
            }
        }
        Ok(())
    }

    /// Copies decisions from before decisions were events, because only the live table has them. The cause is told where that
    /// cannot be read.
    pub(super) async fn take_over_decisions(&self, database: &Database) -> Result<Result<(), String>> {
        if !self.views.contains(&DEAD_LETTERS) {
            return Ok(Ok(()));
        }
        let take = format!(
            "INSERT INTO {} SELECT * FROM {DEAD_LETTERS} WHERE version > 0 AND version < {FIRST_EVENT_VERSION}",
            next_generation(DEAD_LETTERS)
        );
        damage::told(database.rows.query(&take).execute().await)
    }

    /// The condition for the rows of a view that are counted. Rows whose time is over do not count, by the engine's rule or by that
    /// of their suite: the live table may still have some that the next one does not keep, and the next one some that the live
    /// one has forgotten.
    async fn condition(&self, database: &Database, retention: &Retention, view: &str) -> Result<String> {
        let sql = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = ?";
        let engine: String = database.tables.query(sql).bind(view).fetch_one().await?;
        let by_suite = kept(view, retention, self.begun_at());
        let both: Vec<String> = lifetime::condition(&engine, self.number).into_iter().chain(by_suite).collect();
        Ok(if both.is_empty() { String::new() } else { format!(" WHERE {}", both.join(" AND ")) })
    }

    /// When the generation was begun, seconds since 1970.
    fn begun_at(&self) -> i64 {
        i64::try_from(self.number).unwrap_or(i64::MAX)
    }

    /// Counts the rows that reads will see, by view.
    pub(super) async fn count(&self, database: &Database, retention: &Retention) -> Result<Vec<u64>, RebuildError> {
        let mut counts = Vec::new();
        for view in &self.views {
            let condition = self.condition(database, retention, view).await?;
            let sql = format!("SELECT count() FROM {}{condition}", next_generation(view));
            let counted = database.rows.query(&sql).fetch_one::<u64>().await;
            // What is made anew can be read; what is taken over is as the live table was.
            let counted = if self.since.is_some() { damage::told(counted)? } else { Ok(counted?) };
            counts.push(counted.map_err(|cause| RebuildError::TakenOver { view, cause })?);
        }
        Ok(counts)
    }

    /// Counts the rows that reads see now, by view; the cause where a live table cannot be read.
    pub(super) async fn count_live(
        &self,
        database: &Database,
        retention: &Retention,
    ) -> Result<Vec<Result<u64, String>>> {
        let mut counts = Vec::new();
        for view in &self.views {
            let condition = self.condition(database, retention, view).await?;
            let sql = format!("SELECT count() FROM {view}{condition}");
            counts.push(damage::told(database.rows.query(&sql).fetch_one().await)?);
        }
        Ok(counts)
    }

    /// Whether the live tables have runs that are over by the rule of their suite and that are not made again: they were over, by
    /// the rule of now, when they were received.
    pub(super) async fn has_forgotten(&self, database: &Database, retention: &Retention) -> Result<bool> {
        const RUNS: &str = "runs";
        let kept = kept_runs(retention, self.begun_at());
        let over = async |table: &str| -> Result<u64> {
            let sql = format!("SELECT count() FROM {table} WHERE NOT ({kept})");
            // What cannot be read is told elsewhere.
            Ok(damage::told(database.rows.query(&sql).fetch_one().await)?.unwrap_or_default())
        };
        let made = if self.views.contains(&RUNS) { over(&next_generation(RUNS)).await? } else { 0 };
        Ok(over(RUNS).await? > made)
    }

    /// Exchanges each table with the live one; the replaced tables stay under another name. With shards, answers of the
    /// moments in between may come from both.
    pub(super) async fn swap(&self, database: &Database) -> Result<()> {
        for view in &self.views {
            let exchange = format!("EXCHANGE TABLES {view} AND {}", next_generation(view));
            database.tables.query(&exchange).execute().await?;
        }
        for view in &self.views {
            self.put_aside(database, view).await?;
        }
        Ok(())
    }

    /// Renames the table that was live before the exchange.
    async fn put_aside(&self, database: &Database, view: &str) -> Result<()> {
        let next = next_generation(view);
        distributed::placed(&database.address, view).await?;
        distributed::hide(&database.address, &next).await?;
        if exists(&database.tables, &next).await? {
            database.tables.query(&format!("RENAME TABLE {next} TO {}", previous(view))).execute().await?;
        }
        Ok(())
    }
}
