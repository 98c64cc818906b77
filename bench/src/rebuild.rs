//! Makes all views anew and holds the answers of before and after against each other.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::documents::{self, SUITE};
use crate::process::Process;
use crate::random::Random;
use crate::report::Report;
use crate::server::{Server, agent, get, memory_of};
use crate::{MIB, TESTS};

/// Tests whose answers are compared.
const ASKED: usize = 300;
const LOOK: Duration = Duration::from_millis(100);

/// Stops the server, rebuilds its views, starts another on them.
pub(crate) fn measure(binary: &Path, server: Server, report: &mut Report) -> anyhow::Result<()> {
    let paths = paths();
    let before = answers(&server, &paths)?;
    let data = server.data();
    server.stop()?;
    let begun = Instant::now();
    let mut command = Command::new(binary);
    let mut process = Process::start(command.args(["rebuild", "--data-dir"]).arg(data.path()).stdout(Stdio::null()))?;
    let mut peak = 0;
    let status = loop {
        if let Some(status) = process.ended()? {
            break status;
        }
        // It may end between the two questions.
        peak = memory_of(process.id()).map_or(peak, |(_, most)| most);
        std::thread::sleep(LOOK);
    };
    ensure!(status.success(), "the rebuild ended with {status}");
    report.tell("rebuild of all views", format!("{:.0} s", begun.elapsed().as_secs_f64()));
    report.tell("rebuild, peak memory", format!("{:.0} MiB", peak as f64 / MIB));
    let server = Server::start_on(binary, data)?;
    let after = answers(&server, &paths)?;
    let differing = before.iter().zip(&after).filter(|(one, other)| one != other).count();
    report.tell("answers compared", paths.len());
    report.below("answers that differ", differing as f64, 0.0, "");
    server.stop().map(drop)
}

fn paths() -> Vec<String> {
    let names = documents::names(TESTS);
    let mut random = Random(11);
    let mut paths: Vec<String> =
        ["/api/suites", "/api/commits?limit=5000", "/api/commits/branches"].map(str::to_owned).into();
    for question in ["results", "failures"] {
        paths.push(format!("/api/{question}/{SUITE}?limit=5000"));
    }
    paths.push(format!("/api/failures/{SUITE}?collapsed=false&limit=20"));
    paths.push(format!("/api/flaky?suite={SUITE}&weeks=4&limit=1000"));
    paths.push(format!("/api/urls?suite={SUITE}"));
    paths.push(format!("/api/upload?suite={SUITE}&limit=1"));
    paths.push(format!("/api/{SUITE}/tests?limit=100000"));
    for _ in 0..ASKED {
        let name = &names[random.below(names.len() as u64) as usize];
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        paths.push(format!("/api/results/{SUITE}/{name}?limit=5000"));
        paths.push(format!("/api/results-summary/{SUITE}/{name}"));
    }
    paths
}

fn answers(server: &Server, paths: &[String]) -> anyhow::Result<Vec<Vec<u8>>> {
    let agent = agent();
    paths.iter().map(|path| get(&agent, &server.url, path)).collect()
}
