//! Uploads at a steady rate, each on a commit of its own second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::ledger::{Ledger, Suite};
use super::setting::Agents;
use super::times::{Times, What};
use super::{Course, Soak};
use crate::documents::{self, CONFIGURATIONS};
use crate::server::{acknowledged, upload};

/// Tests of a small upload.
const SMALL: usize = 200;
/// Of so many uploads one is only waited for until it is durable; the others until they are shown.
const ACKNOWLEDGED: usize = 4;
/// One in so many is sent twice.
const REPEATED: usize = 40;
/// In the first third one in so many is on a commit whose time to live ends within the run.
const ENDING: usize = 20;
/// Uploads of a connection, after which there is a new one, with its handshake.
const CONNECTED: usize = 200;

/// Sends until the run is over.
pub(super) fn send(soak: &Soak, course: Course, agents: &Agents, times: &Times, ledger: &Ledger) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let sender = Sender { course, agents, times, ledger, next: &next };
    let each = Duration::from_secs(1) * soak.connections.max(1) / soak.rate.max(1);
    std::thread::scope(|scope| {
        let sender = &sender;
        let small = (0..soak.connections.max(1)).map(|number| {
            let first = each * number / soak.connections.max(1);
            scope.spawn(move || sender.send(SMALL, first, each))
        });
        let threads: Vec<_> = small.collect();
        let every = Duration::from_secs(soak.large_every.max(1));
        let large = scope.spawn(move || sender.send(crate::TESTS, every / 2, every));
        for thread in threads.into_iter().chain([large]) {
            thread.join().map_err(|_| anyhow::anyhow!("a sender panicked"))?;
        }
        Ok(())
    })
}

struct Sender<'a> {
    course: Course,
    agents: &'a Agents,
    times: &'a Times,
    ledger: &'a Ledger,
    /// Number of the next upload.
    next: &'a AtomicUsize,
}

impl Sender<'_> {
    /// Sends runs of so many tests: the first when that is due, and one more each time.
    fn send(&self, tests: usize, mut due: Duration, each: Duration) {
        let names = documents::names(tests);
        let mut agent = self.agents.new_agent();
        for sent in 1_usize.. {
            std::thread::sleep(due.saturating_sub(self.course.elapsed()));
            if self.course.is_over() {
                return;
            }
            let index = self.next.fetch_add(1, Ordering::SeqCst);
            let is_ending = index.is_multiple_of(ENDING) && self.course.elapsed() < self.course.length / 3;
            let (time, configuration) = if is_ending {
                self.ledger.ending(self.course.ending())
            } else {
                (self.ledger.second(self.course.newest()), index % CONFIGURATIONS)
            };
            let is_small = tests == SMALL && !is_ending;
            let suite = if is_small { self.ledger.next_suite() } else { Suite::Whole };
            let times = [time, self.course.now()];
            let name = suite.to_string();
            let document = documents::run_of(&name, &names, configuration, index, times, index as u64);
            let (begun, at) = (Instant::now(), self.course.elapsed());
            let (what, took) = match index % ACKNOWLEDGED {
                0 => (What::Acknowledged, acknowledged(&agent, &self.agents.url, &document)),
                _ => (What::Visible, upload(&agent, &self.agents.url, &document)),
            };
            if took.is_ok() && is_ending {
                self.ledger.add_ending(time);
            } else if took.is_ok() {
                self.ledger.add(suite, time, begun);
                if index % REPEATED == REPEATED - 1 {
                    let again = upload(&agent, &self.agents.url, &document);
                    if again.is_err() {
                        self.times.keep(What::Visible, at, &again);
                    }
                }
            }
            // Large ones have other times, which would hide those of the many.
            if tests == SMALL || took.is_err() {
                self.times.keep(what, at, &took);
            }
            if sent.is_multiple_of(CONNECTED) {
                agent = self.agents.new_agent();
            }
            due += each;
        }
    }
}
