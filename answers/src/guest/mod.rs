//! SQL that others write: asked as a user of the store who may read some views and nothing else.
//!
//! What a statement may do is decided by the store, which knows all of its language, and never by looking at texts here:
//! the user has no right but to read views, and settings that cannot be changed bound time, memory and rows ([`user`] makes
//! that user). Before the first statement, and now and then, the door makes sure that this is so ([`admission`]), and stays
//! closed otherwise.

mod admission;
mod cells;
pub mod user;

use std::time::{Duration, Instant};

use clickhouse::Client;
use clickhouse::error::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::error::{AnswerError, invalid, not_found};
use crate::table::{Column, Table, Tabular};

/// The longest statement, bytes.
pub const MAX_STATEMENT_BYTES: usize = 64 << 10;
/// How long what was found of the user holds.
const ADMISSION: Duration = Duration::from_secs(600);
/// How long it is before a closed door is tried again.
const PAUSE: Duration = Duration::from_secs(10);
/// The longest text of the store's that is passed on, characters.
const MAX_CAUSE: usize = 600;

/// What SQL may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuestLimits {
    /// Seconds of a statement.
    pub seconds: u64,
    /// Rows of an answer; what is beyond is cut off.
    pub rows: u64,
    /// Memory of a statement.
    pub mebibytes: u64,
    /// Statements at a time.
    pub statements: u64,
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self { seconds: 30, rows: 10_000, mebibytes: 2_000, statements: 4 }
    }
}

/// The user as which others ask.
pub struct Guest {
    client: Client,
    database: String,
    limits: GuestLimits,
    /// When it was found out, and the most rows that can be shown, or why the door is closed.
    admission: Mutex<Option<(Instant, Result<u64, String>)>>,
}

/// What a statement answers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SqlAnswer {
    /// The columns.
    pub columns: Vec<SqlColumn>,
    /// A value for each column in every row. In JSON whole numbers beyond 53 bits are texts, and everywhere are decimals and what
    /// is beyond 64 bits.
    #[serde(serialize_with = "cells::within_53_bits")]
    #[schemars(with = "Vec<Vec<Value>>")]
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more rows than are answered.
    pub is_cut: bool,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// The store's type of it, such as `UInt64` or `LowCardinality(String)`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl SqlColumn {
    /// The type of its values, whether some are nothing or repeated.
    pub fn inner(&self) -> &str {
        let inside = |name, outer| str::strip_suffix(str::strip_prefix(name, outer)?, ')');
        let kind = self.kind.as_str();
        let kind = inside(kind, "LowCardinality(").unwrap_or(kind);
        inside(kind, "Nullable(").unwrap_or(kind)
    }
}

/// What the store writes; the values are as they are written, because reading them as numbers would round some.
#[derive(Deserialize)]
struct Written<'a> {
    meta: Vec<SqlColumn>,
    #[serde(borrow)]
    data: Vec<Vec<&'a RawValue>>,
}

impl Guest {
    /// A user by a client of its own, which has no settings: the user may not change any. `database` holds the views.
    pub fn new(client: Client, database: &str, limits: GuestLimits) -> Self {
        Self { client, database: database.to_owned(), limits, admission: Mutex::default() }
    }

    /// Makes sure that the user may do nothing but read views, and tells the most rows that a statement may show. The error says
    /// what else the user may, or what is missing.
    ///
    /// # Errors
    /// [`AnswerError::Closed`] with the reason.
    async fn admitted(&self) -> Result<u64, AnswerError> {
        let mut known = self.admission.lock().await;
        let holds = known
            .as_ref()
            .filter(|(found_at, found)| found_at.elapsed() < if found.is_ok() { ADMISSION } else { PAUSE });
        let found = match holds {
            Some((_, found)) => found.clone(),
            None => {
                let found = admission::of(&self.client, &self.database).await;
                if let Err(cause) = &found {
                    tracing::error!(cause, "SQL is not answered");
                }
                known.insert((Instant::now(), found)).1.clone()
            }
        };
        found.map_err(AnswerError::Closed)
    }

    /// Asks a statement, of whose rows this many are shown; the store answers one more.
    async fn ask(&self, statement: &str, most: u64) -> Result<SqlAnswer, AnswerError> {
        // A question mark stands for a value in the client's statements.
        let statement = statement.replace('?', "??");
        let mut written = self.client.query(&statement).fetch_bytes("JSONCompact").map_err(failed)?;
        let written = written.collect().await.map_err(failed)?;
        let own_format =
            |_| invalid("The statement names a format of its own, or answers none: write a SELECT without FORMAT");
        let Written { meta, data } = serde_json::from_slice(&written).map_err(own_format)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let is_cut = data.len() > most;
        let rows = cells::rows(&meta, data.iter().take(most));
        Ok(SqlAnswer { columns: meta, rows, is_cut })
    }
}

/// Asks a statement of somebody, by [`crate::Store::guest`].
///
/// # Errors
/// [`AnswerError::NotFound`] where no user is configured, [`AnswerError::Closed`] where the user may do more than read views,
/// [`AnswerError::Invalid`] with what the store says of the statement, and whatever its limits say.
pub async fn ask(guest: Option<&Guest>, statement: &str) -> Result<SqlAnswer, AnswerError> {
    let Some(guest) = guest else {
        return Err(not_found(
            "This server answers no SQL: nobody configured a user for it ([sql] of the configuration)",
        ));
    };
    let statement = statement.trim().trim_end_matches(';').trim_end();
    if statement.is_empty() {
        return Err(invalid("The statement is empty: write a SELECT"));
    }
    if statement.len() > MAX_STATEMENT_BYTES {
        return Err(invalid(format!("The statement is longer than {} KiB", MAX_STATEMENT_BYTES >> 10)));
    }
    // A user who was made for fewer rows than the configuration has by now gets no more of them.
    let most = guest.admitted().await?.min(guest.limits.rows);
    guest.ask(statement, most).await
}

/// What the store says of a statement is for who wrote it; that it is away is not.
fn failed(error: Error) -> AnswerError {
    match AnswerError::from(error) {
        AnswerError::Store(Error::BadResponse(text)) => invalid(cause(&text)),
        other => other,
    }
}

/// The store's text without its number, its version and what is too long.
fn cause(text: &str) -> String {
    let text = text.split_once("DB::Exception: ").map_or(text, |(_, rest)| rest);
    let text = text.rsplit_once(" (version ").map_or(text, |(rest, _)| rest);
    let short: String = text.trim().chars().take(MAX_CAUSE).collect();
    format!("The store refuses the statement: {short}")
}

impl Tabular for SqlAnswer {
    fn table(&self) -> Result<Table, AnswerError> {
        let columns = self.columns.iter().map(|column| Column::new(&column.name, cells::kind(column))).collect();
        Ok(Table { columns, rows: self.rows.clone() })
    }

    fn is_cut(&self) -> bool {
        self.is_cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_says_is_short() {
        let text = "Code: 62. DB::Exception: Syntax error: failed at position 1. (SYNTAX_ERROR) (version 26.7.2.1)";
        assert_eq!(cause(text), "The store refuses the statement: Syntax error: failed at position 1. (SYNTAX_ERROR)");
        assert!(cause(&"x".repeat(10_000)).len() < 700);
    }
}
