//! Load for hours, far below what the machine can take, while everything turns that turns in years: weeks, retention,
//! merges, journals of the log, certificates. What is judged is whether anything grows, and whether every upload is shown
//! once. Small runs fill one suite after the other, and questions go to the one that was filled last, so that none is about more
//! runs than the one before.
//!
//! Commits move over weeks up to now. Some of the first uploads are on commits whose time to live ends in the middle of the
//! run, so that their week falls out.
//!
//! Data flow: [`setting`] starts the server → [`senders`] upload and [`askers`] ask at steady
//! rates, and keep times in [`times`] → [`ledger`] looks for what was acknowledged → [`sample`] looks at the process →
//! [`verdict`] prints and judges.

mod askers;
mod ledger;
mod sample;
mod senders;
mod setting;
mod times;
mod verdict;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use schema::seconds::{DAY, WEEK};

use crate::now;
use ledger::Ledger;
use sample::Sample;
use setting::{Agents, Setting};
use times::Times;

/// Between two looks whether something is due.
const STEP: Duration = Duration::from_secs(1);
/// Samples are taken so often, but for short runs.
const SAMPLED: Duration = Duration::from_secs(15);
/// A short run has so many all the same.
const SAMPLES: u32 = 60;
/// Where in the run it is looked whether what is about to end is shown, and where the first of it ends.
const BEFORE_THE_END: f64 = 0.45;
const FIRST_END: f64 = 0.5;
/// How often certificates are replaced within a run.
const CERTIFICATES: u32 = 8;

/// How long, and how much is sent and asked.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Soak {
    /// Hours of load; 0.05 are three minutes
    #[arg(long, default_value_t = 2.0)]
    hours: f64,
    /// Small uploads a second of all connections together
    #[arg(long, default_value_t = 130)]
    rate: u32,
    /// Connections, each of which sends its next upload when it is due and the one before is answered
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Seconds between two uploads of 60,000 tests
    #[arg(long, default_value_t = 30)]
    large_every: u64,
    /// Questions a second
    #[arg(long, default_value_t = 5)]
    questions: u32,
    /// Weeks that commits move over; more where they could not have a second each. Results are kept for one week more
    #[arg(long, default_value_t = 5)]
    weeks: u64,
}

/// The course of a run: when it began, and how fast commits move.
#[derive(Debug, Clone, Copy)]
struct Course {
    begun: Instant,
    length: Duration,
    /// The time of the beginning, seconds since 1970.
    start: u64,
    weeks: u64,
}

impl Course {
    fn new(soak: &Soak) -> anyhow::Result<Self> {
        let length = Duration::try_from_secs_f64(soak.hours * 3600.0)?;
        let uploads = f64::from(soak.rate + 1) * length.as_secs_f64();
        let weeks = soak.weeks.max((uploads / WEEK as f64).ceil() as u64);
        Ok(Self { begun: Instant::now(), length, start: now()?, weeks })
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The time, seconds since 1970.
    fn now(&self) -> u64 {
        self.start + self.elapsed().as_secs()
    }

    fn is_over(&self) -> bool {
        self.elapsed() >= self.length
    }

    /// Weeks that results are kept.
    fn kept(&self) -> u64 {
        self.weeks + 1
    }

    /// The time of the newest commit now, seconds since 1970. The first one is not in the week that is to fall out.
    fn newest(&self) -> u64 {
        let (share, all) = (self.elapsed().div_duration_f64(self.length), self.weeks * WEEK - DAY);
        self.start - all + (share * all as f64) as u64
    }

    /// The time of the first commit whose time to live ends within the run, seconds since 1970.
    fn ending(&self) -> u64 {
        self.start - self.kept() * WEEK + self.length.mul_f64(FIRST_END).as_secs()
    }
}

/// Runs the load and judges it.
pub(crate) fn measure(binary: &Path, soak: &Soak) -> anyhow::Result<()> {
    // The weeks follow from the length alone, and the time begins when the server is there.
    let mut setting = Setting::start(binary, Course::new(soak)?.kept())?;
    let course = Course::new(soak)?;
    let (times, ledger, stopped) = (Times::default(), Ledger::default(), AtomicBool::new(false));
    println!(
        "{} small uploads and {} questions a second for {:.0} minutes, over {} weeks of commits; results are kept for {}",
        soak.rate,
        soak.questions,
        course.length.as_secs_f64() / 60.0,
        course.weeks,
        course.kept()
    );
    let agents = setting.agents()?;
    let samples = std::thread::scope(|scope| {
        let sending = scope.spawn(|| senders::send(soak, course, &agents, &times, &ledger));
        let asking = scope.spawn(|| askers::ask(soak, course, &agents, &times, &ledger));
        let looking = scope.spawn(|| ledger.look(&agents, &stopped));
        let samples = attend(course, &mut setting, &agents, &ledger);
        let ended = [sending.join(), asking.join()];
        stopped.store(true, Ordering::SeqCst);
        let ended = ended.into_iter().chain([looking.join()]);
        for thread in ended {
            thread.unwrap_or_else(|_| anyhow::bail!("a thread panicked"))?;
        }
        samples
    })?;
    let shown = ledger.look_again(&agents)?;
    let still_there = ledger.ending_shown(&agents)?;
    let parts_left = setting.parts_of_week(course.ending())?;
    let turned = setting.stop()?;
    verdict::print(course, &samples, &times, &turned);
    let judged = verdict::Counts { shown, still_there, parts_left, times: &times };
    anyhow::ensure!(verdict::judge(course, &samples, &judged), "not flat, or not whole");
    Ok(())
}

/// Replaces certificates and takes samples until the run is over.
fn attend(course: Course, setting: &mut Setting, agents: &Agents, ledger: &Ledger) -> anyhow::Result<Vec<Sample>> {
    let every = SAMPLED.min(course.length / SAMPLES).max(STEP);
    let renewed = course.length / CERTIFICATES;
    let (mut next_sample, mut next_renewal, mut samples) = (every, renewed, Vec::new());
    let mut has_looked = false;
    while !course.is_over() {
        let elapsed = course.elapsed();
        if elapsed >= next_renewal {
            setting.renew()?;
            next_renewal += renewed;
        }
        if !has_looked && elapsed >= course.length.mul_f64(BEFORE_THE_END) {
            has_looked = true;
            ledger.look_at_ending(agents)?;
        }
        if elapsed >= next_sample {
            let sample = setting.sample(elapsed)?;
            println!("{sample}");
            samples.push(sample);
            next_sample += every;
        }
        std::thread::sleep(STEP);
    }
    Ok(samples)
}
