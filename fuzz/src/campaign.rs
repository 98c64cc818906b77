//! Many inputs for many targets.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, scope};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::subject::{Checked, Subject};

/// The stack of a thread that reads: that of a server's worker.
const STACK_BYTES: usize = 2 << 20;
/// Failures of a target that are kept.
const FAILURES: usize = 10;

/// Which inputs are made.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// What decides all draws.
    pub seed: u64,
    /// The number of the first input.
    pub first: u64,
    /// How many inputs each target is given.
    pub inputs: u64,
    /// Targets at a time.
    pub threads: usize,
}

/// An input that is not read as it should be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the input.
    pub number: u64,
    /// What is wrong.
    pub what: String,
}

/// What became of a target.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The target.
    pub name: &'static str,
    /// Inputs that were read.
    pub inputs: u64,
    /// Tests that they had, or inputs that were understood.
    pub tests: u64,
    /// How long all of it took, the making of the inputs and all checks included.
    pub elapsed: Duration,
    /// The longest that one input was read for.
    pub slowest: Duration,
    /// The most memory that one input took, bytes.
    pub peak: usize,
    /// Inputs on which the reader panicked.
    pub panics: u64,
    /// The first inputs that are not read as they should be.
    pub failures: Vec<Failure>,
}

impl Campaign {
    /// Gives each target its inputs; what became of each, in the order of the targets.
    ///
    /// # Errors
    /// The seeds cannot be read, or a thread cannot be started.
    pub fn run(&self, subjects: &[&dyn Subject]) -> io::Result<Vec<Outcome>> {
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(Vec::new());
        let work = || -> io::Result<()> {
            while let Some(subject) = subjects.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.inputs_of(*subject)?;
                outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(outcome);
            }
            Ok(())
        };
        scope(|scope| {
            let start = |_| Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
            let threads = (0..self.threads.max(1)).map(start).collect::<io::Result<Vec<_>>>()?;
            threads.into_iter().try_for_each(|thread| {
                thread.join().unwrap_or_else(|panic| Err(io::Error::other(text(panic.as_ref()))))
            })
        })?;
        let mut outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        outcomes.sort_by_key(|outcome| subjects.iter().position(|subject| subject.name() == outcome.name));
        Ok(outcomes)
    }

    fn inputs_of(&self, subject: &dyn Subject) -> io::Result<Outcome> {
        let seeds = subject.seeds()?;
        if seeds.is_empty() {
            return Err(io::Error::other(format!("nothing to spoil for the target {}", subject.name())));
        }
        let begun = Instant::now();
        let mut outcome = Outcome {
            name: subject.name(),
            inputs: 0,
            tests: 0,
            elapsed: Duration::ZERO,
            slowest: Duration::ZERO,
            peak: 0,
            panics: 0,
            failures: Vec::new(),
        };
        for number in self.first..self.first + self.inputs {
            let mut rng = draws(self.seed, number);
            let bytes = subject.make(&mut rng, &seeds)?;
            outcome.take(number, subject, &mut rng, &bytes)?;
        }
        outcome.elapsed = begun.elapsed();
        Ok(outcome)
    }
}

impl Outcome {
    fn take(&mut self, number: u64, subject: &dyn Subject, rng: &mut Rng, bytes: &[u8]) -> io::Result<()> {
        self.inputs += 1;
        let what = match catch_unwind(AssertUnwindSafe(|| subject.check(bytes, rng))) {
            Ok(checked) => {
                let Checked { time, peak, tests, wrong } = checked?;
                self.slowest = self.slowest.max(time);
                self.peak = self.peak.max(peak);
                self.tests += tests as u64;
                wrong
            }
            Err(panic) => {
                self.panics += 1;
                Some(format!("a panic: {}", text(panic.as_ref())))
            }
        };
        if let Some(what) = what
            && self.failures.len() < FAILURES
        {
            self.failures.push(Failure { number, what });
        }
        Ok(())
    }
}

/// The input of a target with a number, to be looked at.
///
/// # Errors
/// The seeds cannot be read.
pub fn input(subject: &dyn Subject, seed: u64, number: u64) -> io::Result<Vec<u8>> {
    subject.make(&mut draws(seed, number), &subject.seeds()?)
}

fn draws(seed: u64, number: u64) -> Rng {
    Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number)
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}
