//! What users of a deployment notice: answers that fail, and how long uploads take to be shown.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use test_support::http::agent;
use test_support::load::Load;

/// Pages and answers that every version has, once an upload is shown.
pub(crate) const PATHS: [&str; 14] = [
    "/",
    "/suites?suite=layout-tests",
    "/investigate?suite=layout-tests",
    "/triage?suite=layout-tests",
    "/flaky?suite=layout-tests",
    "/commits?repository_id=webkit",
    "/api/suites",
    "/api/results/layout-tests?limit=50",
    "/api/results/layout-tests/t?limit=50",
    "/api/results-summary/layout-tests/t",
    "/api/failures/layout-tests?limit=20",
    "/api/commits?repository_id=webkit&limit=50",
    "/api/upload?suite=layout-tests&limit=5",
    "/api/urls?suite=layout-tests&limit=5",
];
/// Uploads that begin in a second: the machine is not full, so that a service that stands is what is noticed.
const RATE: u32 = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Uploads that are under way at once come in any order; more than so many seconds of commit time apart they never are.
const SLACK: i64 = 1000;

/// What was asked, and what of it failed.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    pub(crate) asked: usize,
    pub(crate) failed: Vec<String>,
    /// From an upload's acknowledgement until it was seen among the runs, at most.
    pub(crate) shown_after: Duration,
}

/// Threads that use a deployment until they are told to stop.
pub(crate) struct Users {
    stopped: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    pace: JoinHandle<()>,
    asking: JoinHandle<Vec<String>>,
    looking: JoinHandle<Duration>,
}

impl Users {
    /// Starts to ask at one address, and to allow the load its uploads.
    pub(crate) fn start(load: &Arc<Load>, url: &str) -> Self {
        let (stopped, asked) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let pace = std::thread::spawn({
            let (load, stopped) = (Arc::clone(load), Arc::clone(&stopped));
            move || {
                while !stopped.load(Ordering::SeqCst) {
                    load.allow(1);
                    std::thread::sleep(Duration::from_secs(1) / RATE);
                }
            }
        });
        let asking = std::thread::spawn({
            let (url, stopped, asked) = (url.to_owned(), Arc::clone(&stopped), Arc::clone(&asked));
            move || ask(&url, &stopped, &asked)
        });
        let looking = std::thread::spawn({
            let (load, url, stopped) = (Arc::clone(load), url.to_owned(), Arc::clone(&stopped));
            move || look(&load, &url, &stopped)
        });
        Self { stopped, asked, pace, asking, looking }
    }

    /// How many answers there were so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Ends them.
    pub(crate) fn stop(self) -> Noticed {
        self.stopped.store(true, Ordering::SeqCst);
        self.pace.join().unwrap();
        let failed = self.asking.join().unwrap();
        Noticed { asked: self.asked.load(Ordering::SeqCst), failed, shown_after: self.looking.join().unwrap() }
    }
}

/// Asks everything again and again. What failed: answers that blame the server, and requests without any.
fn ask(url: &str, stopped: &AtomicBool, asked: &AtomicUsize) -> Vec<String> {
    let (mut failed, begun) = (Vec::new(), Instant::now());
    for path in PATHS.into_iter().cycle() {
        if stopped.load(Ordering::SeqCst) {
            break;
        }
        let cause = match agent().get(format!("{url}{path}")).call() {
            // Of many uploads that come at once, commits may be there a moment before their runs, and a summary of the newest
            // commits says then that there is nothing to sum up.
            Ok(answer) if answer.status().as_u16() < 500 => None,
            Ok(mut answer) => Some(format!("{} {:?}", answer.status(), answer.body_mut().read_to_string())),
            Err(error) => Some(error.to_string()),
        };
        failed.extend(cause.map(|cause| format!("{path} after {:.1?}: {cause}", begun.elapsed())));
        asked.fetch_add(1, Ordering::SeqCst);
    }
    failed
}

/// Looks for what was acknowledged among the runs, until all of it was seen after the load's end.
fn look(load: &Load, url: &str, stopped: &AtomicBool) -> Duration {
    let (mut seen, mut longest) = (BTreeSet::new(), Duration::ZERO);
    loop {
        let was_stopped = stopped.load(Ordering::SeqCst);
        let since = seen.last().map_or(0, |last| last - 100 * SLACK);
        let mut waiting = load.acknowledged_since(since);
        waiting.retain(|uuid, _| !seen.contains(uuid));
        let Some(first) = waiting.keys().next() else {
            if was_stopped {
                return longest;
            }
            std::thread::sleep(BETWEEN_LOOKS);
            continue;
        };
        for uuid in shown(url, *first) {
            let waited = waiting.get(&uuid).map(Instant::elapsed);
            longest = longest.max(waited.unwrap_or_default());
            seen.extend(waited.map(|_| uuid));
        }
        // What is never shown is told by whoever counts in the end.
        if was_stopped && waiting.values().all(|time| time.elapsed() > test_support::wait::DEADLINE) {
            return longest;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Runs on commits from one on. Answers that fail show none.
pub(crate) fn shown(url: &str, first: i64) -> Vec<i64> {
    let path = format!("{url}/api/results/layout-tests?limit=50000&after_uuid={first}");
    let Ok(mut answer) = agent().get(path).call() else { return Vec::new() };
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    answer[0]["results"].as_array().into_iter().flatten().filter_map(|run| run["uuid"].as_i64()).collect()
}
