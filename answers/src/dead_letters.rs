//! Events that could not be processed, and what became of an upload.

use schema::event::DeadLetterId;
use schema::expiry::{ExpiredKind, Expiry};
use schema::receipt::Receipt;
use schema::store::rows::{DeadLetterRow, DeadLetterState, ExpiredUploadRow};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{AnswerError, invalid, not_found};
pub use crate::reads::dead_letters::DeadLetterSummary;
use crate::reads::dead_letters::{expired, newest, of_event, watermark_of};
use crate::store::Store;

/// Letters answered if the question names no limit.
pub const LETTERS: u64 = 100;
/// What can be done about a letter.
const STATES: [DeadLetterState; 3] = [DeadLetterState::Waiting, DeadLetterState::Replayed, DeadLetterState::Discarded];

/// A dead letter with the beginning of its event's text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeadLetter {
    /// What is known of it.
    #[serde(flatten)]
    pub summary: DeadLetterSummary,
    /// The beginning of the event, as far as it can be read.
    pub text: String,
}

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UploadState {
    /// It is in the log, and the views do not show it yet.
    Queued,
    /// The views show it.
    Applied,
    /// It could not be processed.
    DeadLettered,
    /// Its time was over when it came, so that it is not stored.
    Expired,
}

/// What became of the upload of a receipt.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReceiptState {
    /// The receipt.
    pub receipt: String,
    /// What became of it.
    pub state: UploadState,
    /// The next offset that the views of its partition wait for.
    pub watermark: u64,
    /// Why it could not be processed, or is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub cause: Option<String>,
    /// The id of its dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub dead_letter: Option<String>,
    /// Of an upload that had expired: for how many days such uploads are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub kept_days: Option<u32>,
}

/// The newest dead letters in some states, in any if none is named.
///
/// # Errors
/// A state that there is not.
pub async fn find(store: &Store, states: &[String], limit: u64) -> Result<Vec<DeadLetterSummary>, AnswerError> {
    let known: Vec<&str> = STATES.iter().map(|state| state.name()).collect();
    if let Some(unknown) = states.iter().find(|state| !known.contains(&state.as_str())) {
        return Err(invalid(format!("'{unknown}' is not a state of a dead letter; there are: {}", known.join(", "))));
    }
    let states = if states.is_empty() { known } else { states.iter().map(String::as_str).collect() };
    newest(store, &states, limit).await
}

/// The dead letter of an id `<partition>-<offset>`, as it is stored.
///
/// # Errors
/// There is none.
pub async fn stored(store: &Store, id: &str) -> Result<DeadLetterRow, AnswerError> {
    let letter = match id.parse() {
        Ok(id) => of_event(store, id).await?,
        Err(_) => None,
    };
    letter.ok_or_else(|| not_found(format!("There is no dead letter '{id}'")))
}

/// The same with the beginning of its text.
pub async fn one(store: &Store, id: &str) -> Result<DeadLetter, AnswerError> {
    let letter = stored(store, id).await?;
    let text = schema::event::beginning(&letter.event);
    let DeadLetterRow { partition, offset, found_at, cause, state, event, .. } = letter;
    let size = event.len() as u64;
    let summary = DeadLetterSummary { id: id.to_owned(), partition, offset, found_at, cause, state, size };
    Ok(DeadLetter { summary, text })
}

/// What became of the upload that was given a receipt.
///
/// # Errors
/// The text is no receipt.
pub async fn of_receipt(store: &Store, text: &str) -> Result<ReceiptState, AnswerError> {
    let receipt: Receipt = text.parse().map_err(|error: schema::receipt::NotAReceipt| not_found(error.to_string()))?;
    let watermark = watermark_of(store, receipt.partition).await?;
    let mut found = ReceiptState {
        receipt: text.to_owned(),
        state: UploadState::Queued,
        watermark,
        cause: None,
        dead_letter: None,
        kept_days: None,
    };
    if watermark <= receipt.offset {
        return Ok(found);
    }
    found.state = UploadState::Applied;
    let id = DeadLetterId { partition: receipt.partition, offset: receipt.offset };
    if let Some(letter) = of_event(store, id).await? {
        found.state = UploadState::DeadLettered;
        found.dead_letter = Some(id.to_string());
        found.cause = Some(letter.cause);
    } else if let Some(ExpiredUploadRow { is_archive, kept_days, age_days, .. }) = expired(store, id).await? {
        let kind = if is_archive == 1 { ExpiredKind::Archive } else { ExpiredKind::Run };
        found.state = UploadState::Expired;
        found.cause = Some(Expiry { kind, kept_days, age_days }.to_string());
        found.kept_days = Some(kept_days);
    }
    Ok(found)
}
