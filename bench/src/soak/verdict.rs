//! What a run was like at its beginning, in its middle and at its end, and whether that is flat.

use std::ops::Range;
use std::time::Duration;

use super::Course;
use super::ledger::Shown;
use super::sample::Sample;
use super::setting::Turned;
use super::times::{Times, What};
use crate::MIB;
use crate::report::{percentile, show};

/// The last third may be so many times the middle third.
const FLAT: f64 = 1.15;
/// Beside that, what small numbers may vary by: a merge, a few connections.
const FEW: f64 = 30.0;
/// Times of a machine that others use vary by so much, milliseconds.
const JITTER: f64 = 30.0;

/// A figure of a sample.
struct Gauge {
    what: &'static str,
    of: fn(&Sample) -> f64,
    /// Whether it is judged, and by how much it may grow beside its share; what grows with every upload is not.
    slack: Option<f64>,
}

const GAUGES: [Gauge; 7] = [
    Gauge { what: "memory, MiB", of: |sample| sample.memory / MIB, slack: Some(0.0) },
    Gauge { what: "parts", of: |sample| sample.parts, slack: Some(FEW) },
    Gauge { what: "open files", of: |sample| sample.files, slack: Some(FEW) },
    Gauge { what: "threads", of: |sample| sample.threads, slack: Some(FEW) },
    Gauge { what: "tables, MiB", of: |sample| sample.store / MIB, slack: None },
    Gauge { what: "log, MiB", of: |sample| sample.log / MIB, slack: None },
    Gauge { what: "files of the log", of: |sample| sample.log_files, slack: None },
];
const TIMES: [(&str, What); 3] =
    [("upload acknowledged", What::Acknowledged), ("upload visible", What::Visible), ("question", What::Answered)];

/// What was counted over the whole run.
pub(super) struct Counts<'a> {
    pub(super) shown: Shown,
    /// Uploads that are shown although their time to live is over.
    pub(super) still_there: usize,
    /// Parts of their week that are on disk.
    pub(super) parts_left: usize,
    pub(super) times: &'a Times,
}

/// A part of the run, from one share of it to another.
fn part(course: Course, from: f64, to: f64) -> Range<Duration> {
    course.length.mul_f64(from)..course.length.mul_f64(to)
}

fn mean(samples: &[Sample], part: &Range<Duration>, of: fn(&Sample) -> f64) -> f64 {
    let within: Vec<f64> = samples.iter().filter(|sample| part.contains(&sample.at)).map(of).collect();
    within.iter().sum::<f64>() / (within.len() as f64).max(1.0)
}

fn milliseconds(times: &mut [Duration], percent: usize) -> f64 {
    percentile(times, percent).as_secs_f64() * 1000.0
}

/// Prints the first, the middle and the last tenth.
pub(super) fn print(course: Course, samples: &[Sample], times: &Times, turned: &Turned) {
    let tenths = [part(course, 0.0, 0.1), part(course, 0.45, 0.55), part(course, 0.9, 1.1)];
    println!("\n| figure | first tenth | middle | last tenth |\n|---|---|---|---|");
    for Gauge { what, of, .. } in &GAUGES {
        let [first, middle, last] = tenths.each_ref().map(|part| mean(samples, part, *of));
        println!("| {what} | {first:.0} | {middle:.0} | {last:.0} |");
    }
    for (what, of) in TIMES {
        for percent in [50, 95] {
            let [first, middle, last] =
                tenths.each_ref().map(|part| show(percentile(&mut times.within(of, part), percent)));
            println!("| {what}, p{percent} | {first} | {middle} | {last} |");
        }
    }
    let Turned { renewals, slowest_renewal, errors, first_error, ended_in } = turned;
    println!("\ncertificates replaced: {renewals}, used after {slowest_renewal:.1?} at most");
    println!("SIGTERM to exit: {ended_in:.1?}");
    println!("errors in the server's log: {errors}");
    first_error.iter().for_each(|line| println!("the first of them: {line}"));
}

/// Whether the last third is like the middle one, and every upload was shown once. Prints what is not so.
pub(super) fn judge(course: Course, samples: &[Sample], counts: &Counts<'_>) -> bool {
    let [middle, last] = [part(course, 1.0 / 3.0, 2.0 / 3.0), part(course, 2.0 / 3.0, 1.1)];
    let mut grown = Vec::new();
    for Gauge { what, of, slack } in &GAUGES {
        let (before, after) = (mean(samples, &middle, *of), mean(samples, &last, *of));
        if slack.is_some_and(|slack| after > before * FLAT + slack) {
            grown.push(format!("{what}: {before:.0} in the middle third, {after:.0} in the last"));
        }
    }
    for (what, of) in TIMES {
        let [before, after] = [&middle, &last].map(|part| milliseconds(&mut counts.times.within(of, part), 95));
        if after > before * FLAT + JITTER {
            grown.push(format!("{what}, p95: {before:.0} ms in the middle third, {after:.0} ms in the last"));
        }
    }
    let Shown { acknowledged, lost, doubled, ended } = counts.shown;
    let (failed, first) = counts.times.failures();
    println!("uploads acknowledged: {acknowledged}, lost: {lost}, doubled: {doubled}");
    println!(
        "the time of {ended} ended meanwhile: shown all the same {}, parts of their week on disk {}",
        counts.still_there, counts.parts_left
    );
    println!("uploads and questions that failed: {failed}");
    first.iter().for_each(|line| println!("  {line}"));
    println!("{}", if grown.is_empty() { "flat" } else { "not flat:" });
    grown.iter().for_each(|line| println!("  {line}"));
    grown.is_empty() && lost + doubled + failed + counts.still_there == 0 && acknowledged > 0
}
