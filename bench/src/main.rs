//! Measures a server: `bench all` starts one on an empty directory, loads it and prints figures with their floors.
//!
//! Data flow: [`documents`] generates uploads, whose cost is outside the measures → [`server`] posts them and asks →
//! [`report`] compares with the floors; a missed one ends with exit status 1. `bench scale` has no floors: what [`cpu`]
//! found says how much of the figures of [`scale`], on a [`deployment`] of its own, are the machine's.

mod ask;
mod cpu;
mod deployment;
mod documents;
mod engine;
mod idle;
mod judge;
mod peer;
mod process;
mod random;
mod rebuild;
mod remarks;
mod report;
mod reports;
mod scale;
mod server;
mod small;
mod soak;
mod versus;

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand};

use documents::CONFIGURATIONS;
use report::{Report, percentile};
use server::{Server, acknowledged, agent, upload};

const MIB: f64 = (1 << 20) as f64;
/// Tests of a large run.
const TESTS: usize = 60_000;
/// One in so many uploads is of an older commit than its neighbours.
const LATE: usize = 50;
/// How much older, seconds.
const LATE_BY: u64 = 3 * 7 * 86_400;
/// One in so many is sent twice.
const REPEATED: usize = 40;
/// Large uploads that are sent one after the other before many are.
const ALONE: usize = 10;

#[derive(Parser)]
#[command(about = "Measures resultsdb")]
struct Arguments {
    /// The server's executable
    #[arg(long, default_value = "target/release/resultsdb")]
    binary: PathBuf,
    /// Large uploads at a time
    #[arg(long, global = true, default_value_t = 8)]
    senders: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything, with the floors
    All {
        /// Large uploads to load before asking
        #[arg(long, default_value_t = 100)]
        uploads: usize,
        /// Seconds without a change on disk before asking; weeks without new data are merged after ten minutes
        #[arg(long, default_value_t = 10)]
        settle: u64,
    },
    /// All views made anew, with the answers before and after
    Rebuild {
        /// Large uploads to load before
        #[arg(long, default_value_t = 100)]
        uploads: usize,
    },
    /// Writes one large document to standard output
    Document,
    /// Loads a running server with large uploads
    Load {
        /// Its address
        #[arg(long)]
        url: String,
        /// How many
        #[arg(long, default_value_t = 100)]
        uploads: usize,
        /// The first of them that is sent: those before it were sent by a call that was interrupted
        #[arg(long, default_value_t = 0)]
        from: usize,
        /// Weeks up to now that they are spread over
        #[arg(long, default_value_t = 4)]
        weeks: u64,
        /// The server's process, to tell what it took of the processors and of memory
        #[arg(long)]
        process: Option<u32>,
    },
    /// Says to a running server who owns the tests, which bugs explain them and which are parked, and uploads runs of changes
    Remarks {
        /// Its address
        #[arg(long)]
        url: String,
    },
    /// The same to this project and to resultsdbpy, by turns
    Peer {
        /// Uploads of 60,000 tests to each
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Uploads, then the same rows loaded by the engine alone
    Engine {
        /// Large uploads to load
        #[arg(long, default_value_t = 100)]
        uploads: usize,
    },
    /// Questions to a running server that has large uploads
    Ask {
        /// Its address
        #[arg(long)]
        url: String,
    },
    /// What each view takes on disk
    Sizes {
        /// The data directory of a server that has stopped
        #[arg(long)]
        data_dir: PathBuf,
    },
    /// A backlog on Kafka, made visible by one, two and four processors
    Scale {
        /// Large uploads in the backlog
        #[arg(long, default_value_t = 100)]
        uploads: usize,
        /// Measures of each, of which the median is shown
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// The script that runs a broker
        #[arg(long, default_value = "scripts/kafka.sh")]
        kafka: PathBuf,
    },
    /// Memory of each service on Kafka while nobody uses it
    Idle {
        /// The script that runs a broker
        #[arg(long, default_value = "scripts/kafka.sh")]
        kafka: PathBuf,
    },
    /// A large JUnit report, read by the command for pipelines
    Reports {
        /// Its size
        #[arg(long, default_value_t = 500)]
        megabytes: u64,
        /// The command's executable, which `make cli` builds
        #[arg(long, default_value = "target/client/resultsdb-client")]
        client: PathBuf,
    },
    /// How well changes and flaky tests are found in a labelled simulation, with the floors
    Judge {
        /// Suites to draw
        #[arg(long, default_value_t = 300)]
        suites: usize,
        /// What decides all draws
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Many small uploads
    Small(small::Crowd),
    /// Load for hours while weeks begin and end and certificates change: whether anything grows, or is lost
    Soak(soak::Soak),
    /// The same uploads and questions to this build and to another one, by turns
    Versus(versus::Versus),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut report = Report::default();
    match arguments.command {
        Command::Document => {
            println!("{}", documents::run(&documents::names(TESTS), 0, 0, now()?, 1));
            return Ok(());
        }
        Command::Load { url, uploads, from, weeks, process } => {
            let begun = Instant::now();
            let cpu_before = process.map(cpu::of).transpose()?;
            let spread = Spread { uploads, weeks };
            let mut times = upload_all(&url, from..uploads, spread, arguments.senders)?;
            let rate = (times.len() * TESTS) as f64 / begun.elapsed().as_secs_f64();
            report.tell("results per second, visible, beside the generator", format!("{rate:.0} /s"));
            report.tell("an upload, p50", report::show(percentile(&mut times, 50)));
            report.tell("an upload, p99", report::show(percentile(&mut times, 99)));
            if let Some((process, before)) = process.zip(cpu_before) {
                let spent = (cpu::of(process)? - before) / (times.len() * TESTS) as f64;
                report.tell("processor time of the server per result", format!("{:.2} µs", spent * 1e6));
                report.tell("peak memory", format!("{:.0} MiB", server::memory_of(process)?.1 as f64 / MIB));
            }
            report.print();
            return Ok(());
        }
        Command::Soak(soak) => return soak::measure(&arguments.binary, &soak),
        Command::Versus(versus) => return versus::measure(&arguments.binary, &versus),
        Command::Judge { suites, seed } => return judge::measure(suites, seed),
        Command::Scale { uploads, rounds, kafka } => {
            return scale::measure(&arguments.binary, &kafka, uploads, rounds);
        }
        Command::All { uploads, settle } => {
            let server = start(&arguments.binary, &mut report)?;
            intake(&server, uploads, arguments.senders, &mut report)?;
            server.settle("store", Duration::from_secs(settle))?;
            report.tell(
                "bytes per result, all views and raw documents, merged",
                format!("{:.1}", server.bytes_of("store")? as f64 / loaded(uploads)),
            );
            ask::measure(&server.url, &mut report)?;
            report.at_most("SIGTERM to exit", server.stop()?, Duration::from_secs(10));
        }
        Command::Ask { url } => ask::measure(&url, &mut report)?,
        Command::Remarks { url } => remarks::post(&url)?,
        Command::Sizes { data_dir } => engine::sizes(&arguments.binary, &data_dir, &mut report)?,
        Command::Rebuild { uploads } => {
            let server = start(&arguments.binary, &mut report)?;
            intake(&server, uploads, arguments.senders, &mut report)?;
            rebuild::measure(&arguments.binary, server, &mut report)?;
        }
        Command::Idle { kafka } => idle::measure(&arguments.binary, &kafka, &mut report)?,
        Command::Reports { megabytes, client } => reports::measure(&client, megabytes, &mut report)?,
        Command::Peer { rounds } => peer::measure(&arguments.binary, rounds, &mut report)?,
        Command::Engine { uploads } => {
            let server = start(&arguments.binary, &mut report)?;
            let rate = intake(&server, uploads, arguments.senders, &mut report)?;
            engine::measure(&arguments.binary, server, rate, &mut report)?;
        }
        Command::Small(crowd) => {
            let server = Server::start(&arguments.binary)?;
            small::measure(&arguments.binary, server, &crowd, &mut report)?;
        }
    }
    anyhow::ensure!(report.print(), "a floor is missed");
    Ok(())
}

fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

fn start(binary: &std::path::Path, report: &mut Report) -> anyhow::Result<Server> {
    let server = Server::start(binary)?;
    report.at_most("start to healthy, empty", server.started_in, Duration::from_secs(2));
    report.below("memory when idle", server.memory()?.0 as f64 / MIB, 400.0, "MiB");
    Ok(server)
}

/// So many large uploads over the weeks up to now.
#[derive(Clone, Copy)]
struct Spread {
    uploads: usize,
    weeks: u64,
}

/// Some of the large uploads; how long each took to be visible.
fn upload_all(url: &str, some: Range<usize>, spread: Spread, senders: usize) -> anyhow::Result<Vec<Duration>> {
    let names = documents::names(TESTS);
    let Spread { uploads, weeks } = spread;
    let (end, step) = (now()?, weeks * 7 * 86_400 / uploads.max(1) as u64);
    let next = AtomicUsize::new(some.start);
    let sender = || {
        let (agent, mut times) = (agent(), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::SeqCst);
            if index >= some.end {
                return Ok(times);
            }
            let late = if index % LATE == LATE - 1 { LATE_BY } else { 0 };
            let time = end - (uploads - index) as u64 * step - late;
            let document = documents::run(&names, index % CONFIGURATIONS, index, time, index as u64);
            times.push(upload(&agent, url, &document)?);
            if index % REPEATED == REPEATED - 1 {
                upload(&agent, url, &document)?;
            }
        }
    };
    let measured: Vec<anyhow::Result<Vec<Duration>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..senders).map(|_| scope.spawn(sender)).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|times| times.unwrap_or_else(|_| anyhow::bail!("a sender panicked"))).collect()
    });
    let mut times = Vec::new();
    for part in measured {
        times.extend(part?);
    }
    Ok(times)
}

/// Results that [`intake`] leaves in a server.
fn loaded(uploads: usize) -> f64 {
    ((ALONE + uploads) * TESTS) as f64
}

/// Loads a server with large uploads; how many results a second became visible.
fn intake(server: &Server, uploads: usize, senders: usize, report: &mut Report) -> anyhow::Result<f64> {
    let (agent, names) = (agent(), documents::names(TESTS));
    let size = documents::run(&names, 0, 0, now()?, 0).len();
    report.tell("size of a large document", format!("{:.1} MiB", size as f64 / MIB));
    let mut times = Vec::new();
    for index in 0..ALONE {
        // Older than what is asked about later.
        let document = documents::run(&names, index, index, now()? - 40 * 86_400, index as u64);
        times.push(acknowledged(&agent, &server.url, &document)?);
        // A repetition is answered once what it repeats is visible.
        upload(&agent, &server.url, &document)?;
    }
    report.tell("one upload of 60,000 tests acknowledged, p50", report::show(percentile(&mut times, 50)));
    let spread = Spread { uploads, weeks: 4 };
    let mut alone = upload_all(&server.url, 0..ALONE, spread, 1)?;
    report.at_most("one upload of 60,000 tests visible, p50", percentile(&mut alone, 50), Duration::from_secs(2));
    // The generator shares the processors with what it measures; what it took of them is subtracted.
    let (begun, cpu_before) = (Instant::now(), cpu::of(std::process::id())?);
    let mut times = upload_all(&server.url, ALONE..uploads, spread, senders)?;
    let elapsed = begun.elapsed().as_secs_f64();
    let cores = std::thread::available_parallelism()?.get() as f64;
    let busy = elapsed - (cpu::of(std::process::id())? - cpu_before) / cores;
    let rate = (times.len() * TESTS) as f64 / busy;
    report.above("results per second, visible", rate, 100_000.0, "/s");
    report.tell(&format!("upload of 60,000 tests, {senders} at a time, p50"), report::show(percentile(&mut times, 50)));
    report.tell(&format!("upload of 60,000 tests, {senders} at a time, p95"), report::show(percentile(&mut times, 95)));
    report.below("peak memory during uploads", server.memory()?.1 as f64 / MIB, 1024.0, "MiB");
    let results = loaded(uploads);
    report.tell("results loaded", results);
    report.tell(
        "bytes per result, all views and raw documents, before merges",
        format!("{:.1}", server.bytes_of("store")? as f64 / results),
    );
    report.tell("bytes per result, event log", format!("{:.1}", server.bytes_of("log")? as f64 / results));
    Ok(rate)
}
