//! A deployment is upgraded service by service under load, as docs/operating.md tells operators: nothing that was
//! acknowledged is lost or shown twice, no upload is refused, and no question fails.
//!
//! `UPGRADE_FROM` names the binary of the version before, which `make upgrade REF=COMMIT` builds. Without it, this version
//! is replaced by itself: services that are replaced must not be noticed either.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod deployment;
mod watch;

use std::time::{Duration, Instant};

use test_support::load::Load;
use test_support::server::Binary;
use test_support::wait::until;

use deployment::{Deployment, Kind};
use watch::{PATHS, Users, shown};

const RESULTSDB: Binary = test_support::resultsdb!();
/// What happens between two steps, at least.
const UPLOADS: usize = 40;
const QUESTIONS: usize = 20;

/// The version that is there at first.
fn before() -> Binary {
    std::env::var("UPGRADE_FROM").map_or(RESULTSDB, |path| Binary::at(path.leak()))
}

/// Steps, each of which ends once the load has gone on for a while and is shown.
struct Steps<'a> {
    url: &'a str,
    load: &'a Load,
    users: &'a Users,
    begun: Instant,
}

impl Steps<'_> {
    fn take(&self, what: &str, step: impl FnOnce() -> Option<Duration>) {
        let (begun, refused) = (Instant::now(), self.load.refusals().count);
        let ended = step().map(|time| format!(", ended within {time:.1?}")).unwrap_or_default();
        let (uploads, asked) = (self.load.acknowledged() + UPLOADS, self.users.asked() + QUESTIONS);
        until("the load goes on", || self.load.acknowledged() >= uploads && self.users.asked() >= asked);
        let newest = self.load.acknowledged_since(0).into_keys().next_back().unwrap();
        until("the newest upload is shown", || shown(self.url, newest).contains(&newest));
        let refused = self.load.refusals().count - refused;
        let (at, took) = (begun - self.begun, begun.elapsed());
        println!("at {at:.1?}, for {took:.1?}: {what}{ended}; refused {refused}");
    }
}

#[test]
fn services_are_replaced_one_by_one_under_load() {
    let (before, after) = (before(), RESULTSDB);
    let mut deployment = Deployment::start(before);
    let load = Load::with_quota();
    load.direct_to(&deployment.proxy.url);
    let uploaders = load.start();
    load.allow(1);
    until("the first upload is shown", || {
        deployment.queries().all(|query| PATHS.iter().all(|path| query.get(path).0 == 200))
    });
    let users = Users::start(&load, &deployment.proxy.url);
    let url = deployment.proxy.url.clone();
    let steps = Steps { url: &url, load: &load, users: &users, begun: Instant::now() };

    steps.take("all of the version before", || None);
    steps.take("migrated", || {
        deployment.migrate(after);
        None
    });
    steps.take("query services", || Some(deployment.replace(Kind::Query, after)));
    steps.take("processors", || Some(deployment.replace(Kind::Processor, after)));
    steps.take("a step back: query services", || Some(deployment.replace(Kind::Query, before)));
    steps.take("a step back: processors", || Some(deployment.replace(Kind::Processor, before)));
    steps.take("query services again", || Some(deployment.replace(Kind::Query, after)));
    steps.take("processors again", || Some(deployment.replace(Kind::Processor, after)));
    steps.take("intakes", || Some(deployment.replace_drained_intakes(after, &load)));
    // From this version on an intake that stops answers whoever is connected to it.
    steps.take("intakes that stop under load", || Some(deployment.replace(Kind::Ingest, after)));
    let duration = steps.begun.elapsed();

    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    let noticed = users.stop();
    let query = deployment.queries().next().unwrap();
    let (tally, refusals) = (load.tally(query), load.refusals());
    println!(
        "| uploads acknowledged | refused | lost | doubled | shown after, at most | questions | failed | duration |\n\
         |---|---|---|---|---|---|---|---|"
    );
    println!(
        "| {} | {} | {} | {} | {:.1?} | {} | {} | {duration:.0?} |",
        tally.acknowledged,
        refusals.count,
        tally.lost,
        tally.doubled,
        noticed.shown_after,
        noticed.asked,
        noticed.failed.len()
    );
    assert_eq!((tally.lost, tally.doubled), (0, 0), "of {}", tally.acknowledged);
    assert!(noticed.failed.is_empty(), "{}", noticed.failed.join("\n"));
    assert_eq!(refusals.count, 0, "{}", refusals.first.join("\n"));
    Load::check_agreement(query);
    let examined = deployment.command(after, "doctor").output().unwrap();
    assert!(examined.status.success(), "{}", String::from_utf8_lossy(&examined.stdout));
}
