//! What only an engine can show: values arrive as they were sent, and SQL about states says what the Rust rule says.
#![allow(clippy::unwrap_used)]

use clickhouse::Row;
use embedded::{Engine, EngineOptions};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use schema::state::States;
use schema::store::StoreAddress;
use schema::store::states::is_unexpected;
use serde::Deserialize;

use super::statement::Fragment;

/// Sets of states there are: every subset of nine, the empty one included.
const SETS: u64 = 512;

#[derive(Debug, PartialEq, Row, Deserialize)]
struct Values {
    one: String,
    all: Vec<String>,
    number: u64,
    numbers: Vec<u64>,
}

async fn values_arrive_as_they_were_sent(client: &clickhouse::Client) {
    let mut runner = TestRunner::deterministic();
    let texts = prop::collection::vec(".{0,12}|[\\\\'\"\t\n\r{}:,\\[\\]]{0,8}|N|\\\\N", 0..6);
    for _ in 0..200 {
        let texts: Vec<String> = texts.new_tree(&mut runner).unwrap().current();
        let number = any::<u64>().new_tree(&mut runner).unwrap().current();
        let one = texts.first().cloned().unwrap_or_default();
        let statement = Fragment::new("SELECT {one} AS one, {all} AS all, {number} AS number, {numbers} AS numbers")
            .value("one", &one)
            .list("all", &texts)
            .value("number", number)
            .list("numbers", [number, 0]);
        let rows: Vec<Values> = statement.all(client).await.unwrap();
        assert_eq!(rows, [Values { one, all: texts, number, numbers: vec![number, 0] }]);
    }
}

async fn unexpected_is_the_same_rule_in_sql_and_in_rust(client: &clickhouse::Client) {
    let condition = is_unexpected("toUInt16(number % {sets})", "toUInt16(intDiv(number, {sets}))");
    let statement = Fragment::new("SELECT groupArray(toUInt64({condition})) FROM numbers({pairs})")
        .text("condition", &condition)
        .value("sets", SETS)
        .value("pairs", SETS * SETS);
    let rows: Vec<Vec<u64>> = statement.all(client).await.unwrap();
    for (pair, found) in (0..).zip(&rows[0]) {
        // A stored set is never empty: nothing at all is a PASS.
        let states = |bits: u64| States::from_bits(bits as u16);
        let (actual, expected) = (states(pair % SETS), states(pair / SETS));
        if pair % SETS != 0 && pair / SETS != 0 {
            assert_eq!(*found == 1, actual.unexpected_state(expected).is_failure(), "{actual}, expected {expected}");
        }
    }
}

/// One engine fits in a process, so that both share it.
#[tokio::test(flavor = "multi_thread")]
async fn statements_mean_in_the_engine_what_they_mean_here() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(EngineOptions::new(directory.path().join("store"))).await.unwrap();
    let address = StoreAddress {
        tls: None,
        url: engine.url().to_owned(),
        database: "default".to_owned(),
        user: engine.user().to_owned(),
        password: engine.password().to_owned(),
        cluster: None,
    };
    let client = address.client();
    values_arrive_as_they_were_sent(&client).await;
    unexpected_is_the_same_rule_in_sql_and_in_rust(&client).await;
    engine.shutdown().await;
}
