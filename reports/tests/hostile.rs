//! Whatever bytes come as a report, reading ends, without a panic, and what stands before a wrong place is kept.
#![allow(clippy::unwrap_used)]

#[path = "support/lines.rs"]
mod lines;

use std::fs;
use std::path::{Path, PathBuf};

use lines::read_as;
use proptest::prelude::*;
use reports::{Format, Options};

fn reports() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().ends_with(".expected.json") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the reports are not where they should be");
    found
}

fn read(bytes: &[u8]) -> Vec<String> {
    read_as(Options::default(), &[("report", bytes)]).0
}

/// Beginnings that lead the bytes behind them to each reader.
const BEGINNINGS: [&str; 12] = [
    "",
    "<testsuites name=\"pytest tests\"><testsuite name=\"pytest\"><testcase ",
    "<testsuite name=\"s\"><testcase name=\"a\" classname=\"b\"><failure>",
    "<robot><suite name=\"a\"><test name=\"b\">",
    "<TestRun><Results><UnitTestResult ",
    "<test-run><test-suite><test-case ",
    "<events><started id=\"1\" ",
    "{\"results\":{\"tests\":[{\"name\":\"",
    "{\"testResults\":[{\"assertionResults\":[",
    "{\"Time\":\"\",\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"t\"}\n",
    "{\"type\":\"test\",\"event\":\"started\",\"name\":\"a\"}\n",
    "TAP version 13\n# Subtest: a\n    ok 1 - b\n      ---\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_to_an_end(
        beginning in prop::sample::select(&BEGINNINGS[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        read(&[beginning.as_bytes(), &bytes].concat());
        for (_, format) in Format::ALL {
            read_as(Options { format: Some(format), ..Options::default() }, &[("report", &bytes)]);
        }
    }

    #[test]
    fn pieces_of_markup_are_read_to_an_end(
        pieces in prop::collection::vec(
            prop::sample::select(&[
                "<testsuite name=\"a\">", "</testsuite>", "<testcase name=\"b\" classname=\"c\" time=\"1,0\">", "</testcase>",
                "<failure>", "</failure>", "<skipped/>", "<!--", "-->", "<![CDATA[", "]]>", "&#x", "&amp", ";", "<", ">", "\"",
                "<properties><property name=\"go.version\" value=\"\"/></properties>", "<flakyFailure time=\"-1\"/>", "\u{ffff}",
                "{", "}", "[", "]", ":", ",", "\"tests\"", "\"results\"", "\"suites\"", "\"title\"", "\"\\ud800", "null", "1e999",
                "ok 1 - a", "not ok", "\n", "    ", "1..2", "# TODO", "  ---", "  ...", "Bail out!",
            ][..]),
            0..40,
        ),
    ) {
        read(pieces.concat().as_bytes());
    }

    #[test]
    fn changed_reports_are_read_to_an_end(
        report in prop::sample::select(reports()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..12),
    ) {
        let mut bytes = fs::read(report).unwrap();
        for (index, byte, insert) in changes {
            let at = index.index(bytes.len());
            if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        }
        read(&bytes);
    }
}

/// A report that is cut off gives tests that the whole report has, and a problem where its form has an end.
#[test]
fn a_report_that_is_cut_off_gives_what_came_before() {
    for path in reports() {
        let bytes = fs::read(&path).unwrap();
        let whole = read(&bytes);
        let names: Vec<&str> = whole.iter().map(|line| name(line)).collect();
        let has_an_end =
            bytes.starts_with(b"<") || bytes.starts_with(b"{\n") || path.to_string_lossy().contains(".json");
        let ends_in_a_line = path.extension().is_some_and(|end| end == "jsonl" || end == "tap");
        let text_end = bytes.trim_ascii_end().len();
        let step = (bytes.len() / 120).max(1);
        for end in (1..text_end).step_by(step) {
            let cut = read(&bytes[..end]);
            if has_an_end && !ends_in_a_line {
                let broken = cut.iter().filter(|line| line.contains("broken off at line ")).count();
                assert_eq!(broken, 1, "{} cut at {end}: {cut:?}", path.display());
            }
            // A report of lines may be cut inside a name, and attempts that follow may be missing.
            if !ends_in_a_line {
                let tests = cut.iter().filter(|line| !line.starts_with('!'));
                for test in tests {
                    let known = names.contains(&name(test));
                    let jest =
                        test.starts_with(|first: char| first != '/') && path.to_string_lossy().contains("jest-30");
                    assert!(known || jest, "{} cut at {end}: {test}", path.display());
                }
            }
            assert!(cut.len() <= whole.len() + 3, "{} cut at {end}", path.display());
        }
    }
}

fn name(line: &str) -> &str {
    line.rsplit_once(" = ").map_or(line, |(name, _)| name)
}

/// Depth, attributes and lists that no runner writes are refused where they stand, and what came before is kept.
#[test]
fn what_is_too_deep_or_too_wide_is_refused_where_it_stands() {
    let test = "<testcase name=\"a\" classname=\"C\"/>";
    for (open, says) in [
        ("<testsuite name=\"s\">".repeat(2000), "nested more than 512 deep"),
        ("<testcase name=\"b\"><failure>".to_owned() + &"<x>".repeat(2000), "nested more than 512 deep"),
        (
            format!("<testcase {}>", (0..300).map(|number| format!("a{number}='' ")).collect::<String>()),
            "has more than 256 attributes",
        ),
    ] {
        let lines = read(format!("<testsuites>{test}{open}").as_bytes());
        assert_eq!(lines[0], "C::a = passed");
        assert!(lines[1].contains(says), "{lines:?}");
    }
    for (open, close) in
        [("<suite name=\"s\">", "robot"), ("<test-suite name=\"s\">", "test-run"), ("<child name=\"s\">", "execution")]
    {
        let lines = read(format!("<{close}>{}", open.repeat(2000)).as_bytes());
        assert!(lines[0].contains("broken off at line 1, byte "), "{lines:?}");
    }
    let suites = format!("{{\"suites\":{}", "[{\"suites\":".repeat(2000));
    assert!(read(suites.as_bytes())[0].contains("recursion limit"), "{:?}", read(suites.as_bytes()));
    let huge = format!(
        "{{\"results\":{{\"tests\":[{{\"name\":\"a\",\"status\":\"passed\"}},{{\"tags\":[{}]}}]}}}}",
        "1,".repeat(4 << 20) + "1"
    );
    let lines = read(huge.as_bytes());
    assert_eq!(lines[0], "a = passed");
    assert!(lines[1].contains("one test has more than 4 MiB"), "{lines:?}");
}

/// One bad character costs itself: every test of a report stays, whichever byte of a message is spoilt.
#[test]
fn a_bad_character_costs_itself_only() {
    for bad in [
        &b"\x1b"[..],
        b"\0",
        b"\x07",
        b"\xff",
        b"\xed\xa0\x80",
        "\u{ffff}".as_bytes(),
        b"&#xD800;",
        b"&#27;",
        b"]]>",
        b"&nbsp;",
        b"&",
    ] {
        let report = [
            b"<testsuite name=\"s\"><testcase name=\"a ".as_slice(),
            bad,
            b"\" classname=\"C\" time=\"1\"><failure message=\"m ",
            bad,
            b"\">t ",
            bad,
            b"</failure></testcase><testcase name=\"b\" classname=\"C\" time=\"2\"/></testsuite>",
        ]
        .concat();
        let lines = read(&report);
        assert_eq!(lines.len(), 2, "{bad:?}: {lines:?}");
        assert!(lines[0].starts_with("C::a ") && lines[0].ends_with(" = failed 1000"), "{lines:?}");
        assert_eq!(lines[1], "C::b = passed 2000");
    }
}
