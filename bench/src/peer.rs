//! The same uploads and questions to this project and to resultsdbpy in its in-memory mode, by turns in one run.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::documents::{self, SUITE};
use crate::process::Process;
use crate::random::Random;
use crate::report::{Report, percentile, show};
use crate::server::{Server, agent, upload};
use crate::{TESTS, now};

/// Uploads, and questions of each kind.
const QUESTIONS: usize = 30;
/// The first start installs it.
const PATIENCE: Duration = Duration::from_secs(300);

/// The other server.
struct Peer {
    process: Process,
    url: String,
}

impl Peer {
    fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("bench/peer/run.sh");
        command.args(["serve", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(&mut command).context("run this in the project's folder")?;
        let mut peer = Self { process, url: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while agent().get(format!("{}/__health", peer.url)).call().is_err() {
            if peer.process.ended()?.is_some() || begun.elapsed() > PATIENCE {
                bail!("resultsdbpy does not start; run bench/peer/run.sh serve {port} to see why");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(peer)
    }
}

/// Uploads `rounds` runs of 60,000 tests to each, one after the other, and asks both the same.
pub(crate) fn measure(binary: &Path, rounds: usize, report: &mut Report) -> anyhow::Result<()> {
    let (server, peer) = (Server::start(binary)?, Peer::start()?);
    let (agent, names, end) = (agent(), documents::names(TESTS), now()?);
    let urls = [server.url.as_str(), peer.url.as_str()];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let document = documents::run(&names, round, round, end - 86_400 + 600 * round as u64, round as u64);
        for (url, times) in urls.iter().zip(&mut times) {
            times.push(upload(&agent, url, &document)?);
        }
    }
    compare(report, "upload of 60,000 tests until it is visible, p50", &mut times);
    let mut random = Random(7);
    let asked: Vec<String> = (0..QUESTIONS)
        .map(|_| utf8_percent_encode(&names[random.below(names.len() as u64) as usize], NON_ALPHANUMERIC).to_string())
        .collect();
    let of_suite = |kind: &str| (1..=QUESTIONS).map(|limit| format!("/api/{kind}/{SUITE}?limit={limit}")).collect();
    let questions: [(&str, Vec<String>); 4] = [
        ("timeline of a test, p50", asked.iter().map(|test| format!("/api/results/{SUITE}/{test}")).collect()),
        ("runs of the suite, p50", of_suite("results")),
        ("failures of the suite, p50", of_suite("failures")),
        ("results summary, p50", asked.iter().map(|test| format!("/api/results-summary/{SUITE}/{test}")).collect()),
    ];
    for (what, paths) in questions {
        let mut times = [Vec::new(), Vec::new()];
        for path in &paths {
            for (url, times) in urls.iter().zip(&mut times) {
                let begun = Instant::now();
                let mut answer = agent.get(format!("{url}{path}")).call().with_context(|| format!("{url}{path}"))?;
                answer.body_mut().with_config().limit(1 << 30).read_to_vec()?;
                times.push(begun.elapsed());
            }
        }
        compare(report, what, &mut times);
    }
    server.stop().map(drop)
}

fn compare(report: &mut Report, what: &str, [ours, theirs]: &mut [Vec<Duration>; 2]) {
    let (ours, theirs) = (percentile(ours, 50), percentile(theirs, 50));
    let times = theirs.as_secs_f64() / ours.as_secs_f64().max(f64::EPSILON);
    report.tell(what, format!("{}, resultsdbpy {}: {times:.1} times as fast", show(ours), show(theirs)));
}
