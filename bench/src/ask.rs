//! Questions to a server that has large uploads, each asked so that no answer was given before unless it says cached.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::documents::{self, SUITE};
use crate::random::Random;
use crate::report::{self, Report, percentile};
use crate::server::{agent, get};
use crate::{TESTS, cpu};

/// Connections that ask for what is cached, and for how long.
const CONNECTIONS: usize = 8;
const CACHED_FOR: Duration = Duration::from_secs(3);
const MILLISECOND: Duration = Duration::from_millis(1);

struct Asker<'a> {
    agent: ureq::Agent,
    url: &'a str,
    names: Vec<String>,
    random: Random,
}

impl Asker<'_> {
    fn time(&self, path: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        get(&self.agent, self.url, path)?;
        Ok(begun.elapsed())
    }

    /// Asks about so many tests.
    fn of_tests(&mut self, count: usize, path: impl Fn(&str) -> String) -> anyhow::Result<Vec<Duration>> {
        let mut ask = || {
            let name = &self.names[self.random.below(self.names.len() as u64) as usize];
            let path = path(name);
            self.time(&path)
        };
        (0..count).map(|_| ask()).collect()
    }

    fn all(&self, paths: impl Iterator<Item = String>) -> anyhow::Result<Vec<Duration>> {
        paths.map(|path| self.time(&path)).collect()
    }
}

fn encode(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The newest runs of each configuration.
fn timeline(name: &str, runs: usize) -> String {
    format!("/api/results/{SUITE}/{}?limit={runs}", encode(name))
}

/// Asks everything.
pub(crate) fn measure(url: &str, report: &mut Report) -> anyhow::Result<()> {
    let names = documents::names(TESTS);
    let mut asker = Asker { agent: agent(), url, names, random: Random(7) };
    let mut times = asker.of_tests(200, |name| timeline(name, 100))?;
    report.at_most(
        "timeline of a test, 100 runs of each configuration, uncached, p50",
        percentile(&mut times, 50),
        20 * MILLISECOND,
    );
    report.tell("the same, p95", report::show(percentile(&mut times, 95)));
    for runs in [10, 1000] {
        let mut times = asker.of_tests(100, |name| timeline(name, runs))?;
        let what = format!("timeline of a test, {runs} runs of each configuration, uncached, p50");
        report.tell(&what, report::show(percentile(&mut times, 50)));
    }
    cached(&asker, report)?;
    let mut times = asker.all((51..71).map(|limit| format!("/api/results/{SUITE}?limit={limit}")))?;
    report.tell("runs of the suite, uncached, p50", report::show(percentile(&mut times, 50)));
    let runs = runs(&asker)?;
    let mut times = asker.all(runs.iter().map(|uuid| format!("/api/failures/{SUITE}?uuid={uuid}&collapsed=false")))?;
    report.tell("failures of a run, uncached, p50", report::show(percentile(&mut times, 50)));
    let mut times = asker.all((51..71).map(|limit| format!("/api/failures/{SUITE}?limit={limit}")))?;
    report.tell("failing tests of the newest runs, uncached, p50", report::show(percentile(&mut times, 50)));
    let mut times =
        asker.of_tests(50, |name| format!("/api/{SUITE}/tests?test={}&limit=50", encode(&name[..name.len() - 9])))?;
    report.tell("tests with a prefix, uncached, p50", report::show(percentile(&mut times, 50)));
    let mut times = asker.of_tests(50, |name| format!("/api/results-summary/{SUITE}/{}", encode(name)))?;
    report.tell("results summary, uncached, p50", report::show(percentile(&mut times, 50)));
    let mut times = asker.all((90..100).map(|limit| format!("/api/flaky?suite={SUITE}&weeks=4&limit={limit}")))?;
    report.at_most("flaky tests of four weeks, uncached, p50", percentile(&mut times, 50), 1000 * MILLISECOND);
    let mut times = asker.all((90..95).map(|limit| format!("/api/triage?suite={SUITE}&limit={limit}")))?;
    report.tell("triage of a suite, uncached, p50", report::show(percentile(&mut times, 50)));
    let mut times = (0..10).map(|_| verdicts(&mut asker)).collect::<anyhow::Result<Vec<_>>>()?;
    report.tell("verdicts on 200 failures before merging, p50", report::show(percentile(&mut times, 50)));
    Ok(())
}

/// Asks whether 200 failures of a change are known.
fn verdicts(asker: &mut Asker<'_>) -> anyhow::Result<Duration> {
    let mut name = || &asker.names[asker.random.below(asker.names.len() as u64) as usize];
    let tests: Vec<Value> = (0..200).map(|_| json!({ "test": name(), "state": "TEXT" })).collect();
    let question = json!({ "suite": SUITE, "change": { "id": "1" }, "tests": tests }).to_string();
    let begun = Instant::now();
    let target = format!("{}/api/verdicts", asker.url);
    let mut response = asker.agent.post(&target).send(question).with_context(|| format!("asking {target}"))?;
    response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
    Ok(begun.elapsed())
}

/// Commits of the newest runs.
fn runs(asker: &Asker<'_>) -> anyhow::Result<Vec<u64>> {
    let answer = get(&asker.agent, asker.url, &format!("/api/results/{SUITE}?limit=2"))?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let entries = answer.as_array().context("runs are no list")?;
    let runs = entries.iter().filter_map(|entry| entry["results"].as_array()).flatten();
    Ok(runs.filter_map(|run| run["uuid"].as_u64()).collect())
}

/// The answer that everybody asks for.
fn cached(asker: &Asker<'_>, report: &mut Report) -> anyhow::Result<()> {
    let path = timeline(&asker.names[0], 10);
    let mut times = asker.all((0..2000).map(|_| path.clone()))?;
    report.tell(
        "timeline of a test, 10 runs of each configuration, cached, p50",
        report::show(percentile(&mut times, 50)),
    );
    let asked = AtomicU64::new(0);
    let (begun, before) = (Instant::now(), cpu::of(std::process::id())?);
    std::thread::scope(|scope| {
        let ask = || {
            let agent = agent();
            while begun.elapsed() < CACHED_FOR {
                get(&agent, asker.url, &path)?;
                asked.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, anyhow::Error>(())
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("an asker panicked")))
    })?;
    let elapsed = begun.elapsed().as_secs_f64();
    let asked = asked.into_inner() as f64;
    report.tell("cached answers per second, beside those who ask", format!("{:.0}", asked / elapsed));
    // Those who ask share the processors with who answers; what they took of them is subtracted.
    let cores = std::thread::available_parallelism()?.get() as f64;
    let left = elapsed - (cpu::of(std::process::id())? - before) / cores;
    report.tell("cached answers per second, alone", format!("{:.0}", asked / left));
    Ok(())
}
