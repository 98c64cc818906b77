//! The stream of `go test -json`. Names are `{class}::{name}`: the package, and the test with its subtests. A test that
//! runs again, as gotestsum's `--rerun-fails` makes it, has another attempt.
//!
//! Not carried: times below 10 ms, which are written as 0; whether a failure was a panic, but for what was printed.

use std::io::BufRead;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::Lines;
use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, Source, Status, Test, Text};
use crate::name::Name;
use crate::number;
use crate::run::{Assembler, Case, Repeat};
use crate::stamp::Stamp;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    time: Option<String>,
    #[serde(default)]
    action: String,
    #[serde(default)]
    package: String,
    test: Option<String>,
    elapsed: Option<f64>,
    output: Option<String>,
    import_path: Option<String>,
    failed_build: Option<String>,
}

#[derive(Default)]
struct Running {
    order: u64,
    started: Option<Stamp>,
    output: Text,
    panicked: bool,
    timed_out: bool,
}

#[derive(Default)]
struct Package {
    running: FxHashMap<String, Running>,
    output: Text,
    timed_out: bool,
    failed: bool,
}

#[derive(Default)]
struct Stream {
    packages: FxHashMap<String, Package>,
    builds: FxHashMap<String, Text>,
    /// Bytes of output that are kept of all that runs.
    bytes: usize,
    /// Bytes of names and stamps of all that runs, packages and builds among it, within [`limits::RUNNING_BYTES`].
    running_bytes: usize,
    order: u64,
}

pub(crate) fn read(input: &mut dyn BufRead, out: &mut Assembler<'_>, source: &mut Source) -> Result<(), Stop> {
    source.tool = Some("go test".to_owned());
    let mut lines = Lines::new(input);
    let mut stream = Stream::default();
    let outcome = loop {
        match lines.next_event::<Event>() {
            Ok(Some(event)) => stream.event(event, out, source)?,
            Ok(None) => break Ok(()),
            Err(stop) => break Err(stop),
        }
    };
    stream.end(out)?;
    outcome
}

impl Stream {
    fn event(&mut self, event: Event, out: &mut Assembler<'_>, source: &mut Source) -> Result<(), Stop> {
        let time = event.time.as_deref().and_then(Stamp::parse);
        if source.started.is_none() {
            source.started.clone_from(&time);
        }
        match (event.action.as_str(), event.test) {
            ("build-output", _) => {
                let text = event.output.unwrap_or_default();
                let room = limits::RUNNING_BYTES.saturating_sub(self.bytes).min(limits::MESSAGE_BYTES);
                let path = event.import_path.unwrap_or_default();
                if self.builds.contains_key(&path) || self.take_room(path.len() + size_of::<Text>()) {
                    self.bytes += text.len().min(room);
                    self.builds.entry(path).or_default().push(&text, room);
                }
            }
            ("start", None) => drop(self.package(&event.package)),
            ("run", Some(test)) => {
                self.order += 1;
                let running = Running { order: self.order, started: time, ..Running::default() };
                // Of more tests at once than are remembered, the start is lost.
                let cost = test.len() + size_of::<Running>();
                let known = self.package(&event.package).is_some_and(|package| package.running.contains_key(&test));
                if (known || self.take_room(cost))
                    && let Some(package) = self.package(&event.package)
                {
                    package.running.insert(test, running);
                }
            }
            ("output", test) => self.output(&event.package, test.as_deref(), &event.output.unwrap_or_default()),
            ("pass" | "fail" | "skip" | "bench", Some(test)) => {
                return self.test_end(&event.package, &test, &event.action, event.elapsed, out);
            }
            ("pass" | "skip" | "fail", None) => {
                let package = self.packages.remove(&event.package);
                if package.is_some() {
                    self.running_bytes = self.running_bytes.saturating_sub(package_cost(&event.package));
                }
                let package = package.unwrap_or_default();
                let failed = event.action == "fail";
                let build = event.failed_build.and_then(|build| self.builds.get(&build).cloned());
                return self.package_end(&event.package, package, failed, build, out);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether something of this cost is to be remembered; then it counts.
    fn take_room(&mut self, cost: usize) -> bool {
        let fits = self.running_bytes + cost <= limits::RUNNING_BYTES;
        self.running_bytes += if fits { cost } else { 0 };
        fits
    }

    /// A package that runs; none where more run than are remembered.
    fn package(&mut self, name: &str) -> Option<&mut Package> {
        if !self.packages.contains_key(name) && self.take_room(package_cost(name)) {
            self.packages.insert(name.to_owned(), Package::default());
        }
        self.packages.get_mut(name)
    }

    fn output(&mut self, package: &str, test: Option<&str>, text: &str) {
        let timed_out = text.starts_with("panic: test timed out after ");
        let kept_before = self.bytes;
        let Some(package) = self.package(package) else { return };
        package.timed_out |= timed_out;
        let kept = match test.and_then(|test| package.running.get_mut(test)) {
            Some(running) => {
                running.timed_out |= timed_out;
                running.panicked |= text.starts_with("panic: ");
                // The lines that only say that a test runs.
                if text.starts_with("=== ") { None } else { Some(&mut running.output) }
            }
            None => Some(&mut package.output),
        };
        let Some(kept) = kept else { return };
        let before = kept.as_str().len();
        let room = limits::OUTPUT_BYTES.min(before + limits::RUNNING_BYTES.saturating_sub(kept_before));
        kept.push(text, room);
        self.bytes = kept_before + kept.as_str().len() - before;
    }

    fn test_end(
        &mut self,
        package: &str,
        test: &str,
        action: &str,
        elapsed: Option<f64>,
        out: &mut Assembler<'_>,
    ) -> Result<(), Stop> {
        let of = self.package(package);
        let running = of.and_then(|of| {
            of.failed |= action == "fail";
            of.running.remove(test)
        });
        if running.is_some() {
            self.running_bytes = self.running_bytes.saturating_sub(test.len() + size_of::<Running>());
        }
        let running = running.unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(running.output.as_str().len());
        let status = match action {
            "skip" => Status::Skipped,
            "fail" if running.timed_out => Status::Timeout,
            "fail" if running.panicked => Status::Crash,
            "fail" => Status::Failed,
            _ => Status::Passed,
        };
        let milliseconds = elapsed.and_then(number::from_seconds);
        out.add(case(package, test, attempt(status, milliseconds, &running)))
    }

    /// A package ends. What began in it and did not end was running when its process died.
    fn package_end(
        &mut self,
        name: &str,
        package: Package,
        failed: bool,
        build: Option<Text>,
        out: &mut Assembler<'_>,
    ) -> Result<(), Stop> {
        self.bytes = self.bytes.saturating_sub(package.output.as_str().len());
        let mut running: Vec<_> = package.running.into_iter().collect();
        running.sort_by_key(|(_, running)| running.order);
        let explained = package.failed || !running.is_empty();
        for (test, running) in running {
            self.bytes = self.bytes.saturating_sub(running.output.as_str().len());
            self.running_bytes = self.running_bytes.saturating_sub(test.len() + size_of::<Running>());
            let timed_out = running.timed_out || package.timed_out;
            let status = match timed_out {
                // A benchmark has no end but its figures.
                _ if test.starts_with("Benchmark") && running.output.as_str().contains("/op") => Status::Passed,
                true => Status::Timeout,
                false => Status::Crash,
            };
            out.add(case(name, &test, attempt(status, None, &running)))?;
        }
        if failed && !explained {
            let message = build.unwrap_or(package.output);
            let status = if package.timed_out { Status::Timeout } else { Status::Error };
            out.problem(Problem::outside(name, message.as_str(), status));
        }
        Ok(())
    }

    fn end(mut self, out: &mut Assembler<'_>) -> Result<(), Stop> {
        let mut left: Vec<_> = std::mem::take(&mut self.packages).into_iter().collect();
        left.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, package) in left {
            out.problem(Problem::incomplete(&name, "the stream ends before the package does", Status::Error));
            self.package_end(&name, package, false, None, out)?;
        }
        Ok(())
    }
}

fn package_cost(name: &str) -> usize {
    name.len() + size_of::<(String, Package)>() + 32
}

fn attempt(status: Status, milliseconds: Option<f64>, running: &Running) -> Attempt {
    let output = running.output.as_str();
    let message = if status == Status::Passed { "" } else { output };
    Attempt::new(status, milliseconds).with_start(running.started.clone()).with_message(message).with_output(output)
}

fn case(package: &str, test: &str, attempt: Attempt) -> Case {
    Case { test: Test::new(Name::of_class(package, test), vec![attempt]), repeat: Repeat::NextAttempt }
}
