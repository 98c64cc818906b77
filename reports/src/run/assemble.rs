//! The tests of a run, put together from what readers find: attempts joined, tests of one name told apart, names made.
//!
//! Two elements of one name mean three things, by the tool: attempts of one test, one attempt written twice, or two tests.
//! The dialect knows which ([`Repeat`]). Where elements may belong together, tests are held back until the report ends;
//! [`limits::HELD_BYTES`] bounds how many, and hands the oldest on.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::options::Options;
use super::repeat::{Joined, Repeat, join};
use super::unique::Names;
use crate::error::Stop;
use crate::limits;
use crate::model::{Item, Problem, Source, Test};
use crate::name::Field;

/// One test as a reader finds it, with what a second element of its name would mean.
pub(crate) struct Case {
    pub(crate) test: Test,
    pub(crate) repeat: Repeat,
}

struct Held {
    test: Test,
    repeat: Repeat,
    hash: u64,
    source: usize,
    bytes: usize,
}

/// Puts the tests of a run together and hands them on.
pub(crate) struct Assembler<'a> {
    sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    /// The sink takes no more.
    stopped: bool,
    options: Options,
    names: Names,
    hasher: RandomState,
    held: VecDeque<Held>,
    /// How many tests were handed on from the front of `held`.
    gone: usize,
    by_name: FxHashMap<u64, Vec<usize>>,
    held_bytes: usize,
    report: Arc<str>,
    source: usize,
    handed_on: u64,
    found: u64,
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(options: Options, sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>) -> Self {
        Self {
            sink,
            stopped: false,
            options,
            names: Names::new(),
            hasher: RandomState::new(),
            held: VecDeque::new(),
            gone: 0,
            by_name: FxHashMap::default(),
            held_bytes: 0,
            report: Arc::from(""),
            source: 0,
            handed_on: 0,
            found: 0,
        }
    }

    /// A report begins.
    pub(crate) fn begin(&mut self, report: &str) {
        self.report = Arc::from(report);
        self.source += 1;
        self.found = 0;
    }

    /// How many tests and problems the present report has given so far.
    pub(crate) fn found(&self) -> u64 {
        self.found
    }

    /// Tests given to the sink so far.
    pub(crate) fn handed_on(&self) -> u64 {
        self.handed_on
    }

    pub(crate) fn problem(&mut self, mut problem: Problem) {
        self.found += 1;
        problem.report = Arc::clone(&self.report);
        self.give(Item::Problem(problem));
    }

    pub(crate) fn add(&mut self, case: Case) -> Result<(), Stop> {
        self.found += 1;
        let Case { mut test, repeat } = case;
        test.report = Arc::clone(&self.report);
        test.properties.truncate(limits::PROPERTIES);
        self.prepare(&mut test);
        if repeat == Repeat::Distinct {
            return self.hand_on(test);
        }
        let hash = self.hasher.hash_one(&test.parts);
        for index in self.by_name.get(&hash).into_iter().flatten() {
            let Some(held) = index.checked_sub(self.gone).and_then(|index| self.held.get_mut(index)) else { continue };
            let same_report = held.source == self.source;
            match join(&mut held.test, test, held.repeat, repeat, same_report) {
                Joined::One => {
                    let bytes = bytes(&held.test);
                    self.held_bytes = (self.held_bytes + bytes).saturating_sub(held.bytes);
                    held.bytes = bytes;
                    return self.within_bounds();
                }
                Joined::Two(other) => test = *other,
            }
        }
        let bytes = bytes(&test);
        self.held_bytes += bytes;
        let same_name = self.by_name.entry(hash).or_default();
        if same_name.len() < limits::SAME_NAME {
            same_name.push(self.gone + self.held.len());
        }
        self.held.push_back(Held { test, repeat, hash, source: self.source, bytes });
        self.within_bounds()
    }

    /// The present report has ended. What cannot be joined with another report is handed on.
    pub(crate) fn end(&mut self, source: Source) -> Result<(), Stop> {
        if !self.held.back().is_some_and(|held| held.repeat.spans_reports()) {
            self.flush()?;
        }
        self.give(Item::Source(source));
        Ok(())
    }

    /// Hands on all tests that are held back.
    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        while !self.held.is_empty() {
            self.release()?;
        }
        Ok(())
    }

    fn within_bounds(&mut self) -> Result<(), Stop> {
        while self.held_bytes > limits::HELD_BYTES {
            self.release()?;
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), Stop> {
        let Some(held) = self.held.pop_front() else { return Ok(()) };
        if let Some(indices) = self.by_name.get_mut(&held.hash) {
            indices.retain(|&index| index != self.gone);
            if indices.is_empty() {
                self.by_name.remove(&held.hash);
            }
        }
        self.gone += 1;
        self.held_bytes = self.held_bytes.saturating_sub(held.bytes);
        self.hand_on(held.test)
    }

    fn give(&mut self, item: Item) {
        self.stopped = self.stopped || (self.sink)(item).is_break();
    }

    fn prepare(&self, test: &mut Test) {
        test.parts.strip_roots(&self.options.roots);
        if let Some(rest) = test.file.as_deref().and_then(|file| self.options.roots.strip(file)) {
            test.file = Some(rest.to_owned());
        }
        for attempt in &mut test.attempts {
            attempt.started = attempt.started.take().map(|stamp| stamp.or_zone(self.options.zone));
        }
    }

    fn hand_on(&mut self, mut test: Test) -> Result<(), Stop> {
        let name = match &self.options.template {
            None => test.parts.joined(),
            Some(template) => match &test.file {
                Some(file) if test.parts.field(Field::File).is_empty() => {
                    template.write(&test.parts.clone().with(Field::File, file))
                }
                _ => template.write(&test.parts),
            },
        };
        test.name = self.names.unique(name)?;
        self.handed_on += 1;
        self.give(Item::Test(test));
        if self.stopped { Err(Stop::Stopped) } else { Ok(()) }
    }
}

/// What a test costs while it is held back.
fn bytes(test: &Test) -> usize {
    let texts = test.attempts.iter().flat_map(|attempt| [&attempt.message, &attempt.output]).flatten();
    let texts: usize = texts.map(|text| text.as_str().len()).sum();
    let properties: usize = test.properties.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
    let attempts = test.attempts.len() * size_of::<crate::model::Attempt>();
    let file = test.file.as_ref().map_or(0, String::len);
    size_of::<Held>() + 64 + 2 * test.parts.bytes() + texts + properties + attempts + file
}
