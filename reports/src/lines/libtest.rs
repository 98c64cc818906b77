//! The JSON lines of libtest: `cargo nextest run --message-format libtest-json`, `cargo test -- --format json`. Names are
//! `{class}::{name}`: the binary, which only nextest gives, and the test's path.
//!
//! Not carried: starts; of attempts before the last, all but their number.

use std::io::BufRead;

use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::Lines;
use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Source, Status, Test};
use crate::name::Name;
use crate::number;
use crate::run::{Assembler, Case, Repeat};

/// Tests that run at once and are remembered, to tell which did not end.
const RUNNING: usize = 4096;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    name: String,
    exec_time: Option<f64>,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    message: String,
}

pub(crate) fn read(input: &mut dyn BufRead, out: &mut Assembler<'_>, source: &mut Source) -> Result<(), Stop> {
    source.tool = Some("libtest".to_owned());
    let mut lines = Lines::new(input);
    let mut running = FxHashSet::default();
    let outcome = loop {
        match lines.next_event::<Event>() {
            Ok(Some(event)) => test(event, &mut running, out)?,
            Ok(None) => break Ok(()),
            Err(stop) => break Err(stop),
        }
    };
    // What began and did not end was running when its process died.
    let mut running: Vec<_> = running.into_iter().collect();
    running.sort();
    for name in running {
        let test = Test::new(name_of(&name), vec![Attempt::new(Status::Crash, None)]);
        out.add(Case { test, repeat: Repeat::Distinct })?;
    }
    outcome
}

fn test(event: Event, running: &mut FxHashSet<String>, out: &mut Assembler<'_>) -> Result<(), Stop> {
    let status = match (event.kind.as_str(), event.event.as_str()) {
        ("test", "started") => {
            if running.len() < RUNNING && event.name.len() <= limits::NAME_BYTES {
                running.insert(event.name);
            }
            return Ok(());
        }
        ("test", "ok") | ("bench", "") => Status::Passed,
        ("test", "failed") => Status::Failed,
        ("test", "ignored") => Status::Skipped,
        // Also `timeout`, which says of a test that still runs that it is over its time.
        _ => return Ok(()),
    };
    // `name#3` is the third attempt.
    let (name, number) = match event.name.rsplit_once('#').map(|(name, number)| (name, number.parse::<usize>())) {
        Some((name, Ok(number))) => (name, number.clamp(1, limits::ATTEMPTS)),
        _ => (event.name.as_str(), 1),
    };
    running.remove(name);
    let text = if event.message.is_empty() { &event.stdout } else { &event.message };
    let last = Attempt::new(status, event.exec_time.and_then(number::from_seconds))
        .with_message(if status == Status::Failed { text } else { "" })
        .with_output(&event.stdout);
    let mut attempts = vec![Attempt::new(Status::Failed, None); number - 1];
    attempts.push(last);
    out.add(Case { test: Test::new(name_of(name), attempts), repeat: Repeat::Distinct })
}

fn name_of(name: &str) -> Name {
    let (binary, test) = name.split_once('$').unwrap_or(("", name));
    Name::of_class(binary, test)
}
