//! What the services take of memory while nobody uses them: as they started, and after some work.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::deployment::{Deployment, until};
use crate::documents::{self, SUITE};
use crate::process::Process;
use crate::report::Report;
use crate::server::{agent, get, memory_of};
use crate::{MIB, TESTS, now};

/// A service that did nothing for this long is idle.
const QUIET: Duration = Duration::from_secs(10);
const NAMES: [&str; 3] = ["intake", "processor", "query service"];
/// Of each service, MiB.
const FLOOR: f64 = 60.0;

/// Starts intake, processor and query service, and works with each a little.
pub(crate) fn measure(binary: &Path, kafka: &Path, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a folder")?;
    let deployment = Deployment::start(binary, kafka, folder.path())?;
    let (ingest, intake) = deployment.ingest()?;
    let (query, pages) = deployment.query()?;
    let mut services = [ingest, deployment.processor(0)?, query];
    let mut tell = |when: &str, services: &[Process]| {
        std::thread::sleep(QUIET);
        NAMES.iter().zip(services).try_for_each(|(name, process)| {
            let memory = memory_of(process.id())?.0 as f64 / MIB;
            report.below(&format!("memory of the {name}, {when}"), memory, FLOOR, "MiB");
            anyhow::Ok(())
        })
    };
    tell("as it started", &services)?;
    let agent = agent();
    let document = documents::run(&documents::names(TESTS), 0, 0, now()? - 3600, 0);
    agent.post(format!("{intake}/api/upload")).send(&document)?;
    until(&mut services, || Ok(get(&agent, &pages, &format!("/api/results/{SUITE}"))?.len() > 2))?;
    get(&agent, &pages, &format!("/suites?suite={SUITE}"))?;
    tell("after a run of 60,000 tests", &services)?;
    services.into_iter().try_for_each(|process| process.stop().map(drop))?;
    deployment.stop()
}
