//! Rows divided among shards: each natural key lies on one of them, all of them together are what one server would have,
//! and a rebuild places rows anew where the number of shards has changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;
use std::sync::Arc;

use eventlog::EventLog;
use processor::rebuild::{self, Plan, RebuildError, Report, SwapOptions, VIEWS};
use schema::EVENTS_TOPIC;
use schema::retention::Retention;
use schema::seconds::WEEK;
use schema::store::distributed::{placement, sharding_key};
use schema::store::{self, Cluster, MigrationError, StoreAddress};
use serde_json::json;
use test_support::processing::Surroundings;
use test_support::{events, random::Random};

const SHARDS: u32 = 3;
const START: i64 = 1_790_000_000;

/// Appends runs of several suites, configurations and weeks, some of which replace others.
async fn append_runs(around: &Surroundings) {
    let mut random = Random(23);
    for index in 0..200_i64 {
        let mut below = |most| i64::try_from(random.below(most)).unwrap();
        let (suite, place, version) = (below(3), below(8), below(5));
        let commit = json!({"repository_id": "w", "branch": "main", "timestamp": START + place * WEEK as i64 / 3, "revision": place + 1});
        let configuration =
            json!({"platform": "Mac", "version": 14_000_000 + version, "is_simulator": false, "architecture": "arm64"});
        let results = json!({"a": {"actual": if below(2) == 0 { "CRASH" } else { "PASS" }}, "b": {}, "c": {"time": 7}, "d": {"e": {}}});
        let run = events::run(&format!("suite {suite}"), configuration, &commit, START + 9 * WEEK as i64, &results);
        let encoded = schema::event::encode(&run.header, run.test_results.get()).unwrap();
        around.log.append(EVENTS_TOPIC, &[index as u8], encoded.into()).await.unwrap();
    }
}

async fn rebuild(around: &Surroundings, views: &[&str], since: Option<i64>) -> Result<Report, RebuildError> {
    let plan = Plan { views: views.iter().map(|view| (*view).to_owned()).collect(), since };
    let (log, options) = (around.log.clone() as Arc<dyn EventLog>, SwapOptions::default());
    let (address, blobs) = (&around.address, around.blobs.clone());
    let report = rebuild::run(log, address, blobs, Retention::default(), plan, options, |_, _| {}).await?;
    rebuild::drop_old(address).await?;
    Ok(report)
}

/// What a table holds, by a client of the database that is asked or of the tables themselves.
async fn digest(client: &clickhouse::Client, table: &str) -> (u64, u64) {
    let sql = format!("SELECT count(), groupBitXor(sipHash64(*)) FROM {table}");
    client.query(&sql).fetch_one().await.unwrap()
}

/// Rows of a natural key stay on one shard, because its key is made of members of the natural key alone.
async fn keys_follow_from_natural_keys(address: &StoreAddress) {
    let sql = "SELECT name, sorting_key FROM system.tables WHERE database = currentDatabase()";
    let tables: Vec<(String, String)> = address.tables().query(sql).fetch_all().await.unwrap();
    assert!(tables.len() > 30);
    for (table, natural) in tables {
        let key = sharding_key(&table).unwrap_or_else(|| panic!("{table} has no key"));
        let members = |text: &str| -> BTreeSet<String> { text.split(", ").map(str::to_owned).collect() };
        let Some(columns) = key.strip_prefix("cityHash64(").and_then(|key| key.strip_suffix(')')) else {
            assert_eq!(key, "0", "{table}");
            continue;
        };
        assert!(members(columns).is_subset(&members(&natural)), "{table}: {columns} is not of {natural}");
    }
}

async fn all_shards_together_are_the_whole(around: &Surroundings) {
    let (shown, tables) = (&around.client, around.address.tables());
    for view in VIEWS {
        assert_eq!(digest(shown, view).await, digest(&tables, view).await, "{view}");
    }
    let sql = "SELECT uniqExact(shardNum()) FROM results";
    assert_eq!(shown.query(sql).fetch_one::<u64>().await.unwrap(), u64::from(SHARDS));
}

async fn databases_are_of_one_kind(address: &StoreAddress) {
    let whole = StoreAddress { cluster: Some(Cluster::new("itself", 1).unwrap()), ..address.clone() };
    let refused = store::migrate(&whole, &Retention::default()).await.unwrap_err();
    assert!(matches!(refused, MigrationError::OtherKind { is_sharded: false, .. }), "{refused}");
    let tables = StoreAddress { database: address.tables_database(), ..address.clone() };
    let refused = store::migrate(&tables, &Retention::default()).await.unwrap_err();
    assert!(matches!(refused, MigrationError::OtherKind { is_sharded: true, .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_divided_and_found() {
    let around = Surroundings::divided(Some(SHARDS)).await;
    let address = &around.address;
    // A repetition changes nothing.
    store::migrate(address, &Retention::default()).await.unwrap();
    databases_are_of_one_kind(address).await;
    keys_follow_from_natural_keys(address).await;
    append_runs(&around).await;
    around.process().await;
    all_shards_together_are_the_whole(&around).await;
    let before = digest(&around.client, "results").await;
    assert_eq!(placement(address).await.unwrap().unwrap().misplaced, []);

    rebuild(&around, &["runs", "results"], Some(START + WEEK as i64)).await.unwrap();
    all_shards_together_are_the_whole(&around).await;
    assert_eq!(digest(&around.client, "results").await, before);

    // As if the rows had been placed when there were two.
    for view in ["runs", "results"] {
        let sql = format!("ALTER TABLE {view} MODIFY COMMENT 'shards 2'");
        around.client.query(&sql).execute().await.unwrap();
    }
    let found = placement(address).await.unwrap().unwrap();
    let misplaced = |view: &str| (view.to_owned(), 2);
    assert_eq!((found.shards, found.misplaced), (u64::from(SHARDS), vec![misplaced("results"), misplaced("runs")]));
    // A migration that changes a table leaves its rows where they are.
    address.tables().query("ALTER TABLE runs ADD COLUMN more UInt8 DEFAULT 7").execute().await.unwrap();
    store::migrate(address, &Retention::default()).await.unwrap();
    assert_eq!(placement(address).await.unwrap().unwrap().misplaced.len(), 2);
    assert_eq!(around.client.query("SELECT DISTINCT more FROM runs").fetch_all::<u8>().await.unwrap(), [7]);
    let refused = rebuild(&around, &["results"], None).await.unwrap_err();
    assert!(matches!(&refused, RebuildError::Misplaced { shards: 3, views } if views == "runs"), "{refused}");
    rebuild(&around, &VIEWS, None).await.unwrap();
    all_shards_together_are_the_whole(&around).await;
    assert_eq!(digest(&around.client, "results").await, before);
    assert_eq!(placement(address).await.unwrap().unwrap().misplaced, []);
}
