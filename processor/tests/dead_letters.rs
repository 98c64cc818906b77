//! Decisions about dead letters are events: a redelivered letter does not take them back, and a rebuild makes them again.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::sync::Arc;

use eventlog::{EventLog, Position};
use processor::rebuild::{self, Plan, SwapOptions, VIEWS};
use schema::EVENTS_TOPIC;
use schema::clock::Clock;
use schema::event::{self, DeadLetterDecision, Decision, Request};
use schema::retention::Retention;
use schema::seconds::WEEK;
use schema::store::rows::DeadLetterRow;
use test_support::events;
use test_support::events::encoded_run;
use test_support::processing::Surroundings;
use tokio::sync::Mutex;

const KEY: &[u8] = b"one partition";

/// A process has one engine at a time; each test holds this while it has it.
static ENGINE: Mutex<()> = Mutex::const_new(());

/// What a decision about a letter is written as.
fn decided(letter: &DeadLetterRow, decision: Decision) -> Vec<u8> {
    let DeadLetterRow { partition, offset, found_at, cause, key, event, .. } = letter.clone();
    let decision = DeadLetterDecision { partition, offset, found_at, cause, key, decision };
    let header = events::header(1_790_000_200, Request::DeadLetterDecision(decision));
    event::encode(&header, &DeadLetterDecision::payload(&event)).unwrap()
}

async fn letters(around: &Surroundings) -> Vec<DeadLetterRow> {
    let sql = "SELECT ?fields FROM dead_letters ORDER BY partition, offset";
    around.client.query(sql).fetch_all().await.unwrap()
}

async fn states(around: &Surroundings) -> Vec<String> {
    letters(around).await.into_iter().map(|letter| letter.state).collect()
}

async fn rebuild(around: &Surroundings, views: &[&str], options: SwapOptions) -> rebuild::Report {
    let address = &around.address;
    let plan = Plan { views: views.iter().map(|view| (*view).to_owned()).collect(), since: None };
    let log: Arc<dyn EventLog> = around.log.clone();
    let report =
        rebuild::run(log, address, around.blobs.clone(), Retention::default(), plan, options, |_, _| {}).await.unwrap();
    rebuild::drop_old(address).await.unwrap();
    report
}

/// A log with a run and three damaged events; their letters.
async fn with_letters() -> (Surroundings, Vec<DeadLetterRow>) {
    let around = Surroundings::start().await;
    around.log.append(EVENTS_TOPIC, KEY, encoded_run("s", 1)).await.unwrap();
    for damaged in [&b"\x07one \xff"[..], b"\x07two", b"\x07three"] {
        around.log.append(EVENTS_TOPIC, KEY, damaged.to_vec().into()).await.unwrap();
    }
    around.process().await;
    let letters = letters(&around).await;
    assert_eq!(states(&around).await, ["waiting"; 3]);
    (around, letters)
}

/// Writes rows to the table itself.
async fn insert(around: &Surroundings, rows: &[DeadLetterRow]) {
    let mut insert = around.client.insert::<DeadLetterRow>("dead_letters").await.unwrap();
    for row in rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();
}

async fn decide(around: &Surroundings, letter: &DeadLetterRow, decision: Decision) -> Position {
    around.log.append(EVENTS_TOPIC, &letter.key, decided(letter, decision).into()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_makes_decisions_again() {
    let _alone = ENGINE.lock().await;
    let (around, found) = with_letters().await;
    decide(&around, &found[0], Decision::Replayed).await;
    decide(&around, &found[1], Decision::Discarded).await;
    around.process().await;
    let decided = letters(&around).await;
    assert_eq!(
        decided.iter().map(|letter| letter.state.as_str()).collect::<Vec<_>>(),
        ["replayed", "discarded", "waiting"]
    );
    for (found, decided) in found.iter().zip(&decided) {
        let without_decision = DeadLetterRow { state: found.state.clone(), version: found.version, ..decided.clone() };
        assert_eq!(without_decision, *found, "a decision changes nothing else of a letter");
    }

    // The same events come again, as after a processor that died before it committed them.
    insert(&around, &found).await;
    assert_eq!(letters(&around).await, decided);

    rebuild(&around, &VIEWS, SwapOptions::default()).await;
    assert_eq!(letters(&around).await, decided);
    around.address.tables().query("TRUNCATE TABLE dead_letters").execute().await.unwrap();
    // Nothing can be lost of a view that shows nothing.
    let report = rebuild(&around, &["dead_letters"], SwapOptions::default()).await;
    assert_eq!((report.counts[0].before, report.counts[0].after), (Some(0), 3));
    assert_eq!(letters(&around).await, decided);
    around.engine.shutdown().await;
}

/// A second holds several rebuilds, and a clock may be set back: what the last one made is not taken for what this one is to
/// make.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_of_a_later_generation_than_the_last_by_any_clock() {
    let _alone = ENGINE.lock().await;
    let (around, _) = with_letters().await;
    let ahead = Clock::system().now() + WEEK;
    let comment = format!("ALTER TABLE dead_letters MODIFY COMMENT 'generation {ahead}'");
    around.address.tables().query(&comment).execute().await.unwrap();
    for _ in 0..2 {
        let report = rebuild(&around, &["dead_letters"], SwapOptions::default()).await;
        assert_eq!((report.counts[0].before, report.counts[0].after), (Some(3), 3));
    }
    let sql = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = 'dead_letters'";
    let comment: String = around.address.tables().query(sql).fetch_one().await.unwrap();
    assert_eq!(comment, format!("generation {}", ahead + 2));
    around.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_decision_counts() {
    let _alone = ENGINE.lock().await;
    let (around, found) = with_letters().await;
    for decision in [Decision::Discarded, Decision::Replayed] {
        decide(&around, &found[0], decision).await;
    }
    around.process().await;
    assert_eq!(states(&around).await, ["replayed", "waiting", "waiting"]);
    around.engine.shutdown().await;
}

/// Earlier versions wrote decisions into the table, with the seconds of their time as version.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_before_they_were_events_outlive_a_rebuild() {
    let _alone = ENGINE.lock().await;
    let (around, found) = with_letters().await;
    let discarded = DeadLetterRow { state: "discarded".into(), version: 1_790_000_300, ..found[0].clone() };
    insert(&around, &[discarded]).await;
    rebuild(&around, &VIEWS, SwapOptions::default()).await;
    assert_eq!(states(&around).await, ["discarded", "waiting", "waiting"]);
    // A decision that is an event is later than any of those.
    decide(&around, &found[0], Decision::Replayed).await;
    around.process().await;
    assert_eq!(states(&around).await, ["replayed", "waiting", "waiting"]);
    around.engine.shutdown().await;
}

/// The store gives letters up a year after they were found, sooner or later; a rebuild, whose tables never hold them, is
/// not refused for that.
#[tokio::test(flavor = "multi_thread")]
async fn letters_that_are_over_do_not_hold_a_rebuild_up() {
    let _alone = ENGINE.lock().await;
    let (around, found) = with_letters().await;
    let execute = async |sql: &str| around.address.tables().query(sql).execute().await.unwrap();
    execute("ALTER TABLE dead_letters MODIFY TTL toDateTime(found_at) + INTERVAL 50 YEAR").await;
    let old = DeadLetterRow { found_at: 1_000_000_000, offset: 1_000, ..found[0].clone() };
    decide(&around, &old, Decision::Discarded).await;
    around.process().await;
    // What is over stays until the next merge, which does not come.
    execute("SYSTEM STOP MERGES dead_letters").await;
    let shorten = "ALTER TABLE dead_letters MODIFY TTL toDateTime(found_at) + INTERVAL 365 DAY \
                   SETTINGS materialize_ttl_after_modify = 0";
    execute(shorten).await;
    assert_eq!(around.count("dead_letters").await, 4);
    let report = rebuild(&around, &["dead_letters"], SwapOptions::default()).await;
    assert_eq!((report.counts[0].before, report.counts[0].after), (Some(3), 3));
    around.engine.shutdown().await;
}
