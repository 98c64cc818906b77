//! Changes of single histories that one commit explains, joined.

use super::Suite;
use super::candidates::{Candidate, Direction};
use super::noise::Noise;
use super::place::Place;
use super::young::folder;

/// How likely it is that one commit did two changes of one test, against two commits.
const SAME_TEST: f64 = 40.0;
/// The same of one folder.
const SAME_FOLDER: f64 = 4.0;
/// The same of tests that have nothing in common.
const UNRELATED: f64 = 0.03;
/// Commits to either side in which groups are counted, to tell how many there are by chance.
const NEIGHBOURHOOD: usize = 25;
/// How surprising a result is at least that an accepted change takes with it.
const LEAST_SURPRISE: f64 = 3.0;

/// Changes of single histories with the place that they have together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) members: Vec<Candidate>,
    pub(super) place: Place,
}

impl Group {
    fn direction(&self) -> Direction {
        self.members[0].direction
    }
}

/// Joins candidates that are sure or accepted, and takes unsure ones along where an accepted change explains them.
pub(super) fn joined(
    suite: &Suite<'_>,
    sure: Vec<Candidate>,
    young: Vec<Candidate>,
    unsure: Vec<Candidate>,
    noise: &Noise,
) -> Vec<Group> {
    let mut all = sure;
    all.extend(young);
    all.sort_by_key(|candidate| (candidate.place.width(), candidate.subject, candidate.at));
    let mut groups: Vec<Group> = Vec::new();
    for candidate in &all {
        let join = if std::env::var("NOJOIN").is_ok() { None } else { best_group(suite, &groups, candidate) };
        match join.filter(|(_, score)| *score > density(&groups, candidate)) {
            Some((index, _)) => add(&mut groups[index], candidate.clone()),
            None => groups.push(Group { place: candidate.place.clone(), members: vec![candidate.clone()] }),
        }
    }
    for candidate in unsure {
        let surprise = noise.surprise_of(suite, &candidate);
        let join = best_group(suite, &groups, &candidate).filter(|_| std::env::var("NOTAKE").is_err()).filter(
            |(index, score)| {
                surprise > LEAST_SURPRISE
                    && surprise + score.ln() > (suite.tests as f64 / groups[*index].members.len() as f64).max(1.0).ln()
            },
        );
        if let Some((index, _)) = join {
            add(&mut groups[index], candidate);
        }
    }
    groups
}

fn add(group: &mut Group, candidate: Candidate) {
    group.place = group.place.joined(&candidate.place);
    group.members.push(candidate);
}

/// The group that explains a candidate best, and how well: larger groups and related tests count more.
fn best_group(suite: &Suite<'_>, groups: &[Group], candidate: &Candidate) -> Option<(usize, f64)> {
    let score = |group: &Group| {
        let is_taken = group.members.iter().any(|member| member.subject == candidate.subject);
        let is_plausible = candidate.place.is_plausible(group.place.mode());
        if is_taken || group.direction() != candidate.direction || !is_plausible {
            return 0.0;
        }
        let overlap = group.place.overlap(&candidate.place);
        if overlap <= 0.0 {
            return 0.0;
        }
        let weight: f64 = group.members.iter().map(|member| relation(suite, member, candidate)).sum();
        overlap * weight
    };
    let scores = groups.iter().map(score).enumerate().filter(|(_, score)| *score > 0.0);
    scores.max_by(|one, other| one.1.total_cmp(&other.1))
}

fn relation(suite: &Suite<'_>, one: &Candidate, other: &Candidate) -> f64 {
    let (one, other) = (suite.subjects[one.subject].test, suite.subjects[other.subject].test);
    match () {
        () if one == other => SAME_TEST,
        () if folder(one) == folder(other) => SAME_FOLDER,
        () => UNRELATED,
    }
}

/// How many groups there are by chance where a candidate is, for each commit.
fn density(groups: &[Group], candidate: &Candidate) -> f64 {
    let mode = candidate.place.mode();
    let near = groups.iter().filter(|group| group.place.mode().abs_diff(mode) <= NEIGHBOURHOOD).count();
    (near + 1) as f64 / (2 * NEIGHBOURHOOD + 1) as f64
}
