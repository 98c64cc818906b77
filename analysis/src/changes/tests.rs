#![allow(clippy::unwrap_used)]

mod episodes;

use std::borrow::Cow;

use proptest::prelude::*;
use schema::ids::{CommitKey, ConfigId};

use super::{Change, Histories, Kind, Subject, Suite, changes};
use crate::history::Cell;
use crate::notation::{cells, day};
use crate::rules::Rules;

/// The cells of subjects.
struct Given<'a>(Vec<&'a [Cell]>);

impl Histories for Given<'_> {
    fn cells(&self, subject: usize) -> Cow<'_, [Cell]> {
        Cow::Borrowed(self.0[subject])
    }
}

/// The changes of tests on configurations, each with its results, in a suite of so many tests.
fn of_cells(histories: &[(String, u64, Vec<Cell>)], tests: u32) -> Vec<Change> {
    let subject = |(test, configuration, cells): &'_ (String, u64, Vec<Cell>)| -> (String, ConfigId, Vec<Cell>) {
        (test.clone(), ConfigId(*configuration), cells.clone())
    };
    let owned: Vec<_> = histories.iter().map(subject).collect();
    let subjects: Vec<Subject<'_>> = owned
        .iter()
        .map(|(test, configuration, _)| Subject { test, first_name: test, configuration: *configuration })
        .collect();
    let days = owned.iter().filter_map(|(_, _, cells)| cells.last()).map(|cell| u64::from(cell.position) + 1);
    let commits: Vec<CommitKey> = (1..=days.max().unwrap_or(0)).map(day).collect();
    let histories = Given(owned.iter().map(|(.., cells)| cells.as_slice()).collect());
    let suite =
        Suite { name: "suite", tests, commits: &commits, order: &[], subjects: &subjects, histories: &histories };
    changes(&suite, &Rules::default())
}

#[test]
fn the_order_of_the_branch_counts_where_clocks_contradict_it() {
    // The fourth commit's clock was weeks behind: by its time it comes first.
    let mut order: Vec<CommitKey> = (11..=30).map(day).collect();
    order[13] = day(2);
    let text = format!("{}{}", row("P", 12), row("F", 8));
    let cells: Vec<Cell> =
        cells(&text).into_iter().zip(&order).map(|(cell, commit)| Cell { commit: *commit, ..cell }).collect();
    let subject = Subject { test: "a.html", first_name: "a.html", configuration: ConfigId(1) };
    let histories = Given(vec![&cells]);
    let found = |order: &[CommitKey]| {
        let commits: Vec<CommitKey> = (1..=30).map(day).collect();
        let suite =
            Suite { name: "suite", tests: 100, commits: &commits, order, subjects: &[subject], histories: &histories };
        changes(&suite, &Rules::default())
    };
    let right = found(&order);
    assert_eq!(right.len(), 1, "{right:?}");
    assert_eq!((right[0].after, right[0].until, right[0].likely[0].0), (Some(day(21)), day(23), day(23)));
    // Who does not tell the order gets an answer all the same.
    assert_eq!(found(&[]).len(), 1);
}

fn found(histories: &[(&str, u64, &str)], tests: u32) -> Vec<Change> {
    let with_cells =
        |(test, configuration, text): &(&str, u64, &str)| ((*test).to_owned(), *configuration, cells(text));
    of_cells(&histories.iter().map(with_cells).collect::<Vec<_>>(), tests)
}

fn row(letter: &str, count: usize) -> String {
    letter.repeat(count)
}

#[test]
fn what_one_commit_broke_is_one_change_with_the_narrowest_range() {
    // The first configuration tests every commit from the 61st on, the second one in five.
    let often = format!("{}{}", row("P", 62), row("F", 18));
    let seldom = format!("{}{}", row("P....", 12), row("P....", 1)) + &row("F....", 3);
    let found = found(&[("a/one.html", 1, &often), ("a/one.html", 2, &seldom), ("a/two.html", 2, &seldom)], 100);
    assert_eq!(found.len(), 1, "{found:?}");
    let change = &found[0];
    assert_eq!((change.kind, change.after, change.until), (Kind::Broke, Some(day(62)), day(63)));
    assert_eq!(change.likely[0].0, day(63));
    assert!(change.likely[0].1 > 0.99 && change.is_open);
    let members: Vec<(usize, CommitKey)> = change.members.iter().map(|member| (member.subject, member.first)).collect();
    assert_eq!(members, [(0, day(63)), (1, day(66)), (2, day(66))]);
    assert_eq!((change.members[0].before.unexpected, change.members[0].since.unexpected), (0, 18));
}

#[test]
fn a_pass_elsewhere_rules_commits_out() {
    let left = format!("{}....{}", row("P", 60), row("F", 20));
    let right = format!("{}P..{}", row("P", 61), row("F", 20));
    let alone = found(&[("a/one.html", 1, &left)], 100);
    assert_eq!((alone[0].after, alone[0].until), (Some(day(60)), day(65)));
    assert!((alone[0].likely[0].1 - 0.2).abs() < 0.01, "{:?}", alone[0].likely);
    let both = found(&[("a/one.html", 1, &left), ("a/one.html", 2, &right)], 100);
    assert_eq!(both.len(), 1);
    assert_eq!((both[0].after, both[0].until), (Some(day(62)), day(65)));
}

#[test]
fn young_failures_are_a_change_if_several_tests_share_them() {
    let broken = format!("{}F", row("P", 50));
    let names = ["a/one.html", "a/two.html", "a/three.html", "a/four.html"];
    let of = |count: usize| {
        let histories: Vec<(&str, u64, &str)> =
            names[..count].iter().flat_map(|name| [(*name, 1, &*broken), (*name, 2, &*broken)]).collect();
        found(&histories, 1000)
    };
    assert!(found(&[(names[0], 1, &broken)], 1000).is_empty());
    let together = of(4);
    assert_eq!(together.len(), 1);
    assert_eq!((together[0].members.len(), together[0].after, together[0].until), (8, Some(day(50)), day(51)));
}

#[test]
fn unrelated_changes_stay_apart() {
    let early = format!("{}{}", row("P", 40), row("F", 40));
    let late = format!("{}{}", row("P", 60), row("F", 20));
    let found = found(&[("a/one.html", 1, &early), ("b/two.html", 1, &late)], 100);
    let untils: Vec<CommitKey> = found.iter().map(|change| change.until).collect();
    assert_eq!(untils, [day(61), day(41)]);
    assert_ne!(found[0].id, found[1].id);
}

#[test]
fn kinds_are_told_apart() {
    let kind = |text: &str| found(&[("a/one.html", 1, text)], 100).iter().map(|change| change.kind).collect::<Vec<_>>();
    assert_eq!(kind(&format!("{}{}", row("F", 40), row("P", 40))), [Kind::Fixed]);
    assert_eq!(kind(&format!("{}{}", row("F", 40), row("E", 40))), [Kind::Expected]);
    assert_eq!(kind(&format!("{}{}", row("P", 60), row("PFPPFP", 10))), [Kind::Flaky]);
    assert_eq!(kind(&format!("{}{}{}", row("P", 60), row("F", 12), row("P", 40))), [Kind::Fixed, Kind::Broke]);
    assert_eq!(kind(&row("P", 80)), []);
    assert_eq!(kind(""), []);
}

#[test]
fn one_bad_run_of_most_tests_is_an_outage_until_another_confirms_it() {
    let names: Vec<String> = (0..20).map(|number| format!("a/{number}.html")).collect();
    let of = |text: &str, configurations: u64| {
        let all =
            |name: &String| (1..=configurations).map(|number| (name.clone(), number, cells(text))).collect::<Vec<_>>();
        of_cells(&names.iter().flat_map(all).collect::<Vec<_>>(), 30).len()
    };
    assert_eq!(of(&format!("{}F", row("P", 50)), 1), 0);
    assert_eq!(of(&format!("{}FF", row("P", 50)), 1), 1);
    assert_eq!(of(&format!("{}F", row("P", 50)), 2), 1);
}

#[test]
fn cells_without_a_run_say_nothing() {
    let text = format!("{}{}", row("P", 60), row("F", 20));
    let with = cells(&text);
    let skipped = |mut cell: Cell| {
        (cell.runs, cell.failed, cell.unrecovered) = (0, 0, 0);
        cell
    };
    let all: Vec<Cell> = with.iter().map(|cell| if cell.position % 3 == 1 { skipped(*cell) } else { *cell }).collect();
    let kept: Vec<Cell> = all.iter().filter(|cell| cell.runs > 0).copied().collect();
    let of = |cells: Vec<Cell>| of_cells(&[("a/one.html".to_owned(), 1, cells)], 100);
    let (found, known) = (of(all), of(kept));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, &found[0].members), (known[0].id, &known[0].members));
}

/// Names, configurations and histories of a small suite.
fn any_suite() -> impl Strategy<Value = Vec<(String, u64, Vec<Cell>)>> {
    let text = prop_oneof!["P{0,60}F{0,20}", "[PF.]{0,40}", "[PFCMRES.]{0,30}", "F{0,20}P{0,40}F{0,4}"];
    prop::collection::btree_map(("[ab]/[cd]", 1u64..4), text, 0..8).prop_map(|histories| {
        histories.into_iter().map(|((name, number), text)| (name, number, cells(&text))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changes_are_sound(suite in any_suite(), tests in 0u32..200) {
        for change in of_cells(&suite, tests) {
            prop_assert!(change.after < Some(change.until) && !change.members.is_empty());
            let total: f64 = change.likely.iter().map(|(_, share)| share).sum();
            prop_assert!(total <= 1.0 + 1e-9 && change.likely.len() <= 10 && !change.likely.is_empty());
            prop_assert!(change.likely.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            let mut subjects: Vec<usize> = change.members.iter().map(|member| member.subject).collect();
            subjects.sort_unstable();
            subjects.dedup();
            prop_assert_eq!(subjects.len(), change.members.len());
        }
    }

    #[test]
    fn the_order_of_subjects_does_not_matter(suite in any_suite()) {
        let backwards: Vec<_> = suite.iter().rev().cloned().collect();
        let key = |change: &Change| (change.until, change.after, change.kind, change.members.len());
        let (mut forth, mut back): (Vec<_>, Vec<_>) =
            (of_cells(&suite, 50).iter().map(key).collect(), of_cells(&backwards, 50).iter().map(key).collect());
        forth.sort();
        back.sort();
        prop_assert_eq!(forth, back);
    }

    #[test]
    fn a_regression_keeps_its_identity_and_range(passes in 60usize..120, failures in 4usize..10, more in 1usize..40) {
        let of = |failures: usize| {
            let text = format!("{}{}", row("P", passes), row("F", failures));
            found(&[("a/one.html", 1, &text), ("a/two.html", 2, &text)], 100)
        };
        let (before, after) = (of(failures), of(failures + more));
        let key = |changes: &[Change]| changes.iter().map(|change| (change.id, change.after, change.until)).collect::<Vec<_>>();
        prop_assert_eq!(before.len(), 1);
        prop_assert_eq!(key(&before), key(&after));
    }

    #[test]
    fn tests_that_never_fail_change_nothing(suite in any_suite(), length in 1usize..60) {
        let mut with = suite.clone();
        with.push(("z/stable.html".to_owned(), 1, cells(&row("P", length))));
        let subjects = |changes: Vec<Change>| changes.into_iter().flat_map(|change| change.members).all(|member| member.subject < suite.len());
        prop_assert!(subjects(of_cells(&with, 200)));
    }
}
