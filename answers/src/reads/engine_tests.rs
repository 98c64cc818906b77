//! What only an engine can show: values arrive as they were sent, and SQL about states says what the Rust rule says.
#![allow(clippy::unwrap_used)]

use clickhouse::Row;
use embedded::{Engine, EngineOptions};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use schema::state::States;
use schema::store::StoreAddress;
use schema::store::states::{is_unexpected, names, ran};
use serde::Deserialize;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::statement_limits::StatementLimits;

/// Sets of states there are: every subset of nine, the empty one included.
const SETS: u64 = 512;
/// The same with those of tests that did not run.
const STORED: u64 = 4096;

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

async fn whether_a_test_ran_is_the_same_rule_in_sql_and_in_rust(client: &clickhouse::Client) {
    let statement = Fragment::new("SELECT groupArray(toUInt64({condition})) FROM numbers({stored})")
        .text("condition", &ran("toUInt16(number)"))
        .value("stored", STORED);
    let rows: Vec<Vec<u64>> = statement.all(client).await.unwrap();
    for (bits, found) in (0..).zip(&rows[0]) {
        let states = States::from_bits(bits);
        // A stored set is never empty: nothing at all is a PASS.
        assert!(bits == 0 || (*found == 1) == states.ran(), "{states}");
    }
}

async fn states_have_the_same_names_in_sql_and_in_rust(client: &clickhouse::Client) {
    let statement = Fragment::new("SELECT groupArray({names}) FROM numbers({stored})")
        .text("names", &names("toUInt16(number)"))
        .value("stored", STORED);
    let rows: Vec<Vec<String>> = statement.all(client).await.unwrap();
    for (bits, found) in (0..).zip(&rows[0]).skip(1) {
        assert_eq!(*found, States::from_bits(bits).to_string());
    }
}

async fn a_statement_that_takes_too_much_is_broken_off(client: &clickhouse::Client) {
    let limits = StatementLimits { seconds: 1, mebibytes: 100 };
    let limited = limits.of(client.clone());
    let endless = Fragment::new("SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1");
    let failed = endless.all::<u64>(&limited).await.unwrap_err();
    assert!(matches!(failed, AnswerError::TooLong), "{failed}");
    // Rows of this one have come when it ends.
    let slow =
        Fragment::new("SELECT number FROM numbers(1000) WHERE sleepEachRow(0.01) = 0 SETTINGS max_block_size = 10");
    let failed = slow.all::<u64>(&limited).await.unwrap_err();
    assert!(matches!(failed, AnswerError::TooLong), "{failed}");
    let large = Fragment::new("SELECT length(groupArray(number)) FROM numbers(100000000)");
    let failed = large.all::<u64>(&limited).await.unwrap_err();
    assert!(matches!(failed, AnswerError::TooLarge), "{failed}");
    // Whoever is given the same connection next is answered whole.
    for limits in [&limited, client] {
        for failing in [&endless, &large] {
            failing.all::<u64>(&limited).await.unwrap_err();
            let mut broken_off = limits.query("SELECT number FROM numbers(10000000)").fetch::<u64>().unwrap();
            assert_eq!(broken_off.next().await.unwrap(), Some(0));
            drop(broken_off);
            for _ in 0..10 {
                assert_eq!(Fragment::new("SELECT toUInt64(1)").all::<u64>(limits).await.unwrap(), [1]);
            }
        }
    }
    // Whoever has no limits, on the same connections, is not held to them.
    assert_eq!(slow.all::<u64>(client).await.unwrap().len(), 1000);
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
    whether_a_test_ran_is_the_same_rule_in_sql_and_in_rust(&client).await;
    states_have_the_same_names_in_sql_and_in_rust(&client).await;
    a_statement_that_takes_too_much_is_broken_off(&client).await;
    engine.shutdown().await;
}
