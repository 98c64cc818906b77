//! Episodes: what failed, passed and fails again broke twice, and each change has the commits of its own.

use proptest::prelude::*;

use super::*;

/// The changes of one test on configurations with these results, the newest first: kind, the last commit before the range, the
/// last one in it, whether it goes on, and how many configurations it has.
fn of(texts: &[&str]) -> Vec<(Kind, Option<CommitKey>, CommitKey, bool, usize)> {
    let histories: Vec<(&str, u64, &str)> =
        (1..).zip(texts).map(|(number, text)| ("a/one.html", number, *text)).collect();
    let told = |change: &Change| (change.kind, change.after, change.until, change.is_open, change.members.len());
    found(&histories, 100).iter().map(told).collect()
}

/// A change of six configurations on one commit, which is known.
fn of_six(kind: Kind, until: u64, is_open: bool) -> (Kind, Option<CommitKey>, CommitKey, bool, usize) {
    (kind, Some(day(until - 1)), day(until), is_open, 6)
}

#[test]
fn what_broke_again_has_the_commits_of_the_failure_that_is_there_now() {
    let former = [of_six(Kind::Fixed, 12, false), of_six(Kind::Broke, 9, false)];
    for newest in 1..12 {
        let found = of(&[&*format!("PPPPPPPPFFFPPP{}", row("F", newest)); 6]);
        assert_eq!(found, [&[of_six(Kind::Broke, 15, true)], &former[..]].concat(), "{newest}");
    }
    assert_eq!(of(&["PPPPPPPPFPF"; 6])[0], of_six(Kind::Broke, 11, true));
}

#[test]
fn what_was_fixed_again_has_the_commits_of_the_fix_that_holds_now() {
    let former = [of_six(Kind::Broke, 12, false), of_six(Kind::Fixed, 9, false)];
    for newest in 1..12 {
        let found = of(&[&*format!("FFFFFFFFPPPFFF{}", row("P", newest)); 6]);
        assert_eq!(found, [&[of_six(Kind::Fixed, 15, true)], &former[..]].concat(), "{newest}");
    }
}

#[test]
fn configurations_that_run_seldom_narrow_the_range_of_one_episode_together() {
    // It failed from the 9th to the 11th commit, and fails since the 20th: each configuration saw some of it.
    let found = of(&[
        "PPPPPPPPFFFPPPPPPPPFFF",
        "P..P..P..F..P..P..P..F",
        ".P..P..P..F..P..P..F..",
        "P...P...P.F.P...P..P.F",
        "..P..P..F...P..P.....F",
        "PPPPPPPP...P.......F.F",
    ]);
    let (kind, after, until, is_open, configurations) = found[0];
    assert_eq!((kind, until, is_open), (Kind::Broke, day(20), true), "{found:?}");
    // The former failure had ended by the 12th, and few results do not rule out that one pass was chance.
    assert!(after >= Some(day(17)) && configurations >= 5, "{found:?}");
    assert!(found[1..].iter().all(|(.., until, is_open, _)| *until < day(20) && !is_open), "{found:?}");
}

#[test]
fn what_several_configurations_saw_stays_a_change_once_it_ended() {
    // It failed from the 13th to the 25th commit. The configurations test one commit of four.
    let every = |end: usize| -> String {
        let result = |number: usize| if (13..=25).contains(&number) { 'F' } else { 'P' };
        (1..=end).map(|number| if number % 4 == 1 { result(number) } else { '.' }).collect()
    };
    let until = |end: usize| of(&[&*every(end); 6]);
    // A result may be chance, so that the commits beside the right one are not ruled out.
    let is_of = |found: &(Kind, Option<CommitKey>, CommitKey, bool, usize), kind: Kind, first: u64| {
        let (told, after, until, _, configurations) = *found;
        let (least, most) = (day(first - 4), day(first + 3));
        (told, configurations) == (kind, 6)
            && (Some(least)..Some(day(first))).contains(&after)
            && (day(first)..=most).contains(&until)
    };
    let young = until(25);
    assert!(young.len() == 1 && is_of(&young[0], Kind::Broke, 13), "{young:?}");
    for end in 31..60 {
        let found = until(end);
        assert!(
            found.len() == 2 && is_of(&found[0], Kind::Fixed, 26) && is_of(&found[1], Kind::Broke, 13),
            "{end}: {found:?}"
        );
    }
}

/// What a test did on each commit, in rows, and the commits that each configuration tested.
fn any_truth() -> impl Strategy<Value = (String, Vec<Vec<bool>>)> {
    let truth = "P{5,30}(F{1,6}P{1,6}){0,3}F{1,10}(P{1,12})?";
    truth.prop_flat_map(|truth| {
        let tested = prop::collection::vec(any::<bool>(), truth.len());
        (Just(truth), prop::collection::vec(tested, 2..7))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_range_is_of_one_episode((truth, tested) in any_truth()) {
        let results = |tested: &Vec<bool>| -> String {
            let result = |(result, is_tested): (char, &bool)| if *is_tested { result } else { '.' };
            truth.chars().zip(tested).map(result).collect()
        };
        let texts: Vec<String> = tested.iter().map(results).collect();
        let histories: Vec<(&str, u64, &str)> =
            (1..).zip(&texts).map(|(number, text)| ("a/one.html", number, text.as_str())).collect();
        let results: Vec<u8> = truth.bytes().collect();
        for change in found(&histories, 100) {
            let place = |commit: CommitKey| (1..=truth.len() as u64).find(|number| day(*number) == commit).unwrap() as usize - 1;
            let (after, until) = (change.after.map_or(0, place), place(change.until));
            for member in &change.members {
                let failed = member.since.unexpected;
                if failed > 0 && failed < member.since.runs {
                    continue;
                }
                // The plain model: it is none of the episodes before it, which results of another kind ended.
                let (first, text) = (place(member.first), texts[member.subject].as_bytes());
                let earlier: Vec<usize> = (0..first).filter(|index| text[*index] != b'.').collect();
                let (before, is_like) = (*earlier.last().unwrap(), |index: &&usize| text[**index] == text[first]);
                let gap = earlier.iter().rev().take_while(|index| !is_like(index)).count();
                let row = earlier.iter().rev().skip(gap).take_while(is_like).count();
                let ended = if row > 1 { earlier[earlier.len() - gap] } else { 0 };
                prop_assert!(text[before] != text[first] && after >= ended, "{change:?} of {texts:?}");
                let did = |pair: &[u8]| pair == [text[before], text[first]];
                prop_assert!(results[after..=until].windows(2).any(did), "{change:?} of {texts:?}");
            }
        }
    }
}
