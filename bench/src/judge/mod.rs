//! How good the rule of verdicts is, on a labelled simulation, beside the method of LUCI Analysis on the same histories.
//!
//! Data flow: [`world`] draws suites whose tests do on each [`configuration`] what [`behaviour`] says, and labels them; the
//! simulation does not know the rule. The rule and its [`peer`] claim changes and flaky tests, [`measure`] compares claims
//! with labels, [`table`] compares figures with floors.
//!
//! A claimed change holds if its range contains the commit that did it, and the direction is right. A flaky test counts for
//! recall once it failed and passed on two commits each since its last change.

mod behaviour;
mod chance;
mod configuration;
mod measure;
mod peer;
mod table;
mod world;

use std::borrow::Cow;

use analysis::change_points::likelihood::Counts;
use analysis::changes::{Change, Histories, Kind, Member, Subject, Suite, changes};
use analysis::evidence::Evidence;
use analysis::history::{Cell, History};
use analysis::judge::{Question, Standing, judge};
use analysis::rules::Rules;
use schema::seconds::DAY;

use crate::random::Random;
use configuration::Labelled;
use measure::{Claim, FIVE, Measures, badness};
use world::World;

/// Draws suites and prints how well changes and flaky tests in them were found. Fails if a floor is missed.
pub(crate) fn measure(suites: usize, seed: u64) -> anyhow::Result<()> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (mut rule, mut peer) = (Measures::default(), Measures::default());
    let mut histories = 0;
    for _ in 0..suites {
        let world = World::draw(&mut random);
        let claims = claims(&world).into_iter().zip(peer::claims(&world));
        for (history, (ours, theirs)) in world.histories.iter().zip(claims) {
            rule.add_claims(history, &ours);
            peer.add_claims(history, &theirs);
            rule.add_flaky(history, is_flaky(history));
            peer.add_flaky(history, peer::is_flaky(history));
        }
        histories += world.histories.len();
    }
    println!("{histories} histories, {} changes, seed {seed}\n", rule.recall.whole());
    anyhow::ensure!(table::print(&rule, &peer), "a floor is missed");
    Ok(())
}

/// The changes of each history, as the rule finds them in the suite.
fn claims(world: &World) -> Vec<Vec<Claim>> {
    let subject = |labelled| {
        let test = name(labelled);
        Subject { test, first_name: test, configuration: labelled.configuration }
    };
    let subjects: Vec<Subject<'_>> = world.histories.iter().map(subject).collect();
    let suite = Suite {
        name: "simulation",
        tests: world.tests,
        commits: &world.commits,
        order: &[],
        subjects: &subjects,
        histories: world,
    };
    let mut claims = vec![Vec::new(); subjects.len()];
    for change in changes(&suite, &Rules::default()) {
        for member in &change.members {
            claims[member.subject].push(claim(world, &change, member));
        }
    }
    claims
}

impl Histories for World {
    fn cells(&self, subject: usize) -> Cow<'_, [Cell]> {
        Cow::Borrowed(&self.histories[subject].cells)
    }
}

fn name(labelled: &Labelled) -> &str {
    &labelled.test
}

fn history(labelled: &Labelled) -> History<'_> {
    History { cells: &labelled.cells, commits: labelled.commits }
}

fn claim(world: &World, change: &Change, member: &Member) -> Claim {
    let counts = |evidence: &Evidence| Counts {
        runs: evidence.runs,
        unexpected: evidence.unexpected,
        unrecovered: evidence.unrecovered,
        ..Counts::default()
    };
    let is_worse = match change.kind {
        Kind::Broke => true,
        Kind::Fixed | Kind::Expected => false,
        Kind::Flaky => badness(counts(&member.since)) > badness(counts(&member.before)),
    };
    Claim {
        after: change.after.map_or(0, |commit| world.index(commit)),
        until: world.index(change.until),
        is_worse,
        likely: change.likely.iter().take(FIVE).map(|(commit, _)| world.index(*commit)).collect(),
    }
}

/// Whether the rule calls a test flaky on the day of its newest run.
fn is_flaky(labelled: &Labelled) -> bool {
    let now = labelled.cells.last().map_or(0, |cell| u64::from(cell.last_start));
    let question = Question { now, new_since: now.saturating_sub(DAY), rules: Rules::default() };
    judge(&history(labelled), &question).standing == Standing::Flaky
}
