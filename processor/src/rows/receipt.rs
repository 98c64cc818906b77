//! The rows by which a repetition of an upload is recognised.

use schema::event::Header;
use schema::receipt::Receipt;
use schema::store::rows::ReceiptRow;

use super::columns::{seconds, time_version};
use super::event_rows::EventRows;

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
