//! Which tests a search means.
#![allow(clippy::unwrap_used)]

use super::*;

use proptest::prelude::*;
use schema::configuration::Configuration;

/// Seconds since 1970.
const NOW: u64 = 1_700_000_000;

fn bug() -> BugLink {
    BugLink {
        suite: "layout-tests".into(),
        test: "css/*".into(),
        url: "https://bugs.example.org/show?id=4711".into(),
        note: "Waits for a font".into(),
        configuration: Configuration::default(),
        failure: None,
        message: None,
        is_open: true,
    }
}

/// Whether the search means a test that crashes on two configurations since some hours.
fn means(search: &str) -> bool {
    let (bug, configurations) = (bug(), ["Mac 14.0.0 Release".to_owned(), "iOS 17.0.0 Simulator".to_owned()]);
    let owners = ["@org/Web".to_owned(), "ada@example.org".to_owned()];
    let now = NOW;
    let subject = Subject {
        suite: "layout-tests",
        test: "css/Grid: two columns.html",
        status: Some(Group::New),
        state: State::CRASH,
        configurations: &configurations,
        count: 2,
        share: 0.25,
        row: 3,
        since: now - 30 * 3600,
        bugs: &[&bug],
        owners: &owners,
    };
    Search::parse(search, &Field::ALL, NOW).unwrap().matches(&subject)
}

#[test]
fn every_term_has_to_hold() {
    for search in [
        "",
        " ",
        "css",
        "CSS grid",
        "css/*.html",
        "-fast",
        "/^css/.*html$/",
        "/GRID|flex/",
        "\"two columns\"",
        "Grid:",
        "\"grid: two\"",
        "suite:layout",
        "status:new",
        "status:still,NEW",
        "state:crash,text",
        "on:ios",
        "on:\"mac 14\"",
        "-on:win",
        "-only:ios",
        "only:/mac|ios/",
        "count:2",
        "count:>1",
        "count:<=2",
        "flaky:>5%",
        "flaky:25",
        "row:>=3",
        "since:2d",
        "since:2w",
        "since:2020-01-31",
        "-since:24h",
        "bug:any",
        "bug:4711",
        "bug:font",
        "-bug:none",
        "owner:@org/web",
        "owner:org/web",
        "owner:\"@org/Web\"",
        "owner:*/web",
        "owner:/^ada/",
        "owner:any",
        "-owner:none -owner:@other",
        "css status:new on:ios count:>1 flaky:>5% -bug:none",
    ] {
        assert!(means(search), "{search}");
    }
    for search in [
        "fast",
        "css fast",
        "css/*.svg",
        "grid*",
        "-css",
        "/^grid/",
        "\"/css/\"",
        "\"css/*\"",
        "suite:api",
        "status:fixed",
        "state:text",
        "on:win",
        "-on:mac",
        "only:mac",
        "count:>2",
        "flaky:>25%",
        "row:>3",
        "since:24h",
        "bug:none",
        "bug:4712",
        "-bug:any",
        "owner:web",
        "owner:@org",
        "owner:none",
        "owner:\"*/web\"",
        "owner:ada",
        "css status:new on:win",
    ] {
        assert!(!means(search), "{search}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    let refused = |text: &str| Search::parse(text, &Field::ALL, NOW).unwrap_err().to_string();
    assert!(refused("stauts:new").contains("did you mean 'status:'?"));
    assert!(refused("ownr:@a").contains("did you mean 'owner:'?"));
    assert!(refused("status:old").contains("write for example status:new,flaky"));
    for wrong in
        ["status:", "count:many", "count:>", "flaky:-1%", "flaky:nan", "row:inf", "since:3", "since:3y", "since:-1d"]
    {
        assert!(refused(wrong).contains("is not understood"), "{wrong}");
    }
    assert!(refused("/(/").contains("is no regular expression"));
    assert!(refused(&format!("/{}/", "(a{1000}){1000}")).contains("is no regular expression"));
    assert!(refused(&"a".repeat(MAX_BYTES + 1)).contains("at most"));
    let offered = [Field::State, Field::Bug];
    let elsewhere = Search::parse("row:3", &offered, NOW).unwrap_err().to_string();
    assert_eq!(elsewhere, "This list does not know 'row:'; it knows state, bug");
}

#[test]
fn names_are_judged_before_the_rest_is_known() {
    let search = Search::parse("css/* -grid on:ios", &Field::ALL, NOW).unwrap();
    assert!(search.may_match("css/flex.html") && !search.may_match("css/grid.html"));
    assert!(!search.may_match("fast/a.html") && !search.is_empty());
}

#[test]
fn hostile_patterns_end() {
    let search = Search::parse(&format!("{}b /{}b/", "*a".repeat(200), "a*".repeat(100)), &[], NOW).unwrap();
    assert!(!search.may_match(&"a".repeat(4096)));
}

proptest! {
    #[test]
    fn anything_may_be_typed(text in ".{0,80}", test in ".{0,20}") {
        if let Ok(search) = Search::parse(&text, &Field::ALL, NOW) {
            search.matches(&Subject { test: &test, ..Subject::default() });
        }
    }

    #[test]
    fn a_quoted_name_is_found(test in "[^\"]{1,40}") {
        let search = Search::parse(&format!("\"{test}\""), &Field::ALL, NOW).unwrap();
        let subject = Subject { test: &test, ..Subject::default() };
        prop_assert!(search.matches(&subject));
    }

    /// Names hold characters that mean something in patterns.
    #[test]
    fn every_part_of_a_name_finds_it(
        before in "[a-z/?*+%_&=.]{0,6}", part in "[a-z?*+%_&=.\\[\\]\\\\]{1,8}", after in "[a-z?*+%_&=.]{0,6}"
    ) {
        let search = Search::parse(&part, &Field::ALL, NOW).unwrap();
        let name = format!("{before}{part}{after}");
        prop_assert!(search.may_match(&name));
        prop_assert!(search.may_match(&name.to_uppercase()));
    }

    #[test]
    fn a_minus_turns_a_term_around(term in "[a-z*?]{1,8}", test in "[a-z]{0,8}") {
        let of = |text: &str| Search::parse(text, &Field::ALL, NOW).unwrap().may_match(&test);
        prop_assert_ne!(of(&term), of(&format!("-{term}")));
    }
}
