//! A short campaign for every reader, and every flood. The binary runs a long one.
#![allow(clippy::unwrap_used)]

use fuzz::memory::Counting;
use fuzz::{Campaign, TARGETS, floods, subjects};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Some seconds of all targets together, optimised; a debug build takes an order of magnitude longer for each.
const INPUTS: u64 = if cfg!(debug_assertions) { 60 } else { 1000 };

#[test]
fn every_reader_survives_spoilt_inputs() {
    let subjects = subjects();
    let outcomes = Campaign { seed: 21, first: 0, inputs: INPUTS, threads: 2 }.run(&subjects).unwrap();
    assert_eq!(outcomes.len(), subjects.len());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.inputs, INPUTS);
        // Little is left of something small that is spoilt.
        let fewest = if index < TARGETS.len() { INPUTS / 10 } else { INPUTS / 100 };
        assert!(outcome.tests > fewest, "{}: most inputs are nothing at all", outcome.name);
        assert!(outcome.peak > 0, "{}: memory is not counted", outcome.name);
        assert!(outcome.failures.is_empty(), "{} --seed 21: {:?}", outcome.name, outcome.failures);
    }
}

#[test]
fn floods_are_read_in_bounded_time_and_memory() {
    let wrong: Vec<String> = floods::FLOODS.iter().filter_map(|flood| floods::read(flood).wrong()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
