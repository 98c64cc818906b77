//! The unmodified `clickhouse` crate against the embedded engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use clickhouse::{Client, Compression, Row};
use embedded::{Engine, EngineOptions};
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Event {
    id: u64,
    name: String,
    value: f64,
    tags: Vec<String>,
    extra: Option<u32>,
}

fn event(id: u64) -> Event {
    Event {
        id,
        name: format!("it's event {}", id % 1000),
        value: id as f64 * 0.5,
        tags: vec!["a".into(), format!("x{}", id % 7)],
        extra: (!id.is_multiple_of(3)).then_some(id as u32),
    }
}

// One engine fits in a process, so one test holds every case.
#[tokio::test(flavor = "multi_thread")]
async fn the_crate_works_against_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(EngineOptions::new(folder.path().join("data"))).await.unwrap();
    let server = Client::default().with_url(engine.url()).with_user(engine.user()).with_password(engine.password());
    server.query("CREATE DATABASE app").execute().await.unwrap();
    let client = server.clone().with_database("app");

    inserts(&client).await;
    parameters(&client).await;
    settings(&client).await;
    errors(&client).await;
    streaming(&client).await;
    formats_that_are_one_file(&client).await;

    for refused in [
        client.clone().with_password("wrong"),
        client.clone().with_user("other"),
        Client::default().with_url(engine.url()),
    ] {
        let error = refused.query("SELECT 1").fetch_one::<u8>().await.unwrap_err().to_string();
        assert!(error.contains("516"), "{error}");
    }
    engine.shutdown().await;
    assert!(client.query("SELECT 1").fetch_one::<u8>().await.is_err());
}

async fn inserts(client: &Client) {
    for (table, compression) in [("plain", Compression::None), ("packed", Compression::Lz4)] {
        let client = client.clone().with_compression(compression);
        let columns = "id UInt64, name String, value Float64, tags Array(String), extra Nullable(UInt32)";
        let window = "SETTINGS non_replicated_deduplication_window = 100";
        client
            .query(&format!("CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY id {window}"))
            .execute()
            .await
            .unwrap();
        let mut insert = client.insert::<Event>(table).await.unwrap();
        for id in 0..100_000 {
            insert.write(&event(id)).await.unwrap();
        }
        insert.end().await.unwrap();
        let rows =
            client.query(&format!("SELECT ?fields FROM {table} ORDER BY id")).fetch_all::<Event>().await.unwrap();
        assert_eq!(rows.len(), 100_000);
        assert!(rows.iter().zip(0..).all(|(row, id)| *row == event(id)));
        let none = client
            .query(&format!("SELECT ?fields FROM {table} WHERE id = 999999999"))
            .fetch_optional::<Event>()
            .await
            .unwrap();
        assert_eq!(none, None);
    }
}

async fn parameters(client: &Client) {
    let sql = "SELECT ?fields FROM plain WHERE id = {id:UInt64} AND name = {name:String}";
    let row: Event = client.query(sql).param("id", 777u64).param("name", "it's event 777").fetch_one().await.unwrap();
    assert_eq!(row, event(777));
    let text = "it's a\ttab\nline \\ back\r\n--end";
    let same: String = client.query("SELECT {text:String}").param("text", text).fetch_one().await.unwrap();
    assert_eq!(same, text);
    let bound: (String, u8) = client.query("SELECT ?, ?").bind("it's ?").bind(5u8).fetch_one().await.unwrap();
    assert_eq!(bound, ("it's ?".to_owned(), 5));
}

async fn settings(client: &Client) {
    for _ in 0..2 {
        let mut insert =
            client.insert::<Event>("plain").await.unwrap().with_setting("insert_deduplication_token", "once");
        insert.write(&event(5_000_000)).await.unwrap();
        insert.end().await.unwrap();
    }
    let stored: u64 = client.query("SELECT count() FROM plain WHERE id = 5000000").fetch_one().await.unwrap();
    assert_eq!(stored, 1);

    let asked = "SELECT toString(getSetting('max_execution_time'))";
    let with: String = client.query(asked).with_setting("max_execution_time", "77").fetch_one().await.unwrap();
    assert_eq!(with, "77");
    // readonly forbids the SET that would undo it, so this connection has to be replaced.
    let _ = client.query("SELECT 1").with_setting("readonly", "1").fetch_one::<u8>().await;
    for _ in 0..8 {
        let without: String = client.query(asked).fetch_one().await.unwrap();
        assert_eq!(without, "0");
        client.query("CREATE TABLE IF NOT EXISTS writable (a UInt8) ENGINE = Memory").execute().await.unwrap();
    }
}

async fn errors(client: &Client) {
    let error = client.query("SELECT * FROM missing").fetch_one::<u64>().await.unwrap_err().to_string();
    assert!(error.contains("Code: 60") && error.contains("UNKNOWN_TABLE"), "{error}");
    let error = client.query("SELEC 1").execute().await.unwrap_err().to_string();
    assert!(error.contains("Code: 62"), "{error}");
    let late = "SELECT toUInt64(number + throwIf(number = 3000000)) FROM numbers(10000000)";
    let error = client.query(late).fetch_all::<u64>().await.unwrap_err().to_string();
    assert!(error.contains("395"), "{error}");

    let mut insert =
        client.insert::<Event>("plain").await.unwrap().with_setting("max_partitions_per_insert_block", "none");
    let _ = insert.write(&event(1)).await;
    assert!(insert.end().await.is_err());

    let mut abandoned = client.insert::<Event>("plain").await.unwrap();
    for id in 0..20_000 {
        abandoned.write(&event(7_000_000 + id)).await.unwrap();
    }
    drop(abandoned);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let stored: u64 = client.query("SELECT count() FROM plain WHERE id >= 7000000").fetch_one().await.unwrap();
    assert_eq!(stored, 0);
}

/// Of formats that have a beginning and an end, many rows are one text or file as few are.
async fn formats_that_are_one_file(client: &Client) {
    let written = async |format: &str| {
        let mut rows = client.query("SELECT number FROM numbers(300000)").fetch_bytes(format).unwrap();
        rows.collect().await.unwrap()
    };
    let json: serde_json::Value = serde_json::from_slice(&written("JSONCompact").await).unwrap();
    assert_eq!(json["data"].as_array().unwrap().len(), 300_000);
    let parquet = written("Parquet").await;
    let marks = parquet.windows(4).filter(|bytes| bytes == b"PAR1").count();
    assert_eq!((marks, parquet.starts_with(b"PAR1"), parquet.ends_with(b"PAR1")), (2, true, true));
}

async fn streaming(client: &Client) {
    let mut rows =
        client.query("SELECT number, toString(number) FROM numbers(500000)").fetch::<(u64, String)>().unwrap();
    let mut expected = 0;
    while let Some((number, text)) = rows.next().await.unwrap() {
        assert_eq!((number, text), (expected, expected.to_string()));
        expected += 1;
    }
    assert_eq!(expected, 500_000);
    // A result nobody reads to its end must give its connection back.
    for _ in 0..8 {
        let mut rows = client.query("SELECT number FROM numbers(100000000)").fetch::<u64>().unwrap();
        rows.next().await.unwrap();
    }
    assert_eq!(client.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
}
