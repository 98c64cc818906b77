//! The three services on real Kafka: they answer as recorded, and lose and double nothing when they are killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use test_support::contract::Corpus;
use test_support::load::Load;
use test_support::random::Random;
use test_support::server::Binary;
use test_support::stack::Stack;
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();

#[test]
fn the_services_answer_as_recorded() {
    let stack = Stack::start(RESULTSDB);
    let outcome = Corpus::load().replay(&stack.ingest.url, &stack.query.url);
    assert!(outcome.failures.is_empty(), "{}", outcome.failures.join("\n"));
    assert!(outcome.passed > 500, "only {} cases were found", outcome.passed);
}

/// Processes, the broker and the store die at moments that the load chooses.
#[test]
fn acknowledged_uploads_are_there_once_after_twenty_kills() {
    let mut stack = Stack::start(RESULTSDB);
    let load = Load::new();
    load.direct_to(&stack.ingest.url);
    let uploaders = load.start();
    let mut random = Random(20);
    for round in 0..20 {
        let enough = load.acknowledged() + random.below(20) as usize;
        until("the load goes on", || load.acknowledged() >= enough);
        match round % 5 {
            0 | 3 => stack.restart_processor(),
            1 => {
                stack.restart_ingest();
                load.direct_to(&stack.ingest.url);
            }
            2 => {
                stack.broker.kill();
                stack.broker.restart();
            }
            _ => {
                stack.restart_engine();
                stack.restart_query();
            }
        }
    }
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    assert!(load.acknowledged() > 50);
    load.check(&stack.query);
}
