//! Lists of entries.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use schema::state::State;
use serde_json::{Value, json};

use super::*;
use crate::quarantine::EntryState;

fn entry(test: &str, configuration: Value, failure: &str) -> (String, ListedEntry) {
    let entry = ListedEntry {
        suite: "s".into(),
        test: test.into(),
        configuration: Configuration::from_json(&configuration).unwrap(),
        failure: State::failure_of_name(failure),
        reason: "fails by chance".into(),
        owner: "layout".into(),
        bug: "https://bugs.webkit.org/show_bug.cgi?id=123".into(),
        by: "ada".into(),
        since: 1_700_000_000,
        until: 1_701_000_000,
        state: EntryState::Active,
        released_at: None,
        released_by: None,
        recorded_at: 1_700_000_000,
    };
    (test.to_owned(), entry)
}

fn known(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn on(configuration: Value) -> Configuration {
    Configuration::from_json(&configuration).unwrap()
}

fn anywhere() -> Configuration {
    Configuration::default()
}

/// Tests that were left out, and why.
fn left_out(list: &ExportedList) -> Vec<(&str, &str)> {
    list.left_out.iter().map(|it| (it.test.as_str(), it.because.as_str())).collect()
}

#[test]
fn expectations_say_of_a_configuration_what_the_format_can() {
    let entries = [
        entry("a/b.html", json!({}), ""),
        entry("a/c.html", json!({ "platform": "Mac", "style": "Debug", "is_simulator": false }), "TEXT"),
        entry("a/c.html", json!({ "platform": "Mac", "style": "Debug", "is_simulator": false }), "CRASH"),
        entry("a/d.html", json!({ "platform": "iOS", "is_simulator": true, "architecture": "arm64" }), "IMAGE"),
        entry("a/e.html", json!({ "platform": "Mac", "version": "14.2.1" }), ""),
        entry("a/f.html", json!({ "python": "3.12" }), ""),
        entry("a/g.html", json!({}), "FAIL"),
    ];
    let list = super::list(ListFormat::TestExpectations, &entries, &known(&[]), &anywhere());
    let lines: Vec<&str> = list.text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            "webkit.org/b/123 a/b.html [ Pass Failure ImageOnlyFailure Timeout Crash ]",
            "webkit.org/b/123 [ Mac Debug ] a/c.html [ Pass Text Crash ]",
            "webkit.org/b/123 [ iOS Simulator arm64 ] a/d.html [ Pass ImageOnlyFailure ]",
        ]
    );
    let no_word =
        |member: &str| format!("the format has no word for its {member}; ask for the list of that configuration");
    assert_eq!(
        left_out(&list),
        [
            ("a/e.html", no_word("version").as_str()),
            ("a/f.html", no_word("labels").as_str()),
            ("a/g.html", "the format has no word for FAIL alone"),
        ]
    );
    assert!(
        list.text.contains("# until 2023-11-26 12:00 UTC, by ada, owner layout: fails by chance\n"),
        "{}",
        list.text
    );
    assert!(list.text.contains("# Left out, a/g.html: the format has no word for FAIL alone\n"), "{}", list.text);
    // What every run of the list has needs no word, and what is of others is none of it.
    let mac = on(json!({ "platform": "Mac", "version": "14.2.1" }));
    let list = super::list(ListFormat::TestExpectations, &entries, &known(&[]), &mac);
    assert!(list.text.contains("\nwebkit.org/b/123 [ Debug ] a/c.html [ Pass Text Crash ]\n"), "{}", list.text);
    assert!(list.text.contains("\nwebkit.org/b/123 a/e.html [ Pass Failure"), "{}", list.text);
    assert!(!list.text.contains("a/d.html"), "{}", list.text);
}

#[test]
fn names_that_a_line_would_mean_otherwise_are_left_out() {
    let names = ["fast", "fast/dom", "fast/", "a b.html", "a.html#x", "/a.html", "[.html", "bug.html", "a/b.html"];
    let entries: Vec<(String, ListedEntry)> = names.iter().map(|name| entry(name, json!({}), "")).collect();
    let list = super::list(ListFormat::TestExpectations, &entries, &known(&[]), &anywhere());
    assert_eq!(list.text.lines().filter(|line| !line.starts_with('#')).count(), 1, "{}", list.text);
    assert_eq!(list.left_out.len(), names.len() - 1);
}

#[test]
fn lists_of_names_have_what_is_about_every_failure_on_their_configuration() {
    let entries = [
        entry("t::everywhere", json!({}), ""),
        entry("t::mac", json!({ "platform": "Mac" }), ""),
        entry("t::linux", json!({ "platform": "linux" }), ""),
        entry("t::crash", json!({}), "CRASH"),
        entry("t::no_such_*", json!({}), ""),
        entry("t::gen*", json!({}), ""),
    ];
    let names = known(&["t::gen1", "t::gen2", "t::other"]);
    for format in [ListFormat::Plain, ListFormat::Nextest, ListFormat::Pytest, ListFormat::Jest] {
        let list = super::list(format, &entries, &names, &on(json!({ "platform": "Mac", "style": "Debug" })));
        for (name, is_listed) in
            [("everywhere", true), ("mac", true), ("gen1", true), ("gen2", true), ("linux", false), ("other", false)]
        {
            assert_eq!(list.text.contains(name), is_listed, "{format:?} {name}: {}", list.text);
        }
        let found = left_out(&list);
        assert_eq!(found[0].0, "t::crash", "{found:?}");
        assert_eq!(found[1], ("t::no_such_*", "no test has such a name"));
        assert_eq!(found.len(), 2, "{format:?} {found:?}");
        // Where it is not said on what the tests run, only what holds everywhere does.
        let list = super::list(format, &entries, &names, &anywhere());
        assert!(!list.text.contains("t::mac\n") && left_out(&list).iter().any(|(test, _)| *test == "t::mac"));
    }
}

#[test]
fn what_a_runner_would_leave_out_with_others_is_not_listed() {
    let entries = [entry("t.a::b", json!({}), ""), entry("t.a::c", json!({}), ""), entry("t.a::c2", json!({}), "")];
    let names = known(&["t.a::b", "t.a::b2", "t.a::c", "t.a::c2"]);
    let list = super::list(ListFormat::Pytest, &entries, &names, &anywhere());
    assert_eq!(left_out(&list), [("t.a::b", "pytest would leave out 't.a::b2', too")]);
    assert!(
        list.text.contains("--deselect=t/a.py::c\n") && list.text.contains("--deselect=t/a.py::c2\n"),
        "{}",
        list.text
    );
    // What is left out for another reason takes along what would mean it as well.
    let entries = [entry("t.a::b", json!({}), ""), entry("t.a::b2", json!({}), "CRASH")];
    let list = super::list(ListFormat::Pytest, &entries, &names, &anywhere());
    assert_eq!((list.text.as_str(), list.left_out.len()), ("", 2));

    let entries = [entry("a.js::math::one", json!({}), ""), entry("a.js::math::two", json!({}), "")];
    let names = known(&["a.js::math::one", "b.js::math::ONE", "a.js::math::two"]);
    let list = super::list(ListFormat::Jest, &entries, &names, &anywhere());
    assert_eq!(left_out(&list), [("a.js::math::one", "jest would leave out 'b.js::math::ONE', too")]);
    assert_eq!(list.text, "^(?!(?:math(?:::| )two)$)\n");
}

/// What a line of TestExpectations means, by the grammar of the format; none if it is no line of it.
fn parsed(line: &str) -> Option<(Vec<&str>, &str, Vec<&str>)> {
    let mut words = line.split('#').next()?.split_whitespace().peekable();
    while words.next_if(|word| word.starts_with("webkit.org/b/")).is_some() {}
    let on = if words.peek() == Some(&"[") { bracketed(&mut words)? } else { Vec::new() };
    let name = words.next()?;
    let states = bracketed(&mut words)?;
    words.next().is_none().then_some((on, name, states))
}

/// The words between two brackets.
fn bracketed<'l>(words: &mut impl Iterator<Item = &'l str>) -> Option<Vec<&'l str>> {
    words.next().filter(|word| *word == "[")?;
    let inside: Vec<&str> = words.by_ref().take_while(|word| *word != "]").collect();
    Some(inside)
}

proptest! {
    /// Whatever tests are called, and whatever people say of them: a list is never about another test.
    #[test]
    fn no_line_is_about_another_test(
        names in prop::collection::vec("[a-b/.:# \\[\\]*\\pL\\n-]{1,12}", 1..6),
        reason in "\\PC{0,20}|[\\n#\\]a]{0,9}",
        platform in prop::option::of("Mac|iOS|[a-z ]{1,5}"),
    ) {
        let entries: Vec<(String, ListedEntry)> = names
            .iter()
            .map(|name| {
                let (name, mut entry) = entry(name, json!({ "platform": platform }), "");
                entry.reason.clone_from(&reason);
                (name, entry)
            })
            .collect();
        let all: BTreeSet<String> = names.iter().cloned().collect();
        let list = super::list(ListFormat::TestExpectations, &entries, &all, &anywhere());
        for line in list.text.lines().filter(|line| !line.starts_with('#')) {
            let (on, name, states) = parsed(line).unwrap_or_else(|| panic!("{line:?}"));
            prop_assert!(all.contains(name), "{line:?}");
            prop_assert_eq!(on.len(), usize::from(platform.is_some()));
            prop_assert_eq!(states.len(), 5);
        }
        let list = super::list(ListFormat::Plain, &entries, &all, &anywhere());
        for line in list.text.lines().filter(|line| !line.starts_with('#')) {
            prop_assert!(all.contains(line) && platform.is_none(), "{line:?}");
        }
        let list = super::list(ListFormat::Pytest, &entries, &all, &anywhere());
        for line in list.text.lines() {
            prop_assert!(line.starts_with("--deselect=") && line.contains("::"), "{line:?}");
        }
    }
}
