//! Disks lie: half a record after a crash is no record, and a flipped byte is never taken for one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use embedded::LocalLog;
use eventlog::{EventLog, LogError, TopicSpec};

const RECORDS: u64 = 40;
const TOPIC: &str = "events";

fn value(number: u64) -> Bytes {
    Bytes::from(format!("{number:08}").repeat(100))
}

async fn write(folder: &Path) {
    let log = LocalLog::open(folder).unwrap();
    let topic = TopicSpec { name: TOPIC.to_owned(), partitions: 1, retention: None, max_message_bytes: 1 << 20 };
    log.ensure_topic(&topic).await.unwrap();
    for number in 0..RECORDS {
        log.append(TOPIC, b"key", value(number)).await.unwrap();
    }
}

/// How many records can be read, or why not all can; what is read is what was written.
async fn read(folder: &Path) -> Result<u64, LogError> {
    let log = LocalLog::open(folder)?;
    let mut reader = log.read(TOPIC, &[0]).await?;
    let mut count = 0;
    loop {
        let records = reader.poll(7, usize::MAX, Duration::from_millis(20)).await?;
        if records.is_empty() {
            return Ok(count);
        }
        for record in records {
            assert_eq!((record.position.offset, &record.value), (count, &value(count)));
            count += 1;
        }
    }
}

fn journal(folder: &Path) -> (PathBuf, Vec<u8>, usize) {
    let mut journals: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    journals.retain(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    assert_eq!(journals.len(), 1);
    let bytes = std::fs::read(&journals[0]).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    (journals.remove(0), bytes, end)
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_record_is_none_and_the_others_are_there() {
    for half in [1, 3, 17, 200, 900] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).await;
        let (path, mut bytes, end) = journal(folder.path());
        // The record before starts like the one that was being written.
        let start = end - 1000;
        bytes.resize(bytes.len().max(end + half), 0);
        bytes.copy_within(start..start + half, end);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read(folder.path()).await.unwrap(), RECORDS, "{half} bytes");
        assert_eq!(read(folder.path()).await.unwrap(), RECORDS, "a second time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_is_told() {
    let whole = tempfile::tempdir().unwrap();
    write(whole.path()).await;
    let (path, bytes, end) = journal(whole.path());
    for at in (end / 10..end).step_by(end / 12) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let found = read(whole.path()).await;
        assert!(matches!(found, Err(LogError::Damaged { .. })), "byte {at} of {end}: {found:?}");
        // Whoever restores the journal has everything.
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(whole.path()).await.unwrap(), RECORDS);
    }
}

#[test]
fn a_log_that_another_process_has_open_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let _open = LocalLog::open(folder.path()).unwrap();
    let error = LocalLog::open(folder.path()).map(drop).unwrap_err();
    assert!(matches!(error, LogError::InUse { .. }), "{error}");
    assert!(error.to_string().ends_with("is in use by another process; stop that one, or use another folder"));
}
