//! Random faults under load: whatever is killed, frozen, torn, or moved in time, what was acknowledged is shown once.
//!
//! `CHAOS_FAULTS` says how many there are in each mode; `make chaos` asks for many and shows the table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use test_support::clock::{fake, now};
use test_support::documents::upload;
use test_support::http::agent;
use test_support::load::{Load, Tally};
use test_support::random::Random;
use test_support::server::{Binary, Server, signal_to};
use test_support::stack::Stack;
use test_support::wait::until;
use test_support::workspace::example;

const RESULTSDB: Binary = test_support::resultsdb!();

/// What runs with every other test.
const SHORT: u64 = 10;

fn faults() -> u64 {
    std::env::var("CHAOS_FAULTS").map_or(SHORT, |text| text.parse().unwrap())
}

/// Counts faults of each kind, and says in the end what they did.
#[derive(Default)]
struct Table(BTreeMap<&'static str, u64>);

impl Table {
    fn count(&mut self, fault: &'static str) {
        *self.0.entry(fault).or_default() += 1;
    }

    fn print(&self, mode: &str, tally: Tally) {
        let faults: u64 = self.0.values().sum();
        println!("| {mode} | faults | uploads acknowledged | lost | doubled |\n|---|---|---|---|---|");
        println!("| all | {faults} | {} | {} | {} |", tally.acknowledged, tally.lost, tally.doubled);
        self.0.iter().for_each(|(fault, count)| println!("| {fault} | {count} | | | |"));
        assert_eq!((tally.lost, tally.doubled), (0, 0), "of {}", tally.acknowledged);
    }
}

/// Lets some more uploads begin, and waits until the first of them are acknowledged: others are then at any point.
fn some_more(load: &Arc<Load>, random: &mut Random) {
    let enough = load.acknowledged() + 1 + random.below(10) as usize;
    load.allow(12);
    until("the load goes on", || load.acknowledged() >= enough);
}

fn freeze(process: u32, how_long: Duration) {
    signal_to(process, "-STOP");
    std::thread::sleep(how_long);
    signal_to(process, "-CONT");
}

#[test]
fn everything_in_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let clock = directory.path().join("clock");
    let load = Load::with_quota();
    let mut random = Random(faults());
    let mut table = Table::default();
    let mut server = start(directory.path(), &clock, 0);
    load.direct_to(&server.url);
    let uploaders = load.start();
    for _ in 0..faults() {
        some_more(&load, &mut random);
        match random.below(8) {
            0..=2 => {
                table.count("kill -9");
                server.kill();
                server = start(directory.path(), &clock, 0);
            }
            3 => {
                table.count("kill -9, and half a record at the end of the log");
                server.kill();
                tear(&directory.path().join("data/log"), &mut random);
                server = start(directory.path(), &clock, 0);
            }
            4 => {
                table.count("stop");
                server.signal("-TERM");
                assert_eq!(server.wait(), Some(0));
                server = start(directory.path(), &clock, 0);
            }
            5 => {
                table.count("freeze");
                freeze(server.child.id(), Duration::from_millis(100 + random.below(900)));
            }
            6 => {
                table.count("the clock jumps");
                set_clock(&clock, random.below(12) as i64 - 6);
                some_more(&load, &mut random);
            }
            _ => {
                table.count("kill -9, and a start on another day's clock");
                server.kill();
                server = start(directory.path(), &clock, random.below(40) as i64 - 20);
            }
        }
        load.direct_to(&server.url);
    }
    set_clock(&clock, 0);
    some_more(&load, &mut random);
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    table.print("one process", load.tally(&server));
}

fn set_clock(clock: &Path, hours: i64) {
    std::fs::write(clock, format!("{hours:+}h")).unwrap();
}

/// A server whose clock is some hours off, and can be set while it runs.
fn start(directory: &Path, clock: &Path, hours: i64) -> Server {
    set_clock(clock, hours);
    let mut command = RESULTSDB.command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(directory.join("data"));
    command.arg("--config").arg(example("webkit.toml")).env("RUST_LOG", "error");
    fake(&mut command);
    command.env("FAKETIME_TIMESTAMP_FILE", clock).env("FAKETIME_CACHE_DURATION", "1");
    Server::run(command)
}

/// Writes what a crash in the middle of a write leaves: some bytes of a record, after the last whole one.
fn tear(log: &Path, random: &mut Random) {
    let journals = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    let mut journals: Vec<PathBuf> = journals.filter(|path| path.extension().is_some_and(|it| it == "jnl")).collect();
    journals.sort_by_key(|path| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap());
    let newest = journals.last().unwrap();
    let bytes = std::fs::read(newest).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let half: Vec<u8> = (0..1 + random.below(300)).map(|_| random.below(256) as u8).collect();
    let mut file = std::fs::OpenOptions::new().write(true).open(newest).unwrap();
    file.seek(SeekFrom::Start(end as u64)).unwrap();
    file.write_all(&half).unwrap();
}

#[test]
fn three_services_on_kafka() {
    let mut stack = Stack::start(RESULTSDB);
    stack.start_processor("second");
    let load = Load::with_quota();
    load.direct_to(&stack.ingest.url);
    let uploaders = load.start();
    let mut random = Random(faults() + 1);
    let mut table = Table::default();
    for round in 0..faults() {
        some_more(&load, &mut random);
        match random.below(16) {
            0..=2 => {
                table.count("kill -9 of a processor");
                stack.restart_processor();
            }
            3 | 4 => {
                table.count("kill -9 of the intake");
                stack.restart_ingest();
                load.direct_to(&stack.ingest.url);
            }
            5 | 6 => {
                table.count("kill -9 of the broker");
                stack.broker.kill();
                stack.broker.restart();
            }
            7..=9 => {
                table.count("kill -9 of the store");
                stack.restart_engine();
            }
            10 | 11 => {
                table.count("the store is away");
                // In the long form, once for minutes.
                let minutes = if round == 20 { 150 } else { 0 };
                freeze(stack.engine.child.id(), Duration::from_millis(minutes * 1000 + 500 + random.below(3000)));
            }
            12 => {
                table.count("a processor is taken for dead, and goes on");
                // Longer than a session, so that its partitions are another's when it wakes.
                freeze(stack.processors[0].id(), Duration::from_secs(8));
            }
            13 | 14 => {
                table.count("rebalances, one after the other");
                for name in ["third", "fourth", "fifth"] {
                    stack.start_processor(name);
                }
                stack.processors.truncate(2);
            }
            _ => {
                table.count("the broker is away");
                stack.broker.kill();
                refused(&stack.ingest.url);
                stack.broker.restart();
            }
        }
    }
    some_more(&load, &mut random);
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    stack.restart_query();
    table.print("three services", load.tally(&stack.query));
}

/// An intake that cannot append says so, and when to try again.
fn refused(url: &str) {
    let document = upload(now() - 3 * 86_400, now() - 3 * 86_400, &serde_json::json!({"t": {}}));
    let begun = Instant::now();
    let answer = agent().post(format!("{url}/api/upload")).send(&document[..]).unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
}
