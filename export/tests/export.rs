//! Files say what the tables say, are written again only where something changed, and are removed once nobody needs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clickhouse::Row;
use eventlog::EventLog;
use export::{ExportReport, Manifest};
use schema::EVENTS_TOPIC;
use schema::retention::{Retention, RetentionRule};
use schema::state::States;
use serde::Deserialize;
use serde_json::{Value, json};
use test_support::events;
use test_support::processing::Surroundings;
use tokio::sync::Mutex;

const START: i64 = 1_790_000_000;
const WEEK: i64 = 604_800;

/// A process has one engine at a time; each test holds this while it has it.
static ENGINE: Mutex<()> = Mutex::const_new(());

#[derive(Debug, PartialEq, Row, Deserialize)]
struct ResultRow {
    suite: String,
    test: String,
    platform: Option<String>,
    version: Option<i64>,
    is_simulator: Option<bool>,
    uuid: u64,
    start_time: u32,
    actual: String,
    expected: String,
    time: Option<u32>,
    extra: String,
}

fn configuration() -> Value {
    json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"})
}

async fn upload(around: &Surroundings, week: i64, start: i64, results: Value) {
    upload_of(around, "suite", week, start, results).await;
}

async fn upload_of(around: &Surroundings, suite: &str, week: i64, start: i64, results: Value) {
    let time = START + week * WEEK;
    let commit = json!({"repository_id": "w", "branch": "main", "timestamp": time, "revision": week + 1});
    let run = events::run(suite, configuration(), &commit, start, &results);
    let encoded = schema::event::encode(&run.header, run.test_results.get()).unwrap();
    around.log.append(EVENTS_TOPIC, b"k", encoded.into()).await.unwrap();
}

async fn export(around: &Surroundings, now: SystemTime) -> (ExportReport, Manifest, PathBuf) {
    export_kept(around, &Retention::default(), now).await
}

async fn export_kept(
    around: &Surroundings,
    retention: &Retention,
    now: SystemTime,
) -> (ExportReport, Manifest, PathBuf) {
    around.process().await;
    let report = export::run(&around.client, &around.blobs, retention, now).await.unwrap();
    let folder = around.folder().join("blobs");
    let manifest = serde_json::from_slice(&std::fs::read(folder.join("exports/manifest.json")).unwrap()).unwrap();
    (report, manifest, folder)
}

/// The files of a folder, without the manifest.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("exports")];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

async fn rows(around: &Surroundings, manifest: &Manifest, folder: &Path, facts: &str) -> Vec<ResultRow> {
    let mut all = Vec::new();
    for file in manifest.files.iter().filter(|file| file.facts == facts) {
        let sql = format!(
            "SELECT suite, test, platform, version, is_simulator, toUInt64(uuid) AS uuid, toUInt32(start_time) AS start_time, \
             actual, expected, CAST(time AS Nullable(UInt32)) AS time, extra FROM file('{}', Parquet, \
             'suite String, test String, platform Nullable(String), version Nullable(Int64), is_simulator Nullable(Bool), \
             uuid UInt64, start_time UInt32, actual String, expected String, time Nullable(UInt32), extra String') \
             ORDER BY test",
            folder.join(&file.path).display()
        );
        all.extend(around.client.query(&sql).fetch_all::<ResultRow>().await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn files_say_what_the_tables_say() {
    let _alone = ENGINE.lock().await;
    let around = Surroundings::divided(None).await;
    let now = SystemTime::now();
    let (report, empty, _) = export(&around, now).await;
    assert_eq!((report.written, empty.files.len()), (1, 1), "commits, of which there are none");

    let outcomes = ["PASS", "CRASH", "FAIL PASS", "SKIP", "TIMEOUT TEXT", "NOTRUN", "IMAGE"];
    let results: BTreeMap<String, Value> = outcomes
        .iter()
        .enumerate()
        .map(|(index, actual)| (format!("test {index}"), json!({"actual": actual, "time": index, "log": "a <b>"})))
        .collect();
    upload(&around, 0, START, json!(results)).await;
    around.process().await;
    // A later upload of the run takes tests back.
    upload(&around, 1, START + 5, json!({"gone": {}, "stays": {}})).await;
    around.process().await;
    upload(&around, 1, START + 5, json!({"stays": {"expected": "FAIL"}})).await;
    let (report, manifest, folder) = export(&around, now).await;
    assert_eq!((report.written, report.kept), (5, 0));
    assert_eq!(manifest.shown.iter().map(|partition| partition.next_offset).sum::<u64>(), 3);
    let found = rows(&around, &manifest, &folder, "results").await;
    assert_eq!(found.len(), outcomes.len() + 1);
    for (index, row) in found.iter().take(outcomes.len()).enumerate() {
        let wanted = States::parse(outcomes[index]).to_string();
        assert_eq!((row.test.as_str(), &row.actual), (format!("test {index}").as_str(), &wanted));
        assert_eq!((row.suite.as_str(), row.expected.as_str(), row.time), ("suite", "PASS", Some(index as u32)));
        assert_eq!(
            (row.platform.as_deref(), row.version, row.is_simulator),
            (Some("Mac"), Some(14_000_000), Some(false))
        );
        assert_eq!((row.uuid, row.start_time), (START as u64 * 100, START as u32));
        assert!(row.extra.contains("a <b>"), "{row:?}");
    }
    let last = &found[outcomes.len()];
    assert_eq!((last.test.as_str(), last.expected.as_str(), last.time), ("stays", "FAIL", None));
    for file in &manifest.files {
        let contents = std::fs::read(folder.join(&file.path)).unwrap();
        assert_eq!(file.bytes, contents.len() as u64);
        assert_eq!(file.blake3, blake3::hash(&contents).to_hex().to_string());
    }

    let (report, same, _) = export(&around, now).await;
    assert_eq!((report.written, report.kept, same.files), (0, 5, manifest.files.clone()));
    // A file that somebody removed is written again.
    std::fs::remove_file(folder.join(&manifest.files[0].path)).unwrap();
    let (report, same, _) = export(&around, now).await;
    assert_eq!((report.written, report.kept), (1, 4));
    assert_eq!(
        same.files.iter().map(|file| &file.path).collect::<Vec<_>>(),
        manifest.files.iter().map(|file| &file.path).collect::<Vec<_>>()
    );
    // One week changes, and its commit is registered again; the files from before stay for whoever has the manifest from before, and go a day later.
    upload(&around, 0, START + 9, json!({"another": {}})).await;
    let (report, changed, _) = export(&around, now).await;
    assert_eq!((report.written, report.kept, report.removed), (3, 2, 0));
    assert!(files(&folder).len() > changed.files.len());
    let later = now + Duration::from_secs(2 * 86_400);
    export(&around, later).await;
    let named: Vec<String> = {
        let mut named: Vec<String> = changed.files.iter().map(|file| file.path.clone()).collect();
        named.sort();
        named
    };
    assert_eq!(files(&folder), named);
    around.engine.shutdown().await;
}

/// The tables keep rows for the longest time of all suites; files do not.
#[tokio::test(flavor = "multi_thread")]
async fn files_leave_out_what_is_over_for_its_suite() {
    let _alone = ENGINE.lock().await;
    let around = Surroundings::divided(None).await;
    // Letters that mean something to the engine or to its client mean themselves.
    let suites = [r"it's_?\%mine", r"it'sX?\%mine", r"it's_?\%mine, not", "whole"];
    for suite in suites {
        upload_of(&around, suite, 0, START, json!({"a": {}})).await;
    }
    upload_of(&around, suites[0], 6, START, json!({"b": {}})).await;
    let rule = |suite: &str, weeks| RetentionRule { suite: Some(suite.to_owned()), branch: None, weeks };
    let retention = Retention::new(None, vec![rule(r"*'s_?\%mine", 5), rule("whole", 9)]).unwrap();
    let after = |seconds: i64| SystemTime::UNIX_EPOCH + Duration::from_secs((START + seconds) as u64);
    let exported = async |seconds: i64| -> Vec<(String, i64)> {
        let (_, manifest, folder) = export_kept(&around, &retention, after(seconds)).await;
        let found = rows(&around, &manifest, &folder, "results").await.into_iter();
        let mut found: Vec<(String, i64)> =
            found.map(|row| (row.suite, (row.uuid as i64 / 100 - START) / WEEK)).collect();
        found.sort();
        found
    };
    let all = |gone: &[&str]| {
        let kept = suites.iter().filter(|suite| !gone.contains(suite));
        let mut all: Vec<(String, i64)> = kept.map(|suite| ((*suite).to_owned(), 0)).collect();
        all.push((suites[0].to_owned(), 6));
        all.sort();
        all
    };
    let day = 86_400;
    // What is over in the course of a day is left out from the next one on.
    for (seconds, gone) in [
        (4 * WEEK, &[][..]),
        (5 * WEEK, &[][..]),
        (5 * WEEK + day, &suites[..1]),
        (9 * WEEK, &suites[..1]),
        (9 * WEEK + day, &[suites[0], "whole"][..]),
    ] {
        assert_eq!(exported(seconds).await, all(gone), "{seconds}");
    }
    let (report, ..) = export_kept(&around, &retention, after(9 * WEEK + day + 3600)).await;
    assert_eq!((report.written, report.kept), (0, 5));
    around.engine.shutdown().await;
}
