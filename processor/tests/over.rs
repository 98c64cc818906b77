//! Events that are over: what is left of them makes the same tables again, and is all that the log and the archive keep.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use eventlog::{EventLog, Reader, Record};
use processor::archive::{self, ArchiveOptions};
use processor::rebuild::{self, Plan, SwapOptions, VIEWS};
use processor::sweep::{self, SweepOptions, SweepReport};
use schema::event::{self, Request};
use schema::retention::Retention;
use schema::seconds::{DAY, WEEK};
use schema::store::{self, StoreAddress};
use schema::{ARCHIVE_GROUP, EVENTS_TOPIC};
use serde_json::json;
use test_support::clock::now;
use test_support::processing::Surroundings;
use test_support::{events, wait};
use tokio::sync::watch;

/// Weeks that runs are kept.
const KEPT: u64 = 8;
const WEEKS: i64 = WEEK as i64;

fn retention() -> Retention {
    Retention::new(Some(KEPT), Vec::new()).unwrap()
}

/// A run of a week before now, of many tests with names of their own, received at once.
async fn append(around: &Surroundings, weeks_ago: i64) {
    let time = now() - weeks_ago * WEEKS;
    let commit = json!({"repository_id": "w", "branch": "main", "timestamp": time, "revision": 1000 - weeks_ago});
    let configuration =
        json!({"platform": "Mac", "version": weeks_ago, "is_simulator": false, "architecture": "arm64"});
    let tests: serde_json::Map<String, serde_json::Value> = (0..500)
        .map(|test| (format!("of-{weeks_ago}/{test}.html"), json!({"actual": "FAIL", "log": format!("line {test}")})))
        .collect();
    let run = events::run("layout-tests", configuration, &commit, time + 60, &tests.into());
    let encoded = event::encode(&run.header, run.test_results.get()).unwrap();
    around.log.append(EVENTS_TOPIC, b"", encoded.into()).await.unwrap();
}

async fn records(log: &dyn EventLog) -> Vec<Record> {
    let end: u64 = log.end_offsets(EVENTS_TOPIC).await.unwrap().iter().sum();
    let mut reader: Box<dyn Reader> = log.read(EVENTS_TOPIC, &[0, 0]).await.unwrap();
    let mut found = Vec::new();
    while (found.len() as u64) < end {
        found.extend(reader.poll(1000, usize::MAX, Duration::from_secs(1)).await.unwrap());
    }
    found.sort_by_key(|record| record.position);
    found
}

fn over(records: &[Record]) -> usize {
    let is_over = |record: &&Record| {
        event::decode_header(&record.value).is_ok_and(|header| matches!(header.request, Request::Over(_)))
    };
    records.iter().filter(is_over).count()
}

async fn sweep(around: &Surroundings, is_rehearsal: bool) -> SweepReport {
    let options = SweepOptions { grace: Duration::from_secs(7 * DAY), is_rehearsal };
    let (log, now) = (around.log.clone() as Arc<dyn EventLog>, SystemTime::now());
    sweep::run(log, &around.client, &around.blobs, &retention(), options, now).await.unwrap()
}

/// How many rows each view shows, without what the engine is about to forget.
async fn counts(around: &Surroundings) -> BTreeMap<&'static str, u64> {
    let mut found = BTreeMap::new();
    for view in VIEWS {
        found.insert(view, around.count(&format!("{view} FINAL")).await);
    }
    found
}

async fn rebuild(around: &Surroundings, address: &StoreAddress) {
    let plan = Plan { views: VIEWS.iter().map(|view| (*view).to_owned()).collect(), since: None };
    let log = around.log.clone() as Arc<dyn EventLog>;
    let report =
        rebuild::run(log, address, around.blobs.clone(), retention(), plan, SwapOptions::default(), |_, _| {}).await;
    assert_eq!(report.unwrap().unreadable, 0);
    rebuild::drop_old(address).await.unwrap();
}

/// The engine forgets rows that are over when it merges.
async fn forget(around: &Surroundings) {
    for table in [
        "runs",
        "results",
        "failures",
        "failure_messages",
        "uploads",
        "links",
        "run_notes",
        "tests",
        "suites",
        "rosters",
        "causes",
        "queues",
        "tested_weeks",
        "linked_runs",
        "receipts",
        "expired_uploads",
    ] {
        around.address.tables().query(&format!("OPTIMIZE TABLE {table} FINAL")).execute().await.unwrap();
    }
}

fn segments(around: &Surroundings) -> Vec<PathBuf> {
    let files = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files(around.folder().join("blobs/events")).flat_map(files).collect()
}

async fn archive(around: &Surroundings) {
    let (stopping, stop) = watch::channel(false);
    let log = around.log.clone() as Arc<dyn EventLog>;
    let options = ArchiveOptions { bytes: 1, age: Duration::from_secs(1) };
    let archiving = tokio::spawn(archive::run(log, around.blobs.clone(), options, stop));
    let ends = around.log.end_offsets(EVENTS_TOPIC).await.unwrap();
    wait::until_async("everything is archived", async || {
        around.log.committed_offsets(EVENTS_TOPIC, ARCHIVE_GROUP).await.unwrap() == ends
    })
    .await;
    stopping.send(true).unwrap();
    archiving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_makes_the_same_tables_again() {
    let around = Surroundings::start().await;
    store::migrate(&around.address, &retention()).await.unwrap();
    for weeks_ago in [30, 20, 12, 9, 7, 1] {
        append(&around, weeks_ago).await;
        // Each event is a segment of its own.
        archive(&around).await;
    }
    let bug =
        json!({ "bug": { "suite": "layout-tests", "test": "a", "url": "https://b.example.org/1", "is_open": true } });
    let said = events::header(now() - 40 * WEEKS, serde_json::from_value(bug).unwrap());
    around.log.append(EVENTS_TOPIC, b"", event::encode(&said, "null").unwrap().into()).await.unwrap();
    archive(&around).await;
    around.process().await;
    forget(&around).await;
    let before = counts(&around).await;
    assert_eq!((before["runs"], before["commits"], before["configurations"]), (2, 6, 6));
    assert_eq!((before["tests"], before["bugs"]), (1000, 1));

    let old = SystemTime::now() - Duration::from_secs((KEPT + 4) * WEEK);
    for segment in segments(&around) {
        File::options().write(true).open(segment).unwrap().set_times(FileTimes::new().set_modified(old)).unwrap();
    }
    let size = |paths: Vec<PathBuf>| paths.iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>();
    let (logged, archived) = (records(around.log.as_ref()).await, size(segments(&around)));
    // Three are over in the log and in the archive. The fourth may still be in the tables.
    let rehearsed = sweep(&around, true).await;
    assert_eq!(rehearsed.over, 6);
    assert_eq!(over(&records(around.log.as_ref()).await), 0);
    assert_eq!(size(segments(&around)), archived);
    let swept = sweep(&around, false).await;
    assert_eq!(swept.over, 6);
    let shorter = records(around.log.as_ref()).await;
    assert_eq!(over(&shorter), 3);
    assert_eq!(
        shorter.iter().map(|record| (record.position, record.timestamp_ms, &record.key)).collect::<Vec<_>>(),
        logged.iter().map(|record| (record.position, record.timestamp_ms, &record.key)).collect::<Vec<_>>()
    );
    let bytes = |records: &[Record]| records.iter().map(|record| record.value.len()).sum::<usize>();
    assert!(bytes(&shorter) * 5 < bytes(&logged) * 4, "{} {}", bytes(&shorter), bytes(&logged));
    assert!(size(segments(&around)) * 5 < archived * 4, "{} {archived}", size(segments(&around)));
    assert!(swept.over_bytes > 0);
    assert_eq!(sweep(&around, false).await.over, 0, "what is left stays");

    // Without a word of acceptance: no view has a row less or more.
    rebuild(&around, &around.address).await;
    // An event that is not cut down yet makes rows again that are over.
    forget(&around).await;
    assert_eq!(counts(&around).await, before);
    around.engine.shutdown().await;
}
