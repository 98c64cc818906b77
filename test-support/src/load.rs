//! Uploaders that remember what was acknowledged, and what a correct database must then show: every acknowledged upload,
//! once, in every view.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock::now;
use crate::documents::upload;
use crate::http::post;
use crate::server::Server;
use crate::wait::{DEADLINE, until};

/// Uploaders at one time.
const UPLOADERS: usize = 3;

/// Answers of refused uploads that are kept: the first ones say why.
const REFUSALS_KEPT: usize = 10;

/// Uploads one run per second of a day, in order, and remembers which were acknowledged.
#[derive(Debug, Default)]
pub struct Load {
    next: AtomicUsize,
    /// How many may begin; none means all.
    quota: Option<AtomicUsize>,
    /// When each was.
    acknowledged: Mutex<BTreeMap<i64, Instant>>,
    refusals: Mutex<Refusals>,
    stopped: AtomicBool,
    /// Where the intake is now; it may move when it is started again.
    url: Mutex<String>,
    /// Uploads without an answer yet, by where they were sent.
    on_the_way: Mutex<BTreeMap<String, usize>>,
}

/// Uploads that were not taken, each of which was sent again.
#[derive(Debug, Default, Clone)]
pub struct Refusals {
    /// How many there were.
    pub count: usize,
    /// What the first of them were told.
    pub first: Vec<String>,
}

impl Refusals {
    fn add(&mut self, answer: &Result<(u16, String), ureq::Error>) {
        self.count += 1;
        if self.first.len() < REFUSALS_KEPT {
            self.first.push(format!("{answer:?}"));
        }
    }
}

impl Load {
    /// Uploads as fast as the intake answers.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Begins only as many uploads as [`Self::allow`] says.
    pub fn with_quota() -> Arc<Self> {
        Arc::new(Self { quota: Some(AtomicUsize::new(0)), ..Self::default() })
    }

    /// Raises the quota.
    pub fn allow(&self, more: usize) {
        self.quota.iter().for_each(|quota| {
            quota.fetch_add(more, Ordering::SeqCst);
        });
    }

    /// Says where the intake is now.
    pub fn direct_to(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap());
    }

    /// Says where the intake is now, and waits until what was sent elsewhere is answered, as a balancer does that takes a
    /// service out.
    pub fn drain_to(&self, url: &str) {
        self.direct_to(url);
        until("uploads elsewhere are answered", || {
            self.on_the_way.lock().unwrap().iter().all(|(at, uploads)| at == url || *uploads == 0)
        });
    }

    /// How many uploads were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Which uploads were acknowledged so far, for [`Self::check_of`].
    pub fn acknowledged_so_far(&self) -> BTreeSet<i64> {
        self.acknowledged.lock().unwrap().keys().copied().collect()
    }

    /// When each upload from a commit key on was acknowledged.
    pub fn acknowledged_since(&self, first: i64) -> BTreeMap<i64, Instant> {
        self.acknowledged.lock().unwrap().range(first..).map(|(uuid, time)| (*uuid, *time)).collect()
    }

    /// Uploads that were not taken at first.
    pub fn refusals(&self) -> Refusals {
        self.refusals.lock().unwrap().clone()
    }

    /// Uploads until told to stop, over failures: an upload without an answer may be stored or not, and is sent again.
    pub fn start(self: &Arc<Self>) -> Vec<std::thread::JoinHandle<()>> {
        self.stopped.store(false, Ordering::SeqCst);
        let start = || {
            let load = Arc::clone(self);
            std::thread::spawn(move || load.run())
        };
        (0..UPLOADERS).map(|_| start()).collect()
    }

    /// Tells uploaders to end; whoever started them joins them.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    fn run(&self) {
        let base = now() / 86_400 * 86_400 - 86_400;
        while !self.stopped.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            while self.quota.as_ref().is_some_and(|quota| number >= quota.load(Ordering::SeqCst)) {
                if self.stopped.load(Ordering::SeqCst) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            let time = base + number as i64;
            let document = upload(time, time, &json!({"t": {"actual": "CRASH"}}));
            while !self.stopped.load(Ordering::SeqCst) {
                let url = self.set_out();
                let answer = post(&url, "/api/upload", &document);
                self.on_the_way.lock().unwrap().entry(url).and_modify(|uploads| *uploads -= 1);
                match answer {
                    Ok((200, _)) => {
                        self.acknowledged.lock().unwrap().insert(time * 100, Instant::now());
                        break;
                    }
                    answer @ (Ok((502 | 503, _)) | Err(_)) => {
                        self.refusals.lock().unwrap().add(&answer);
                        std::thread::yield_now();
                    }
                    Ok(other) => panic!("{other:?}"),
                }
            }
        }
    }

    /// Where the next upload goes, which counts as on its way from now on.
    fn set_out(&self) -> String {
        let url = self.url.lock().unwrap();
        *self.on_the_way.lock().unwrap().entry(url.clone()).or_default() += 1;
        url.clone()
    }

    /// Waits until every view shows what was acknowledged, and fails if one does not, or shows a run twice.
    pub fn check(&self, server: &Server) {
        self.check_of(&self.acknowledged_so_far(), server);
    }

    /// The same of some uploads: others may be shown or not.
    pub fn check_of(&self, acknowledged: &BTreeSet<i64>, server: &Server) {
        let tally = Self::tally_of(acknowledged, server);
        assert_eq!((tally.lost, tally.doubled), (0, 0), "of {} acknowledged", tally.acknowledged);
    }

    /// Waits until all views show the same runs, and fails if they never do: one of them has lost something, whether or
    /// not it was acknowledged.
    pub fn check_agreement(server: &Server) {
        let started = Instant::now();
        loop {
            let views = VIEWS.map(|view| (view.0, shown(server, view).into_iter().collect::<BTreeSet<i64>>()));
            if views.iter().all(|(_, runs)| *runs == views[0].1) {
                return;
            }
            let counts = views.map(|(view, runs)| (view, runs.len()));
            assert!(started.elapsed() < DEADLINE, "views show different runs: {counts:?}");
        }
    }

    /// What the views show, once they show everything, or when waiting was in vain.
    pub fn tally(&self, server: &Server) -> Tally {
        Self::tally_of(&self.acknowledged_so_far(), server)
    }

    fn tally_of(acknowledged: &BTreeSet<i64>, server: &Server) -> Tally {
        let started = Instant::now();
        loop {
            let mut tally = Tally { acknowledged: acknowledged.len(), lost: 0, doubled: 0 };
            for view in VIEWS {
                let (view, shown) = (view.0, shown(server, view));
                let once: BTreeSet<i64> = shown.iter().copied().collect();
                let (lost, doubled) = (acknowledged.difference(&once).count(), shown.len() - once.len());
                if lost + doubled > 0 && started.elapsed() >= DEADLINE {
                    eprintln!("{view}: {lost} lost, {doubled} doubled");
                }
                tally.lost = tally.lost.max(lost);
                tally.doubled = tally.doubled.max(doubled);
            }
            if tally.lost == 0 || tally.doubled > 0 || started.elapsed() >= DEADLINE {
                return tally;
            }
        }
    }
}

/// Acknowledged uploads, and how many of them some view does not show, or shows more than once.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    /// Uploads that the intake answered with 200.
    pub acknowledged: usize,
    /// Those that a view does not show, in the worst view.
    pub lost: usize,
    /// Rows beyond the first for an upload, in the worst view.
    pub doubled: usize,
}

/// Views, where they are asked, and which member lists their rows; none if the answer itself does.
const VIEWS: [(&str, &str, &str); 6] = [
    ("results", "/api/results/layout-tests/t?limit=50000", "results"),
    ("runs", "/api/results/layout-tests?limit=50000", "results"),
    ("failures", "/api/failures/layout-tests?collapsed=false&limit=50000", "results"),
    ("links", "/api/urls?suite=layout-tests&limit=50000", "urls"),
    ("uploads", "/api/upload?suite=layout-tests&limit=50000", ""),
    ("commits", "/api/commits?repository_id=webkit&limit=50000", ""),
];

/// The runs that a view shows; what is shown twice is there twice.
fn shown(server: &Server, (_, path, member): (&str, &str, &str)) -> Vec<i64> {
    // A view that shows nothing yet may say so as an error.
    let answer = match server.get(path) {
        (404, _) => Value::Null,
        (200, text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{path}: {other:?}"),
    };
    uuids(&answer, member)
}

fn uuids(answer: &Value, member: &str) -> Vec<i64> {
    let rows = if member.is_empty() { answer } else { &answer[0][member] };
    let uuid = |row: &Value| {
        let time = || row["commits"][0]["timestamp"].as_i64().or(row["timestamp"].as_i64()).map(|time| time * 100);
        row["uuid"].as_i64().or_else(time).unwrap()
    };
    rows.as_array().into_iter().flatten().map(uuid).collect()
}
