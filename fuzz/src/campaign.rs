//! Many inputs for many targets.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, scope};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::check::check;
use crate::mutate::mutate;
use crate::packing::Packing;
use crate::seeds;
use crate::targets::Target;

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
    /// Tests that they had.
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
    /// The reports cannot be read, or a thread cannot be started.
    pub fn run(&self, targets: &[Target]) -> io::Result<Vec<Outcome>> {
        let all = seeds::all()?;
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(Vec::new());
        let work = || -> io::Result<()> {
            while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.target(target, &all)?;
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
        outcomes.sort_by_key(|outcome| targets.iter().position(|target| target.name == outcome.name));
        Ok(outcomes)
    }

    fn target(&self, target: &Target, all: &[Vec<u8>]) -> io::Result<Outcome> {
        let seeds = seeds::of(target, all)?;
        if seeds.is_empty() {
            return Err(io::Error::other(format!("no report for the target {}", target.name)));
        }
        let begun = Instant::now();
        let mut outcome = Outcome {
            name: target.name,
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
            let bytes = made(target, &mut rng, &seeds)?;
            outcome.take(number, &bytes, target, &mut rng)?;
        }
        outcome.elapsed = begun.elapsed();
        Ok(outcome)
    }
}

impl Outcome {
    fn take(&mut self, number: u64, bytes: &[u8], target: &Target, rng: &mut Rng) -> io::Result<()> {
        self.inputs += 1;
        let what = match catch_unwind(AssertUnwindSafe(|| check(target, bytes, rng))) {
            Ok(checked) => {
                let checked = checked?;
                self.slowest = self.slowest.max(checked.time);
                self.peak = self.peak.max(checked.peak);
                self.tests += checked.tests as u64;
                checked.wrong
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
/// The reports cannot be read.
pub fn input(target: &Target, seed: u64, number: u64) -> io::Result<Vec<u8>> {
    let seeds = seeds::of(target, &seeds::all()?)?;
    made(target, &mut draws(seed, number), &seeds)
}

fn draws(seed: u64, number: u64) -> Rng {
    Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number)
}

fn made(target: &Target, rng: &mut Rng, seeds: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    if target.packing == Packing::Plain {
        return Ok(mutate(rng, seeds, target.tokens));
    }
    // Half of the archives are whole, with spoilt reports in them; the others are spoilt themselves.
    let count = rng.usize(1..4);
    let whole = rng.bool();
    let report = |rng: &mut Rng| match whole {
        true => mutate(rng, seeds, target.tokens),
        false => rng.choice(seeds).cloned().unwrap_or_default(),
    };
    let reports: Vec<Vec<u8>> = (0..count).map(|_| report(rng)).collect();
    let packed = target.packing.pack(rng, &reports)?;
    Ok(if whole { packed } else { mutate(rng, &[packed], target.tokens) })
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}
