//! Disks lie: half a record after a crash is no record, and a flipped byte is never taken for one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use embedded::{Damage, LocalLog, LogCheck};
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

fn check(folder: &Path) -> LogCheck {
    LocalLog::check(folder).unwrap()
}

/// A file of the log's tables that has records: the largest one.
fn table(folder: &Path) -> PathBuf {
    let mut folders = vec![folder.join("keyspaces")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            let list = if entry.file_type().unwrap().is_dir() { &mut folders } else { &mut files };
            list.push(entry.path());
        }
    }
    files.into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_reads_every_record_and_names_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    let whole = check(folder.path());
    assert_eq!((whole.records, whole.damages.len(), whole.notes.len()), (RECORDS, 0, 0), "{whole:?}");

    let (path, bytes, end) = journal(folder.path());
    let mut torn = bytes.clone();
    torn.resize(bytes.len().max(end + 300), 0);
    torn.copy_within(end - 1000..end - 700, end);
    std::fs::write(&path, torn).unwrap();
    let found = check(folder.path());
    assert!(found.damages.is_empty() && found.records == RECORDS, "{found:?}");
    assert!(found.notes.len() == 1 && found.notes[0].contains("0.jnl: an append was broken off"), "{found:?}");
    assert!(check(folder.path()).notes.is_empty());

    let mut damaged = bytes.clone();
    damaged[end / 2] ^= 0x10;
    std::fs::write(&path, damaged).unwrap();
    let found = check(folder.path());
    assert!(found.damages.len() == 1 && found.damages[0].place.ends_with("0.jnl"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_a_flipped_byte_in_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let log = LocalLog::open(folder.path()).unwrap();
    let topic = TopicSpec { name: TOPIC.to_owned(), partitions: 1, retention: None, max_message_bytes: 2 << 20 };
    log.ensure_topic(&topic).await.unwrap();
    // Enough for memory to be written as a table; what repeats would be compressed to nothing.
    for number in 0..40_u64 {
        let mut seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let noise = (0..1 << 20).map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed as u8
        });
        log.append(TOPIC, b"key", noise.collect()).await.unwrap();
    }
    let started = std::time::Instant::now();
    while std::fs::metadata(table(folder.path())).unwrap().len() < 10 << 20 {
        assert!(started.elapsed() < Duration::from_secs(60), "no table is written");
        tokio::task::yield_now().await;
    }
    drop(log);
    assert_eq!((check(folder.path()).records, check(folder.path()).damages.len()), (40, 0));
    let path = table(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&path, bytes).unwrap();
    let found = check(folder.path());
    assert!(found.damages.len() == 1, "{found:?}");
    let Damage { place, cause } = &found.damages[0];
    assert!(path.starts_with(place) && cause.contains("topic events, partition 0, offset "), "{found:?}");
}
