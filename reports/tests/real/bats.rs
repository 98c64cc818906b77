//! bats, in JUnit XML and TAP.

use crate::lines::read;

#[test]
fn bats_counts_wrong_behind_attempts_and_names_no_hook_of_a_file() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites time="3.653">
<testsuite name="a.bats" tests="13" failures="6" errors="0" skipped="2" time="3.644" timestamp="2026-11-28T18:08:46" hostname="ci">
    <testcase classname="a.bats" name="begin the day" time="0.047" />
    <testcase classname="a.bats" name="flaky" time="0.047">
        <failure type="failure"></failure>
    </testcase>
    <testcase classname="a.bats" name="begin 12 flaky" time="0.047">
        <failure type="failure"></failure>
    </testcase>
    <testcase classname="a.bats" name="begin 12 flaky" time="0.039" />
    <testcase classname="a.bats" name="begin 13 too long" time="2.011">
        <failure type="failure">(in test file a.bats, line 17)
  `@test &quot;too long&quot; { sleep 3; }&#39; failed due to timeout
Terminated</failure>
    </testcase>
</testsuite>
<testsuite name="b.bats" tests="1" failures="1" errors="0" skipped="0" time="0" timestamp="2026-11-28T18:08:46" hostname="ci">
    <testcase classname="b.bats" name="" time="0">
        <failure type="failure">(from function `setup_file&#39; in test file b.bats, line 1)
  `setup_file() { false; }&#39; failed</failure>
    </testcase>
</testsuite>
<testsuite name="c.bats" tests="2" failures="1" errors="0" skipped="0" time="0.009" timestamp="2026-11-28T18:08:46" hostname="ci">
    <testcase classname="c.bats" name="one" time="0">
        <failure type="failure">(from function `teardown_file&#39; in test file c.bats, line 1)
  `teardown_file() { false; }&#39; failed</failure>
    </testcase>
</testsuite>
<testsuite name="setup_suite" tests="1" failures="1" errors="0" skipped="0" time="0" timestamp="2026-11-28T18:23:00" hostname="ci">
    <testcase classname="setup_suite" name="setup_file failed" time="0">
        <failure type="failure">(from function `setup_file&#39; in test file d.bats, line 1)</failure>
    </testcase>
</testsuite>
</testsuites>"#;
    assert_eq!(
        read(report),
        [
            "! b.bats: (from function `setup_file' in test file b.bats, line 1)",
            "! c.bats: (from function `teardown_file' in test file c.bats, line 1)",
            "! setup_suite: setup_file failed: (from function `setup_file' in test file d.bats, line 1)",
            "a.bats::begin the day = passed 47",
            "a.bats::flaky = failed 47, failed 47, passed 39",
            "a.bats::too long = timeout 2011",
        ]
    );
}

#[test]
fn bats_writes_times_and_limits_into_the_descriptions_of_its_tap() {
    let timed = "1..5\nok 1 answers in 3 steps in 54ms\nnot ok 2 too long in 2016ms # timeout after 2s\n# Terminated\n\
                 ok 3 skip in 11ms # skip not today\nnot ok 4 setup_file failed\n#  no db\nok 5 issue #1 in 6ms\n";
    assert_eq!(
        read(timed),
        [
            "answers in 3 steps = passed 54",
            "too long = timeout 2016",
            "skip = skipped 11",
            "! setup_file failed: no db",
            "issue #1 = passed 6",
        ]
    );
    // Another runner's title may end so.
    assert_eq!(
        read("1..2\nok 1 starts\nnot ok 2 answers in 50ms\n# fail 1\n"),
        ["starts = passed", "answers in 50ms = failed"]
    );
}
