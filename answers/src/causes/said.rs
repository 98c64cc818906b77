//! What failing tests said, one by one.

use std::collections::BTreeSet;

use schema::configuration::Configuration;
use schema::ids::{CommitKey, TestId};
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::{CausesQuestion, asked, failed};
use crate::error::AnswerError;
use crate::reads::causes as reads;
use crate::reads::runs;
use crate::store::Store;
use crate::table::{self, Table, Tabular};
use crate::test_names;

/// Messages answered if the question names no limit, and at most: each has some thousand bytes.
const MESSAGES: u64 = 50;
const MAX_MESSAGES: u64 = 500;

/// What a failing test said.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SaidMessage {
    /// The test.
    pub test: String,
    /// Its state.
    pub state: State,
    /// The cause.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub cause: String,
    /// Where it ran.
    pub configuration: Configuration,
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// The beginning of its log.
    pub message: String,
}

/// What failing tests said, the newest first.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Messages {
    /// Configurations that ran in this time; where there is none, nothing is known, and nothing passed.
    pub configurations: u64,
    /// Whether there are more than the limit lets through.
    pub has_more: bool,
    /// The newest of them.
    pub messages: Vec<SaidMessage>,
}

/// What failing tests said, the newest first.
///
/// # Errors
/// The text is too long, there is no such rule, or the store does not answer.
pub async fn messages(store: &Store, question: &CausesQuestion) -> Result<Messages, AnswerError> {
    let (selection, joined) = asked(store, question).await?;
    if selection.is_empty() {
        return Ok(Messages::default());
    }
    let limit = question.runs.limit.unwrap_or(MESSAGES).min(MAX_MESSAGES);
    let failed = failed(question, &selection, &joined);
    let (mut rows, ran) = tokio::try_join!(
        reads::newest(store, &failed, limit + 1),
        runs::last_starts(store, &question.suite, &selection)
    )?;
    let has_more = rows.len() as u64 > limit;
    rows.truncate(limit as usize);
    let tests: BTreeSet<TestId> = rows.iter().map(|row| row.test_id).collect();
    let names = test_names::by_id(store, &question.suite, tests.into_iter()).await?;
    let said = |row: reads::SaidRow| {
        Some(SaidMessage {
            test: names.get(row.test_id)?.to_string(),
            state: row.state,
            cause: joined.whole(row.cause).to_string(),
            configuration: selection.configuration(&row.place())?,
            uuid: row.uuid,
            start_time: row.start_time,
            message: row.message,
        })
    };
    let messages = rows.into_iter().filter_map(said).collect();
    Ok(Messages { configurations: ran.len() as u64, has_more, messages })
}

impl Tabular for Messages {
    fn table(&self) -> Result<Table, AnswerError> {
        let own = table::columns::<SaidMessage>();
        let rows = self.messages.iter().map(|said| {
            let cells = table::cells(&own, &[&table::members(said)?]);
            table::row_with_configuration(cells, &said.configuration, Vec::new())
        });
        Ok(Table { columns: table::with_configuration(own.clone(), Vec::new()), rows: rows.collect::<Result<_, _>>()? })
    }

    fn is_cut(&self) -> bool {
        self.has_more
    }
}
