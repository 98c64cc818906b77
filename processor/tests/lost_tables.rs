//! Tables that are damaged, lost, or put back from an earlier day are made again from the events; what is over by the configured
//! retention is no loss.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use eventlog::EventLog;
use processor::events::{LostRows, lost_rows};
use processor::rebuild::{self, Plan, RebuildError, Report, SwapOptions, VIEWS};
use schema::EVENTS_TOPIC;
use schema::retention::{Retention, RetentionRule};
use schema::seconds::WEEK;
use serde_json::json;
use test_support::clock::now;
use test_support::events::{self, encoded_run};
use test_support::processing::Surroundings;
use test_support::wait;
use tokio::sync::{Mutex, watch};

/// When the runs of [`encoded_run`] were committed.
const START: i64 = 1_790_000_000;
const RUNS: u8 = 20;
const ACCEPT: SwapOptions = SwapOptions { accept_differences: true, start_over: false };

/// A process has one engine at a time; each test holds this while it has it.
static ENGINE: Mutex<()> = Mutex::const_new(());

/// Runs in both partitions, and an event that is none.
async fn with_runs() -> Surroundings {
    let around = Surroundings::divided(None).await;
    for index in 0..RUNS {
        around.log.append(EVENTS_TOPIC, &[index], encoded_run("s", i64::from(index))).await.unwrap();
    }
    around.log.append(EVENTS_TOPIC, b"bad", Bytes::from_static(b"no event")).await.unwrap();
    around.process().await;
    assert_eq!(around.count("runs").await, u64::from(RUNS));
    around
}

async fn rebuild(
    around: &Surroundings,
    plan: Plan,
    retention: &Retention,
    options: SwapOptions,
) -> Result<Report, RebuildError> {
    let log: Arc<dyn EventLog> = around.log.clone();
    let (address, blobs) = (&around.address, around.blobs.clone());
    let report = rebuild::run(log, address, blobs, retention.clone(), plan, options, |_, _| {}).await?;
    rebuild::drop_old(address).await?;
    Ok(report)
}

fn plan(views: &[&str]) -> Plan {
    Plan { views: views.iter().map(|view| (*view).to_owned()).collect(), since: None }
}

async fn execute(around: &Surroundings, sql: &str) {
    around.address.tables().query(sql).execute().await.unwrap();
}

/// Flips every bit of every column of a table, as it lies on the disk.
async fn damage(around: &Surroundings, table: &str) {
    execute(around, &format!("SYSTEM STOP MERGES {table}")).await;
    let sql = "SELECT path FROM system.parts WHERE active AND database = currentDatabase() AND table = ?";
    let parts: Vec<String> = around.address.tables().query(sql).bind(table).fetch_all().await.unwrap();
    assert!(!parts.is_empty(), "{table}");
    for part in parts {
        let files = fs::read_dir(part).unwrap().map(|entry| entry.unwrap().path());
        let columns: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "bin")).collect();
        assert!(!columns.is_empty(), "{table}");
        for column in columns {
            let flipped: Vec<u8> = fs::read(&column).unwrap().iter().map(|byte| !byte).collect();
            fs::write(&column, flipped).unwrap();
        }
    }
}

async fn lost(around: &Surroundings) -> Vec<LostRows> {
    lost_rows(around.log.as_ref(), &around.client).await.unwrap()
}

/// Runs a processor until the tables have everything that was ever written to them.
async fn shown_again(around: &Surroundings) {
    let (stopping, stop) = watch::channel(false);
    let (applied, _batches) = watch::channel(0);
    let processor = around.processor(around.log.clone(), applied, stop);
    wait::until_async("the tables have everything", async || lost(around).await.is_empty()).await;
    stopping.send(true).unwrap();
    processor.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_table_is_made_again() {
    let _alone = ENGINE.lock().await;
    let around = with_runs().await;
    let retention = Retention::default();
    for (view, rows) in [("results", 2 * u64::from(RUNS)), ("tested_weeks", 1), ("dead_letters", 1)] {
        damage(&around, view).await;
        let refused = rebuild(&around, plan(&[view]), &retention, SwapOptions::default()).await.unwrap_err();
        let told = refused.to_string();
        assert!(told.starts_with(&format!("the live tables of {view} cannot be read (Code: ")), "{told}");
        assert!(told.contains("go on with --accept-differences"), "{told}");
        // It goes on where it was.
        let report = rebuild(&around, plan(&[view]), &retention, ACCEPT).await.unwrap();
        assert_eq!((report.counts[0].before, report.counts[0].after), (None, rows), "{view}");
        assert_eq!(around.count(view).await, rows, "{view}");
    }
    // Weeks that are taken over are taken over as they are.
    damage(&around, "results").await;
    let since = Some(START + 3 * WEEK as i64);
    let later = Plan { since, ..plan(&["results"]) };
    let told = rebuild(&around, later, &retention, ACCEPT).await.unwrap_err().to_string();
    assert!(told.starts_with("weeks of results that were taken over cannot be read (Code: "), "{told}");
    let other = rebuild(&around, plan(&["results"]), &retention, ACCEPT).await.unwrap_err().to_string();
    assert!(other.contains("go on with `resultsdb rebuild --views results --from 2026-10-12` and the same"), "{other}");
    let afresh = SwapOptions { start_over: true, ..ACCEPT };
    rebuild(&around, plan(&["results"]), &retention, afresh).await.unwrap();
    assert_eq!(around.count("results").await, 2 * u64::from(RUNS));
    around.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tables_have_lost_is_written_again() {
    let _alone = ENGINE.lock().await;
    let around = with_runs().await;
    let ends = around.log.end_offsets(EVENTS_TOPIC).await.unwrap();
    assert!(ends.iter().all(|end| *end > 2), "{ends:?}");
    assert_eq!(lost(&around).await, []);

    // Tables that somebody moved away.
    for table in VIEWS.iter().chain(&["watermarks"]) {
        execute(&around, &format!("TRUNCATE TABLE {table}")).await;
    }
    let of = |partition: u32| LostRows { partition, shown: 0, done: ends[partition as usize] };
    assert_eq!(lost(&around).await, [of(0), of(1)]);
    shown_again(&around).await;
    for (table, rows) in [("runs", RUNS), ("uploads", RUNS), ("commits", RUNS), ("tests", 2), ("dead_letters", 1)] {
        assert_eq!(around.count(table).await, u64::from(rows), "{table}");
    }

    // Tables of an earlier day: what they have is not read again.
    execute(&around, "TRUNCATE TABLE commits").await;
    execute(&around, "TRUNCATE TABLE watermarks").await;
    let earlier = format!("INSERT INTO watermarks VALUES (0, {}), (1, {})", ends[0] - 2, ends[1]);
    execute(&around, &earlier).await;
    assert_eq!(lost(&around).await.iter().map(LostRows::events).sum::<u64>(), 2);
    shown_again(&around).await;
    // One of the events may be the one that is none.
    let commits = around.count("commits").await;
    assert!((1..=2).contains(&commits), "{commits}");

    // A rebuild of all says how far it is, and needs no word of acceptance where nothing can be lost.
    for table in VIEWS.iter().chain(&["watermarks"]) {
        execute(&around, &format!("TRUNCATE TABLE {table}")).await;
    }
    rebuild(&around, plan(&VIEWS), &Retention::default(), SwapOptions::default()).await.unwrap();
    assert_eq!(lost(&around).await, []);
    assert_eq!(around.count("runs").await, u64::from(RUNS));
    around.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_for_its_suite_is_no_loss() {
    let _alone = ENGINE.lock().await;
    let around = Surroundings::divided(None).await;
    let week = WEEK as i64;
    // What came long after its commit is over, by the later rule, when it was received.
    for (suite, weeks_ago, received, test) in
        [("mine", 10, 3, "gone"), ("mine", 1, 1, "stays"), ("other", 10, 3, "stays"), ("mine", 7, 7, "stays")]
    {
        let time = now() - weeks_ago * week;
        let commit = json!({"repository_id": "w", "branch": "main", "timestamp": time, "revision": 1000 - weeks_ago});
        let configuration =
            json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"});
        let results = json!({ test: {"actual": "FAIL", "log": test} });
        let run = events::run(suite, configuration, &commit, now() - received * week, &results);
        let encoded = schema::event::encode(&run.header, run.test_results.get()).unwrap();
        around.log.append(EVENTS_TOPIC, suite.as_bytes(), encoded.into()).await.unwrap();
    }
    around.process().await;
    assert_eq!((around.count("runs").await, around.count("tests").await), (4, 3));
    let rule = RetentionRule { suite: Some("mi*".to_owned()), branch: None, weeks: 4 };
    let shorter = Retention::new(None, vec![rule]).unwrap();
    let report = rebuild(&around, plan(&VIEWS), &shorter, SwapOptions::default()).await.unwrap();
    let of =
        |view: &str| report.counts.iter().find(|count| count.view == view).map(|it| (it.before, it.after)).unwrap();
    assert_eq!((of("runs"), of("failures"), of("tests")), ((Some(2), 2), (Some(2), 2), (Some(3), 2)));
    // What was not over when it came stays in the tables, which forget all suites at the same time.
    assert_eq!((around.count("runs").await, around.count("expired_uploads").await), (3, 1));
    // Again, nothing differs; and what is lost is still told.
    rebuild(&around, plan(&VIEWS), &shorter, SwapOptions::default()).await.unwrap();
    execute(&around, "INSERT INTO repositories VALUES ('unheard of', 1)").await;
    let told = rebuild(&around, plan(&VIEWS), &shorter, SwapOptions::default()).await.unwrap_err().to_string();
    assert!(told.starts_with("rows differ: repositories 2 → 1; "), "{told}");
    around.engine.shutdown().await;
}
