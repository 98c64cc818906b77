//! Migrations and processing with a cluster configured. The embedded engine has no replication: a stand-in before it
//! takes replication out of the statements on their way, and keeps them, for the engine's parser to judge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use eventlog::EventLog;
use schema::EVENTS_TOPIC;
use schema::retention::Retention;
use schema::store::{self, Cluster, MigrationError, StoreAddress};
use test_support::events::encoded_run;
use test_support::processing::Surroundings;
use test_support::shards::StandIn;

const DATABASE: &str = "replicated";

/// A stand-in before the engine, and the store's address as a member of a cluster would have it.
fn member(surroundings: &Surroundings) -> (StandIn, StoreAddress) {
    let engine = &surroundings.engine;
    let stand_in = StandIn::before(engine.url(), None);
    let cluster = Some(Cluster::new("tests", 2).unwrap());
    let (user, password, url) = (engine.user().into(), engine.password().into(), stand_in.url.clone());
    (stand_in, StoreAddress { url, tls: None, database: DATABASE.into(), user, password, cluster })
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_shown_with_a_cluster_configured() {
    let mut surroundings = Surroundings::divided(None).await;
    let (stand_in, address) = member(&surroundings);
    // Tables that only one server has would otherwise pass for replicated ones.
    let other = StoreAddress { database: "resultsdb".into(), ..address.clone() };
    let refused = store::migrate(&other, &Retention::default()).await.unwrap_err();
    assert!(matches!(&refused, MigrationError::Database { found, .. } if found == "Atomic"), "{refused}");
    store::migrate(&address, &Retention::default()).await.unwrap();
    let statements = stand_in.statements();
    for statement in &statements {
        let parse = surroundings.client.query("SELECT formatQuery(?)").bind(statement);
        let parsed: String = parse.fetch_one().await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert!(!parsed.contains("ENGINE = ReplacingMergeTree"), "{parsed}");
    }
    assert!(statements.iter().filter(|sql| sql.starts_with("CREATE TABLE")).count() > 15);
    surroundings.client = address.client();
    for index in 0..3 {
        surroundings.log.append(EVENTS_TOPIC, &[index as u8], encoded_run("s", index)).await.unwrap();
    }
    surroundings.process().await;
    assert_eq!(surroundings.count("runs").await, 3);
    assert_eq!(surroundings.count("results").await, 6);
    assert!(stand_in.has_seen("insert_quorum", "2"), "inserts do not wait for the replicas");
}
