//! Sums of grades, by rule, suite and owner.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::detection::{Detection, TimedFailure};
use super::grade::{Afterwards, Graded, Mistake};
use super::{Grades, WrongAnswer};
use crate::news;
use crate::reads::verdicts::GivenVerdict;

/// Suites and owners that are listed.
const MAX_ROWS: usize = 100;
/// Wrong answers that are listed.
const MAX_WRONG: usize = 50;

/// What a row is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QualityBy {
    /// Everything.
    #[default]
    All,
    /// The verdicts of a version of the rule.
    Rule,
    /// A suite.
    Suite,
    /// An owner of tests.
    Owner,
}

/// How the verdicts of a rule, a suite or an owner turned out, and how soon failures were found. What cannot be graded yet
/// counts for nothing but `given` and `open`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QualityRow {
    /// What it is of.
    pub by: QualityBy,
    /// The rule, suite or owner; none for everything, and for the tests that nobody owns.
    pub name: Option<String>,
    /// Verdicts that were given.
    pub given: u64,
    /// Those that held.
    pub held: u64,
    /// Those that were refuted.
    pub refuted: u64,
    /// Those that are open.
    pub open: u64,
    /// Graded verdicts `known-flaky`: convictions of flakiness.
    pub convicted: u64,
    /// Those of them that were wrong.
    pub wrongly_convicted: u64,
    /// Graded verdicts `known-failing` and `known-flaky`: excuses.
    pub excused: u64,
    /// Those of them that let a break through.
    pub wrongly_excused: u64,
    /// Graded verdicts `new`: failures that a change was blamed for.
    pub blamed: u64,
    /// Those of them that were wrong.
    pub wrongly_blamed: u64,
    /// Failures that began on the default branch; none by rule.
    pub began: Option<u64>,
    /// Those of which it is known how long it took to find them; none by rule.
    pub timed: Option<u64>,
    /// Median of the time to detect: from the start of the first failing run until the run was received with which the rule calls
    /// the test failing, seconds.
    pub detect_median: Option<u64>,
    /// The 95th percentile of it, seconds.
    pub detect_p95: Option<u64>,
    /// Grades by verdict.
    #[schemars(with = "BTreeMap<String, Grades>")]
    pub verdicts: BTreeMap<String, Grades>,
}

/// What is summed up of one rule, suite or owner.
#[derive(Debug, Default)]
struct Sum {
    verdicts: BTreeMap<String, Grades>,
    wrong: BTreeMap<Mistake, u64>,
    times: Vec<Option<u32>>,
}

impl Sum {
    fn add(&mut self, verdict: &str, graded: &Graded) {
        let grades = self.verdicts.entry(verdict.to_owned()).or_default();
        grades.given += 1;
        match graded.held {
            None => grades.open += 1,
            Some(true) => grades.held += 1,
            Some(false) => grades.refuted += 1,
        }
        if let Some((mistake, _)) = graded.mistake {
            *self.wrong.entry(mistake).or_default() += 1;
        }
    }

    fn row(self, by: QualityBy, name: Option<String>) -> QualityRow {
        let graded = |verdict: &str| self.verdicts.get(verdict).map_or(0, |grades| grades.held + grades.refuted);
        let wrong = |mistake: Mistake| self.wrong.get(&mistake).copied().unwrap_or(0);
        let sum = |count: fn(&Grades) -> u64| self.verdicts.values().map(count).sum::<u64>();
        let Detection { began, timed, median, p95 } = Detection::of(&self.times);
        let is_timed = by != QualityBy::Rule;
        QualityRow {
            by,
            name,
            given: sum(|grades| grades.given),
            held: sum(|grades| grades.held),
            refuted: sum(|grades| grades.refuted),
            open: sum(|grades| grades.open),
            convicted: graded("known-flaky"),
            wrongly_convicted: wrong(Mistake::Flakiness),
            excused: graded("known-flaky") + graded("known-failing"),
            wrongly_excused: wrong(Mistake::Excuse),
            blamed: graded("new"),
            wrongly_blamed: wrong(Mistake::Blame),
            began: is_timed.then_some(began),
            timed: is_timed.then_some(timed),
            detect_median: median,
            detect_p95: p95,
            verdicts: self.verdicts,
        }
    }
}

/// The sums of an answer.
#[derive(Debug, Default)]
pub(super) struct Tally {
    all: Sum,
    rules: BTreeMap<String, Sum>,
    suites: BTreeMap<String, Sum>,
    owners: BTreeMap<Option<String>, Sum>,
    /// The newest of the wrong answers of a kind on a test of a suite and a branch, and how many there are.
    wrong: BTreeMap<(String, String, String, Mistake), WrongAnswer>,
}

impl Tally {
    /// Counts a verdict on a test, which now has this name and these owners.
    pub(super) fn add_verdict(&mut self, test: &str, owners: &[String], given: &GivenVerdict, graded: &Graded) {
        let rule = self.rules.entry(given.rule.clone()).or_default();
        let suite = self.suites.entry(given.suite.clone()).or_default();
        for sum in [&mut self.all, rule, suite] {
            sum.add(&given.verdict, graded);
        }
        for owner in owned_by(owners) {
            self.owners.entry(owner).or_default().add(&given.verdict, graded);
        }
        if let Some((mistake, after)) = graded.mistake {
            self.add_wrong(test, owners, given, mistake, after);
        }
    }

    fn add_wrong(&mut self, test: &str, owners: &[String], given: &GivenVerdict, mistake: Mistake, after: Afterwards) {
        let key = (given.suite.clone(), test.to_owned(), given.branch.clone(), mistake);
        let times = self.wrong.get(&key).map_or(0, |known| known.times) + 1;
        if let Some(known) = self.wrong.get_mut(&key).filter(|known| known.asked_at >= given.asked_at) {
            known.times = times;
            return;
        }
        let wrong = WrongAnswer {
            mistake,
            suite: given.suite.clone(),
            test: test.to_owned(),
            owners: owners.to_vec(),
            verdict: given.verdict.clone(),
            change: Some(given.change.clone()).filter(|change| !change.is_empty()),
            branch: given.branch.clone(),
            asked_at: given.asked_at,
            rule: given.rule.clone(),
            times,
            after,
            link: news::page_of_branch(&given.branch, &given.suite, test),
        };
        self.wrong.insert(key, wrong);
    }

    /// Counts a failure of a suite that began.
    pub(super) fn add_failure(&mut self, suite: &str, failure: &TimedFailure) {
        self.all.times.push(failure.seconds);
        self.suites.entry(suite.to_owned()).or_default().times.push(failure.seconds);
        for owner in owned_by(&failure.owners) {
            self.owners.entry(owner).or_default().times.push(failure.seconds);
        }
    }

    pub(super) fn finish(self) -> Tallied {
        let (suites, more_suites) =
            rows(QualityBy::Suite, self.suites.into_iter().map(|(name, sum)| (Some(name), sum)));
        let (owners, more_owners) = rows(QualityBy::Owner, self.owners.into_iter());
        let (rules, _) = rows(QualityBy::Rule, self.rules.into_iter().map(|(name, sum)| (Some(name), sum)));
        let mut wrong: Vec<WrongAnswer> = self.wrong.into_values().collect();
        // What was asked at the same time keeps the order of names.
        wrong.sort_by_key(|one| Reverse(one.asked_at));
        let more_wrong = wrong.len().saturating_sub(MAX_WRONG) as u64;
        wrong.truncate(MAX_WRONG);
        let total = self.all.row(QualityBy::All, None);
        Tallied { total, rules, suites, more_suites, owners, more_owners, wrong, more_wrong }
    }
}

/// What was summed up, with the lists cut to what an answer holds.
#[derive(Debug)]
pub(super) struct Tallied {
    pub(super) total: QualityRow,
    pub(super) rules: Vec<QualityRow>,
    pub(super) suites: Vec<QualityRow>,
    pub(super) more_suites: u64,
    pub(super) owners: Vec<QualityRow>,
    pub(super) more_owners: u64,
    pub(super) wrong: Vec<WrongAnswer>,
    pub(super) more_wrong: u64,
}

/// Whom something counts for: nobody is one, too.
fn owned_by(owners: &[String]) -> Vec<Option<String>> {
    if owners.is_empty() { vec![None] } else { owners.iter().cloned().map(Some).collect() }
}

/// Rows, those with most wrong answers first, and how many are left out.
fn rows(by: QualityBy, sums: impl Iterator<Item = (Option<String>, Sum)>) -> (Vec<QualityRow>, u64) {
    let mut rows: Vec<QualityRow> = sums.map(|(name, sum)| sum.row(by, name)).collect();
    let wrong = |row: &QualityRow| row.wrongly_convicted + row.wrongly_excused + row.wrongly_blamed;
    rows.sort_by_key(|row| Reverse((wrong(row), row.given, row.began)));
    let more = rows.len().saturating_sub(MAX_ROWS) as u64;
    rows.truncate(MAX_ROWS);
    (rows, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(suite: &str, verdict: &str, rule: &str, asked_at: u32) -> GivenVerdict {
        GivenVerdict {
            suite: suite.to_owned(),
            asked_at,
            branch: "default".to_owned(),
            change: format!("c{asked_at}"),
            test: "t".to_owned(),
            verdict: verdict.to_owned(),
            state: 4,
            rule: rule.to_owned(),
        }
    }

    fn graded(held: Option<bool>, mistake: Option<Mistake>) -> Graded {
        Graded { held, mistake: mistake.map(|mistake| (mistake, Afterwards::default())) }
    }

    fn names(rows: &[QualityRow]) -> Vec<&str> {
        rows.iter().map(|row| row.name.as_deref().unwrap_or("nobody")).collect()
    }

    #[test]
    fn a_verdict_counts_for_its_rule_its_suite_and_each_owner() {
        let mut tally = Tally::default();
        let owners = ["@x".to_owned(), "@y".to_owned()];
        tally.add_verdict(
            "t",
            &owners,
            &given("s", "known-flaky", "r1", 1),
            &graded(Some(false), Some(Mistake::Flakiness)),
        );
        tally.add_verdict(
            "t",
            &owners[..1],
            &given("s", "known-failing", "r2", 2),
            &graded(Some(true), Some(Mistake::Excuse)),
        );
        tally.add_verdict("u", &[], &given("q", "new", "r2", 3), &graded(None, None));
        tally.add_failure("q", &TimedFailure { owners: vec![], seconds: Some(60) });
        tally.add_failure("q", &TimedFailure { owners: vec![], seconds: None });
        let told = tally.finish();
        let total = &told.total;
        assert_eq!((total.given, total.held, total.refuted, total.open), (3, 1, 1, 1));
        assert_eq!((total.convicted, total.wrongly_convicted), (1, 1));
        assert_eq!((total.excused, total.wrongly_excused, total.blamed), (2, 1, 0));
        assert_eq!(
            (total.began, total.timed, total.detect_median, total.detect_p95),
            (Some(2), Some(1), Some(60), Some(60))
        );
        assert_eq!(names(&told.rules), ["r2", "r1"]);
        assert_eq!((told.rules[0].began, told.rules[0].detect_median), (None, None));
        assert_eq!(names(&told.suites), ["s", "q"]);
        assert_eq!(told.suites[1].detect_median, Some(60));
        assert_eq!(names(&told.owners), ["@x", "@y", "nobody"]);
        assert_eq!((told.owners[0].given, told.owners[1].given), (2, 1));
        assert_eq!(told.owners[0].verdicts["known-failing"], Grades { given: 1, held: 1, ..Grades::default() });
    }

    #[test]
    fn wrong_answers_are_told_once_a_test_the_newest_first() {
        let mut tally = Tally::default();
        let wrong = graded(Some(false), Some(Mistake::Blame));
        for asked_at in [5, 9, 7] {
            tally.add_verdict("a", &[], &given("s", "new", "r", asked_at), &wrong);
        }
        tally.add_verdict("b", &[], &given("s", "new", "r", 8), &wrong);
        let told = tally.finish();
        let wrong: Vec<(&str, u32, u64)> =
            told.wrong.iter().map(|one| (one.test.as_str(), one.asked_at, one.times)).collect();
        assert_eq!(wrong, [("a", 9, 3), ("b", 8, 1)]);
        assert_eq!((told.wrong[0].change.as_deref(), told.wrong[0].link.as_str()), (Some("c9"), "/?suite=s&test=a"));
        assert_eq!(told.total.wrongly_blamed, 4);
    }

    #[test]
    fn what_was_wrong_on_another_branch_leads_to_the_test_as_it_is_there() {
        let mut tally = Tally::default();
        let wrong = graded(Some(false), Some(Mistake::Blame));
        for (branch, asked_at) in [("default", 5), ("release/2 & 3", 9), ("default", 7)] {
            let given = GivenVerdict { branch: branch.to_owned(), ..given("s", "new", "r", asked_at) };
            tally.add_verdict("a", &[], &given, &wrong);
        }
        let told = tally.finish();
        let rows: Vec<(&str, u64, &str)> =
            told.wrong.iter().map(|one| (one.branch.as_str(), one.times, one.link.as_str())).collect();
        let there = "/?suite=s&test=a&branch=release%2F2+%26+3&recent=false";
        assert_eq!(rows, [("release/2 & 3", 1, there), ("default", 2, "/?suite=s&test=a")]);
    }

    #[test]
    fn lists_are_cut_and_the_rest_is_said() {
        let mut tally = Tally::default();
        for index in 0..MAX_ROWS as u32 + 7 {
            let suite = format!("s{index:03}");
            let owner = [format!("@{index}")];
            let wrong = graded(Some(false), Some(Mistake::Blame));
            tally.add_verdict("t", &owner, &given(&suite, "new", "r", index), &wrong);
        }
        let told = tally.finish();
        assert_eq!((told.suites.len(), told.more_suites), (MAX_ROWS, 7));
        assert_eq!((told.owners.len(), told.more_owners), (MAX_ROWS, 7));
        assert_eq!((told.wrong.len() as u64, told.more_wrong), (MAX_WRONG as u64, (MAX_ROWS + 7 - MAX_WRONG) as u64));
    }
}
