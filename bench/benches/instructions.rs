//! Instructions of the paths that every upload takes, and of what answers are made from, counted by callgrind, which are the same on every run of one
//! compiler: more than a path's limit fails. A change that makes a path dearer for a reason raises its limit and says
//! why; the limits are 5 % above what was counted when they were set.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../src/documents.rs"]
#[allow(dead_code)]
mod documents;
#[path = "../src/random.rs"]
mod random;

use std::borrow::Cow;
use std::hint::black_box;

use access::{AccessOptions, Caller, ConfiguredKey, Door, Guards, Kind, Secret, SessionSecret};
use analysis::changes::{Change, Histories, Subject, Suite, changes};
use analysis::history::Cell;
use analysis::rules::Rules;
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use processor::rows::EventRows;
use schema::commit::CommitInput;
use schema::configuration::Configuration;
use schema::event::{self, Header, Request};
use schema::ids::{CommitKey, ConfigId};
use schema::outcomes::{roster, surprises};
use schema::results;
use schema::store::results::{RunResults, block};
use serde_json::Value;
use serde_json::value::RawValue;

const TESTS: usize = 2_000;
const TIME: u64 = 1_760_000_000;

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut counter = Callgrind::default();
    counter.hard_limits([(EventKind::Ir, instructions)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(counter);
    config
}

fn document() -> String {
    documents::run(&documents::names(TESTS), 0, 0, TIME, 1)
}

fn member<'a>(document: &'a str, name: &str) -> &'a str {
    results::member(&results::members(document).unwrap(), name).unwrap()
}

fn upload() -> (Header, String) {
    let document = document();
    let value = |name| serde_json::from_str::<Value>(member(&document, name)).unwrap();
    let commits = value("commits");
    let commit = |value| match CommitInput::from_json(value, "main").unwrap() {
        CommitInput::Complete(commit) => commit,
        CommitInput::Reference { .. } => unreachable!("documents name their commits in full"),
    };
    let request = Request::Upload {
        suite: documents::SUITE.into(),
        configuration: Configuration::from_json(&value("configuration")).unwrap(),
        commits: commits.as_array().unwrap().iter().map(commit).collect(),
        timestamp: TIME as i64,
        links: None,
        notes: None,
    };
    let header = Header {
        event_id: Default::default(),
        received_at: TIME as i64,
        request,
        payload: None,
        fingerprint: None,
        request_id: None,
        trace: None,
        actor: None,
    };
    let results = member(&document, "test_results").to_owned();
    (header, results)
}

fn encoded() -> Vec<u8> {
    let (header, results) = upload();
    event::encode(&header, &results).unwrap()
}

fn views() -> Vec<RunResults> {
    let mut views = EventRows::default();
    views.add(event::decode(&encoded()).unwrap(), 1);
    views.results
}

// What the intake does with a document before it is appended.
#[library_benchmark(config = at_most(7_720_000))]
#[bench::document(document())]
fn check(document: String) -> usize {
    let document: &RawValue = serde_json::from_str(&document).unwrap();
    let tree = member(member(document.get(), "test_results"), "results");
    let mut tests = 0;
    results::walk(tree, |_, _| tests += 1).unwrap();
    black_box(tests)
}

/// A server that asks for keys, and one that counts.
fn door() -> (Door, String) {
    let secret = Secret::generate(Kind::Upload).unwrap();
    let digest = secret.digest().to_string();
    let scopes = vec!["upload".parse().unwrap()];
    let key = ConfiguredKey { name: "bots".into(), digest, scopes, expires: None };
    let options = AccessOptions { keys: vec![key], ..AccessOptions::default() };
    let sessions = SessionSecret::random().unwrap();
    let guards = Guards { sessions, is_secure: false, tokens: None, sign_in: None };
    let door = Door::guarded(&options, guards).unwrap();
    (door, secret.expose().to_owned())
}

// What a key adds to an upload: 2 % of `check` at most.
#[library_benchmark(config = at_most(154_000))]
#[bench::key(door())]
fn admit((door, key): (Door, String)) -> (Door, Caller) {
    let caller = door.holder(&key).unwrap();
    // The door comes back, so that its end is not counted.
    black_box((door, caller))
}

#[library_benchmark(config = at_most(2_480_000))]
#[bench::upload(upload())]
fn encode((header, results): (Header, String)) -> Vec<u8> {
    black_box(event::encode(&header, &results).unwrap())
}

// What the processor does with an event before its rows are sent.
#[library_benchmark(config = at_most(14_570_000))]
#[bench::event(encoded())]
fn materialise(event: Vec<u8>) -> EventRows {
    let mut views = EventRows::default();
    views.add(event::decode(&event).unwrap(), 1);
    black_box(views)
}

#[library_benchmark(config = at_most(1_260_000))]
#[bench::run(views())]
fn columns(runs: Vec<RunResults>) -> Vec<u8> {
    black_box(block(&runs).into_bytes())
}

/// Tests that failed on one configuration: fewer than are worth a second thread, so that the count is the same anywhere.
const HISTORIES: usize = 60;
/// Commits of each.
const COMMITS: u32 = 500;
/// One run of a sound test in so many fails.
const SELDOM: u64 = 100;

/// A third of the tests are sound but for chance, a third broke together, and a third are flaky.
struct World(Vec<(String, Vec<Cell>)>);

impl Histories for World {
    fn cells(&self, subject: usize) -> Cow<'_, [Cell]> {
        Cow::Borrowed(&self.0[subject].1)
    }
}

fn world() -> World {
    let mut random = random::Random(1);
    let mut cells = |kind: usize| -> Vec<Cell> {
        let cell = |position: u32| {
            let commit = CommitKey((TIME + u64::from(position) * 60) * 100);
            let passed = Cell::passed(commit, position, TIME as u32 + position * 60);
            let fails = match kind {
                0 => random.below(SELDOM) == 0,
                1 => position >= COMMITS / 2,
                _ => random.below(3) == 0,
            };
            let failed = u32::from(fails);
            Cell { failed, unrecovered: failed, ..passed }
        };
        (0..COMMITS).map(cell).collect()
    };
    World((0..HISTORIES).map(|test| (format!("test-{test}"), cells(test % 3))).collect())
}

// What /changes and everything that tells since when make of the histories of a suite.
#[library_benchmark(config = at_most(29_460_000))]
#[bench::suite(world())]
fn search(world: World) -> (World, Vec<Change>) {
    let subject = |(test, _): &(String, Vec<Cell>)| test.clone();
    let names: Vec<String> = world.0.iter().map(subject).collect();
    let subject = |test| Subject { test, first_name: test, configuration: ConfigId(1) };
    let subjects: Vec<Subject<'_>> = names.iter().map(|name| subject(name)).collect();
    let commits: Vec<CommitKey> = world.0[0].1.iter().map(|cell| cell.commit).collect();
    let suite = Suite {
        name: documents::SUITE,
        tests: TESTS as u32,
        commits: &commits,
        order: &commits,
        subjects: &subjects,
        histories: &world,
    };
    let found = changes(&suite, &Rules::default());
    assert!(!found.is_empty());
    black_box((world, found))
}

/// What is stored of the outcomes of a run: its roster's contents, and its surprises.
fn stored() -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut views = EventRows::default();
    views.add(event::decode(&encoded()).unwrap(), 1);
    let contents = views.rosters.into_iter().map(|row| row.content).collect();
    (contents, views.runs.remove(0).surprises)
}

// What triage, flaky tests and verdicts read of each run that they have not read yet.
#[library_benchmark(config = at_most(18_100))]
#[bench::run(stored())]
fn outcomes((contents, bytes): (Vec<Vec<u8>>, Vec<u8>)) -> (usize, usize) {
    let parts = contents.iter().filter_map(|content| roster::Part::read(content));
    let weight = parts.map(|part| part.weight()).sum();
    let failed = surprises(&bytes).filter(|surprise| surprise.outcome.has_failed()).count();
    black_box((weight, failed))
}

library_benchmark_group!(name = intake, benchmarks = [check, admit, encode]);
library_benchmark_group!(name = processor_group, benchmarks = [materialise, columns]);
library_benchmark_group!(name = answers, benchmarks = [search, outcomes]);
main!(library_benchmark_groups = [intake, processor_group, answers]);
