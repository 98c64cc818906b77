//! The rows by which a repetition of an upload is recognised, and by which a receipt says that an upload had expired.

use schema::event::{Header, Request};
use schema::expiry::{ExpiredKind, Expiry};
use schema::receipt::Receipt;
use schema::store::rows::{ExpiredUploadRow, ReceiptRow};

use super::columns::{seconds, time_version};
use super::event_rows::EventRows;

/// Adds an upload at a position of the log that is not stored, because its time was over when it came; nothing for other
/// events.
pub(super) fn add_expired(rows: &mut EventRows, header: &Header, partition: u32, offset: u64) {
    let received_at = header.received_at;
    let expiry = match &header.request {
        Request::Upload { suite, commits, .. } => Expiry::of_run(&rows.retention, suite, commits, received_at),
        Request::Archive { timestamp, .. } => Expiry::of_archive(*timestamp, received_at),
        _ => None,
    };
    rows.expired_uploads.extend(expiry.map(|Expiry { kind, kept_days, age_days }| ExpiredUploadRow {
        partition,
        offset,
        is_archive: u8::from(kind == ExpiredKind::Archive),
        kept_days,
        age_days,
        received_at: seconds(received_at),
    }));
}

/// Adds the receipt of an upload at a position of the log, under each name of its fingerprint.
pub(super) fn add(rows: &mut EventRows, header: &Header, partition: u32, offset: u64) {
    let Some(fingerprint) = &header.fingerprint else { return };
    let receipt = Receipt { partition, offset, event_id: header.event_id }.to_string();
    let row = |name: &str, version| ReceiptRow {
        name: name.to_owned(),
        content: fingerprint.content.clone(),
        receipt: receipt.clone(),
        received_at: seconds(header.received_at),
        version,
    };
    rows.receipts.push(row(&fingerprint.run, offset + 1));
    // The first upload with an idempotency key counts. Uploads with one key may lie in several partitions, so that only
    // their time says which is the first.
    let first = u64::MAX - time_version(&header.event_id);
    rows.receipts.extend(fingerprint.key.as_deref().map(|key| row(key, first)));
}
