//! Migrations and processing with a cluster configured. The embedded engine has no replication: a stand-in before it
//! takes replication out of the statements on their way, and keeps them, for the engine's parser to judge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use eventlog::EventLog;
use schema::EVENTS_TOPIC;
use schema::retention::Retention;
use schema::store::{self, Cluster, MigrationError, StoreAddress};
use test_support::events::encoded_run;
use test_support::processing::Surroundings;

const DATABASE: &str = "replicated";

struct StandIn {
    engine: String,
    statements: Mutex<Vec<String>>,
    /// Whether a request came with the settings of a quorum.
    quorum: Mutex<bool>,
}

async fn pass_on(
    State(stand_in): State<Arc<StandIn>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    let parameters = uri.query().unwrap_or_default().to_owned();
    *stand_in.quorum.lock().unwrap() |= parameters.contains("insert_quorum=2");
    let is_statement = !parameters.split('&').any(|parameter| parameter.starts_with("query="));
    let body = match std::str::from_utf8(&body) {
        Ok(sql) if is_statement => {
            stand_in.statements.lock().unwrap().push(sql.to_owned());
            Bytes::from(alone(sql))
        }
        _ => body,
    };
    let url = format!("{}/?{parameters}", stand_in.engine);
    let answer = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let request = agent.post(url).header("X-ClickHouse-User", header("x-clickhouse-user"));
        let request = request.header("X-ClickHouse-Key", header("x-clickhouse-key"));
        let mut answer = request.send(&body[..]).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
    });
    let (status, body) = answer.await.unwrap();
    (StatusCode::from_u16(status).unwrap(), body)
}

/// What an engine without replication understands.
fn alone(sql: &str) -> String {
    let database = sql.split(" ON CLUSTER ").next().unwrap_or_default();
    database.replace("ReplicatedReplacingMergeTree", "ReplacingMergeTree")
}

/// A stand-in before the engine, and the store's address as a member of a cluster would have it.
async fn member(surroundings: &Surroundings) -> (Arc<StandIn>, StoreAddress) {
    let engine = &surroundings.engine;
    let stand_in = StandIn { engine: engine.url().into(), statements: Mutex::default(), quorum: Mutex::default() };
    let stand_in = Arc::new(stand_in);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(pass_on).with_state(stand_in.clone());
    tokio::spawn(axum::serve(listener, router).into_future());
    let cluster = Some(Cluster::new("tests", 2).unwrap());
    let (user, password) = (engine.user().into(), engine.password().into());
    (stand_in, StoreAddress { url, tls: None, database: DATABASE.into(), user, password, cluster })
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_shown_with_a_cluster_configured() {
    let mut surroundings = Surroundings::start().await;
    let (stand_in, address) = member(&surroundings).await;
    // Tables that only one server has would otherwise pass for replicated ones.
    let other = StoreAddress { database: "resultsdb".into(), ..address.clone() };
    let refused = store::migrate(&other, &Retention::default()).await.unwrap_err();
    assert!(matches!(&refused, MigrationError::Database { found, .. } if found == "Atomic"), "{refused}");
    store::migrate(&address, &Retention::default()).await.unwrap();
    let statements = stand_in.statements.lock().unwrap().clone();
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
    assert!(*stand_in.quorum.lock().unwrap(), "inserts do not wait for the replicas");
}
