//! Many small uploads for a long time: whether parts, memory and latency stay as they were at first.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::documents::{self, CONFIGURATIONS};
use crate::report::{self, Report, percentile};
use crate::server::{Server, agent, upload};
use crate::{MIB, engine, now};

/// Tests of each upload.
const TESTS: usize = 200;

/// How much is sent.
#[derive(clap::Args)]
pub(crate) struct Crowd {
    /// Seconds of load
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Uploads a second of all connections together
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Connections, each of which sends its next upload when it is due and the one before is visible
    #[arg(long, default_value_t = 50)]
    connections: u32,
}

/// When an upload was due, and how long after that it was visible.
type Sample = (Duration, Duration);

/// Sends uploads at a steady rate.
pub(crate) fn measure(binary: &Path, server: Server, crowd: &Crowd, report: &mut Report) -> anyhow::Result<()> {
    let (names, end, next) = (documents::names(TESTS), now()?, AtomicUsize::new(0));
    let (begun, length) = (Instant::now(), Duration::from_secs(crowd.seconds));
    let each = Duration::from_secs(1) * crowd.connections / crowd.rate.max(1);
    let sender = |number: u32| {
        let (agent, mut samples) = (agent(), Vec::new());
        let mut due = each * number / crowd.connections;
        while due < length {
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            let index = next.fetch_add(1, Ordering::SeqCst);
            let time = end - 86_400 + index as u64;
            let document = documents::run(&names, index % CONFIGURATIONS, index, time, index as u64);
            upload(&agent, &server.url, &document)?;
            samples.push((due, begun.elapsed().saturating_sub(due)));
            due += each;
        }
        Ok::<Vec<Sample>, anyhow::Error>(samples)
    };
    let (samples, first) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..crowd.connections).map(|number| scope.spawn(move || sender(number))).collect();
        std::thread::sleep(length / 5);
        let memory = server.memory();
        let ended = threads.into_iter().map(|thread| thread.join());
        let samples = ended.map(|samples| samples.unwrap_or_else(|_| anyhow::bail!("a sender panicked")));
        Ok::<_, anyhow::Error>((samples.collect::<anyhow::Result<Vec<_>>>()?.concat(), memory?.0))
    })?;
    let elapsed = begun.elapsed();
    let times = |from: Duration, to: Duration| -> Vec<Duration> {
        samples.iter().filter(|(due, _)| (from..to).contains(due)).map(|(_, time)| *time).collect()
    };
    report.tell("small uploads per second", format!("{:.1}", samples.len() as f64 / elapsed.as_secs_f64()));
    let mut all = times(Duration::ZERO, length);
    report.tell("small upload visible, p50", report::show(percentile(&mut all, 50)));
    report.at_most("small upload visible, p95", percentile(&mut all, 95), Duration::from_secs(1));
    for (which, from, to) in [("first", Duration::ZERO, length / 5), ("last", length * 4 / 5, length)] {
        let fifth = &mut times(from, to);
        report.tell(&format!("visible in the {which} fifth of the time, p95"), report::show(percentile(fifth, 95)));
    }
    let (last, peak) = server.memory().context("the server's memory")?;
    let mib = |bytes: u64| format!("{:.0} MiB", bytes as f64 / MIB);
    report.tell("memory after the first fifth, at the end, at most", [first, last, peak].map(mib).join(", "));
    let data = server.data();
    server.stop()?;
    engine::sizes(binary, data.path(), report)
}
