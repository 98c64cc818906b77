//! How fast a backlog becomes visible with one, two and four processors on Kafka.
//!
//! The backlog is appended once, through an intake with no processor beside it; every measure works on a copy of that
//! deployment's data, so each finds the same log, an empty store and a group that has read nothing.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::cpu;
use crate::deployment::{Deployment, until};
use crate::documents::{self, CONFIGURATIONS};
use crate::server::agent;
use crate::{TESTS, now};

const PROCESSORS: [usize; 3] = [1, 2, 4];

/// What one measure found; processor time is in processors, averaged over the time.
struct Measure {
    processors: usize,
    seconds: f64,
    rate: f64,
    broker: f64,
    engine: f64,
    services: f64,
    others: f64,
    idle: f64,
}

/// Measures each number of processors `rounds` times and prints the median of each.
pub(crate) fn measure(binary: &Path, kafka: &Path, uploads: usize, rounds: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a folder")?;
    let prepared = folder.path().join("prepared");
    println!("load of the machine before: {}", cpu::load()?);
    prepare(binary, kafka, &prepared, uploads)?;
    let mut measures = Vec::new();
    for _ in 0..rounds {
        for processors in PROCESSORS {
            let copy = folder.path().join("copy");
            let copied = Command::new("cp").arg("-a").arg(&prepared).arg(&copy).status()?;
            ensure!(copied.success(), "the prepared data could not be copied");
            measures.push(drain(binary, kafka, &copy, processors, uploads)?);
            std::fs::remove_dir_all(&copy)?;
        }
    }
    println!("load of the machine after: {}", cpu::load()?);
    print(&measures, uploads);
    Ok(())
}

/// Appends the backlog: every upload is acknowledged, none is visible.
fn prepare(binary: &Path, kafka: &Path, folder: &Path, uploads: usize) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let deployment = Deployment::start(binary, kafka, folder)?;
    let (ingest, url) = deployment.ingest()?;
    let (agent, names, end) = (agent(), documents::names(TESTS), now()?);
    let step = 4 * 7 * 86_400 / uploads.max(1) as u64;
    for index in 0..uploads {
        let time = end - (uploads - index) as u64 * step;
        let document = documents::run(&names, index % CONFIGURATIONS, index, time, index as u64);
        agent.post(format!("{url}/api/upload")).send(&document)?;
    }
    ingest.stop()?;
    deployment.stop()
}

/// Starts processors on the backlog and waits until it is visible.
fn drain(binary: &Path, kafka: &Path, folder: &Path, processors: usize, uploads: usize) -> anyhow::Result<Measure> {
    let deployment = Deployment::start(binary, kafka, folder)?;
    let agent = agent();
    let (broker, engine) = (deployment.broker.id(), deployment.engine.id());
    let (broker_before, engine_before) = (cpu::of(broker)?, cpu::of(engine)?);
    let (busy_before, idle_before) = cpu::of_machine()?;
    let begun = Instant::now();
    let mut running = (0..processors).map(|number| deployment.processor(number)).collect::<Result<Vec<_>, _>>()?;
    until(&mut running, || Ok(deployment.ask(&agent, "SELECT sum(next_offset) FROM watermarks")? == [uploads as u64]))?;
    let seconds = begun.elapsed().as_secs_f64();
    let (busy, idle) = cpu::of_machine()?;
    let services: f64 = running.iter().map(|process| cpu::of(process.id())).sum::<Result<_, _>>()?;
    let (broker, engine) = (cpu::of(broker)? - broker_before, cpu::of(engine)? - engine_before);
    check(&deployment, &agent, uploads)?;
    running.into_iter().try_for_each(|process| process.stop().map(drop))?;
    deployment.stop()?;
    Ok(Measure {
        processors,
        seconds,
        rate: (uploads * TESTS) as f64 / seconds,
        broker: broker / seconds,
        engine: engine / seconds,
        services: services / seconds,
        others: (busy - busy_before - broker - engine - services).max(0.0) / seconds,
        idle: (idle - idle_before) / seconds,
    })
}

/// Every run is there once, whole.
fn check(deployment: &Deployment, agent: &ureq::Agent, uploads: usize) -> anyhow::Result<()> {
    let (uploads, tests) = (uploads as u64, TESTS as u64);
    let runs = deployment.ask(agent, "SELECT count(), uniqExact(config_id, uuid) FROM runs")?;
    ensure!(runs == [uploads, uploads], "{uploads} runs were uploaded, {runs:?} are there");
    let each = "SELECT count(), min(tests), max(tests) FROM \
                (SELECT count() AS tests FROM results GROUP BY config_id, uuid)";
    let results = deployment.ask(agent, each)?;
    ensure!(results == [uploads, tests, tests], "runs, fewest and most results are {results:?}");
    Ok(())
}

fn print(measures: &[Measure], uploads: usize) {
    println!(
        "{uploads} uploads of {TESTS} tests; medians; the last five columns are processors, averaged over the time\n"
    );
    println!(
        "| processors | until visible | results per second | ratio | broker | engine | processors | others | idle |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let medians: Vec<&Measure> = PROCESSORS.iter().filter_map(|processors| median(measures, *processors)).collect();
    let first = medians.first().map_or(1.0, |measure| measure.rate);
    for Measure { processors, seconds, rate, broker, engine, services, others, idle } in &medians {
        println!(
            "| {processors} | {seconds:.1} s | {rate:.0} | {:.2} | {broker:.2} | {engine:.2} | {services:.2} | {others:.2} | {idle:.2} |",
            rate / first,
        );
    }
    for found in &medians {
        println!("\n{}", found.explain((uploads * TESTS) as f64));
    }
}

impl Measure {
    /// What the time went into, and how fast it could go if these processors did nothing else.
    fn explain(&self, results: f64) -> String {
        let Self { processors, seconds, broker, engine, services, others, idle, .. } = self;
        let per_million = |share: &f64| share * seconds / results * 1e6;
        let whole = broker + engine + services + others + idle;
        let ours = broker + engine + services;
        format!(
            "With {processors}: a million results cost {:.2} s of processor time in the broker, {:.2} s in the engine \
             and {:.2} s in the processors; {whole:.0} processors that did nothing else could take {:.0} results per \
             second, {:.0} % of which were reached; {:.0} % of their time went to other work and {:.0} % was idle.",
            per_million(broker),
            per_million(engine),
            per_million(services),
            whole / per_million(&ours) * 1e6,
            100.0 * ours / whole,
            100.0 * others / whole,
            100.0 * idle / whole,
        )
    }
}

/// The measure in the middle, by time.
fn median(measures: &[Measure], processors: usize) -> Option<&Measure> {
    let mut same: Vec<&Measure> = measures.iter().filter(|measure| measure.processors == processors).collect();
    same.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    same.get(same.len().saturating_sub(1) / 2).copied()
}
