//! Pieces of reports that real runners wrote, shortened: what each showed that its documentation does not say.

#[path = "support/lines.rs"]
mod lines;

use lines::read;

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

#[test]
fn hooks_of_mocha_and_ava_are_no_tests_in_tap() {
    let mocha = "1..3\nok 1 math adds\nnot ok 2 store \"before all\" hook for \"one\"\n  no db\n      at Context.<anonymous>\n\
                 ok 3 has a \"before all\" hook\n# tests 2\n# pass 1\n# fail 1\n";
    assert_eq!(
        read(mocha),
        ["math adds = passed", "! store \"before all\" hook for \"one\": no db", "has a \"before all\" hook = passed"]
    );
    let ava = "TAP version 13\nnot ok 1 - b › before hook\n  ---\n    name: AssertionError\n    message: Error thrown in test\n  ...\n\
               ok 2 - a › before hook runs\n1..2\n";
    assert_eq!(read(ava), ["! b › before hook: Error thrown in test", "a › before hook runs = passed"]);
}

#[test]
fn mocha_has_its_titles_in_the_class_for_jenkins_and_no_root_name_for_ant() {
    let jenkins = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="Mocha Tests" time="1.340" tests="3" failures="1" skipped="0">
  <testsuite name="Root Suite.math" timestamp="2026-11-28T18:14:37" tests="2" file="t/a.js" time="0.000" failures="0">
    <testcase name="same" time="0.000" classname="math">
    </testcase>
  </testsuite>
  <testsuite name="Root Suite.math.nested" timestamp="2026-11-28T18:14:38" tests="1" file="t/a.js" time="0.000" failures="1">
    <testcase name="same" time="0.001" classname="math.nested">
      <failure message="1 == 2" type="AssertionError">x</failure>
    </testcase>
  </testsuite>
</testsuites>"#;
    assert_eq!(read(jenkins), ["t/a.js::math::same = passed 0", "t/a.js::math.nested::same = failed 1"]);
    let ant = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="math" timestamp="2026-11-28T18:14:41" tests="2" file="t/a.js" package="math" hostname="undefined" id="1" errors="0" time="0.000" failures="1" skipped="0">
    <properties>
    </properties>
    <testcase name="math pass" time="0.002" classname="pass">
    </testcase>
    <testcase name="math &quot;before each&quot; hook for &quot;pass&quot;" time="0.000" classname="&quot;before each&quot; hook for &quot;pass&quot;">
      <failure message="no db" type="Error">x</failure>
    </testcase>
  </testsuite>
</testsuites>"#;
    assert_eq!(
        read(ant),
        [
            "t/a.js::math pass = passed 2",
            "! t/a.js: math \"before each\" hook for \"pass\": no db\nx".lines().next().unwrap_or_default()
        ]
    );
}

#[test]
fn mocha_xunit_may_have_any_name() {
    let report = r#"<testsuite name="Custom" tests="2" failures="0" errors="1" skipped="0" timestamp="Sat, 28 Nov 2026 18:14:44 GMT" time="1.33">
<testcase classname="math" name="pass" file="t/a.js" time="0"/>
<testcase classname="" name="&#x22;after all&#x22; hook for &#x22;root test&#x22;" file="undefined" time="0"><failure>root after</failure></testcase>
</testsuite>"#;
    assert_eq!(read(report), ["t/a.js::math::pass = passed 0", "! \"after all\" hook for \"root test\": root after"]);
}

#[test]
fn vitest_skips_the_tests_of_a_file_whose_set_up_broke() {
    let report = r#"<?xml version="1.0" encoding="UTF-8" ?>
<testsuites name="vitest tests" tests="7" failures="3" errors="0" time="0.1">
    <testsuite name="src/e.test.js" timestamp="2026-11-28T18:11:05.941Z" hostname="ci" tests="2" failures="1" errors="0" skipped="1" time="0.0068">
        <testcase classname="src/e.test.js" name="one" time="0">
            <skipped/>
        </testcase>
        <testcase classname="src/e.test.js" name="src/e.test.js" time="0.0068">
            <failure message="file hook" type="Error">x</failure>
        </testcase>
    </testsuite>
    <testsuite name="src/f.test.js" timestamp="2026-11-28T18:11:05.941Z" hostname="ci" tests="4" failures="1" errors="0" skipped="1" time="0.01">
        <testcase classname="src/f.test.js" name="after all broke &gt; one" time="0.001">
        </testcase>
        <testcase classname="src/f.test.js" name="after all broke &gt; skip" time="0">
            <skipped/>
        </testcase>
        <testcase classname="src/f.test.js" name="after all broke" time="0.0008">
            <failure message="after all" type="Error">x</failure>
        </testcase>
    </testsuite>
</testsuites>"#;
    assert_eq!(
        read(report),
        [
            "src/e.test.js::one = error 0",
            "! src/e.test.js: file hook",
            "src/f.test.js::after all broke > one = passed 1",
            "src/f.test.js::after all broke > skip = skipped 0",
            "! src/f.test.js: after all broke: after all",
        ]
    );
}

#[test]
fn vitest_calls_tests_pending_whose_worker_died() {
    let report = r#"{"numTotalTests":3,"success":false,"testResults":[
      {"assertionResults":[{"ancestorTitles":[],"fullName":"kills","status":"pending","title":"kills","failureMessages":[],"meta":{}},
        {"ancestorTitles":[],"fullName":"skip","status":"skipped","title":"skip","failureMessages":[],"meta":{}}],
       "status":"passed","message":"","name":"src/d.test.js"},
      {"assertionResults":[{"ancestorTitles":[],"fullName":"one","status":"skipped","title":"one","failureMessages":[],"meta":{}}],
       "status":"failed","message":"file hook","name":"src/e.test.js"}]}"#;
    assert_eq!(
        read(report),
        [
            "src/d.test.js::kills = error",
            "src/d.test.js::skip = skipped",
            "! src/e.test.js: file hook",
            "src/e.test.js::one = error",
        ]
    );
}

#[test]
fn ctrf_of_pytest_has_whole_paths_and_raw_words() {
    let report = r#"{"results":{"tool":{"name":"pytest"},"summary":{"tests":6},"tests":[
      {"name":"t/a.py::TestC::test_in","status":"passed","duration":6,"suite":["t/a.py","TestC"],"retries":0,"filePath":"t/a.py"},
      {"name":"t/a.py::test_setup","status":"failed","rawStatus":"setup_failed","duration":5,"suite":["t/a.py"],"retries":0,"filePath":"t/a.py"},
      {"name":"t/a.py::test_xfail","status":"skipped","rawStatus":"xfailed","duration":9,"suite":["t/a.py"],"retries":0,"filePath":"t/a.py"},
      {"name":"t/a.py::test_strict","status":"failed","rawStatus":"call_failed","duration":4,"suite":["t/a.py"],"message":"[XPASS(strict)] known","filePath":"t/a.py"},
      {"name":"t/a.py::test_flaky","status":"passed","duration":2,"suite":["t/a.py"],"retries":1,"retryAttempts":[{"attempt":1,"status":"failed","duration":1}],"filePath":"t/a.py"}]}}"#;
    assert_eq!(
        read(report),
        [
            "t/a.py::TestC::test_in = passed 6",
            "t/a.py::test_setup = error 5",
            "t/a.py::test_xfail = expected_failure 9",
            "t/a.py::test_strict = unexpected_pass 4",
            "t/a.py::test_flaky = failed 1, passed 2",
        ]
    );
}

#[test]
fn ctrf_of_playwright_calls_passed_what_failed_as_it_should() {
    let report = r#"{"results":{"tool":{"name":"playwright"},"tests":[
      {"name":"fails as it should","status":"passed","rawStatus":"failed","duration":15,"retries":0,"flaky":false,"suite":"p1 > a.spec.js","filePath":"t/a.spec.js","extra":{"annotations":[{"type":"fail"}]}},
      {"name":"should fail","status":"passed","rawStatus":"passed","duration":3,"retries":1,"flaky":true,"suite":"p1 > a.spec.js","filePath":"t/a.spec.js","extra":{"annotations":[{"type":"fail"}]},"retryAttempts":[{"status":"passed","duration":60}]}]}}"#;
    assert_eq!(
        read(report),
        [
            "t/a.spec.js::p1 > a.spec.js::fails as it should = expected_failure 15",
            "t/a.spec.js::p1 > a.spec.js::should fail = unexpected_pass 60, unexpected_pass 3",
        ]
    );
}

#[test]
fn ctrf_of_mocha_has_hooks() {
    let report = r#"{"results":{"tool":{"name":"mocha"},"tests":[
      {"name":"math pass","status":"passed","duration":1,"suite":"math","filePath":"t/a.js"},
      {"name":"store \"before all\" hook for \"one\"","status":"failed","duration":0,"message":"no db","suite":"store","filePath":"t/a.js"}]}}"#;
    assert_eq!(
        read(report),
        ["t/a.js::math pass = passed 1", "! t/a.js::store \"before all\" hook for \"one\": no db"]
    );
}

#[test]
fn unittest_and_phpunit_write_what_broke_around_tests_as_tests() {
    let unittest = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
	<testsuite name="unittest.loader._FailedTest-20261128233750" tests="1" file="unittest/loader.py" time="0.012" timestamp="2026-11-28T23:37:50" failures="0" errors="1" skipped="0">
		<testcase classname="unittest.loader._FailedTest" name="test_bad" time="0.012" timestamp="2026-11-28T23:37:50" file="unittest/loader.py" line="33">
			<error type="ImportError" message="Failed to import test module: test_bad"><![CDATA[Traceback]]></error>
		</testcase>
	</testsuite>
	<testsuite name="unittest.suite._ErrorHolder-20261128233750" tests="1" file="unittest/suite.py" time="0.000" timestamp="0001-01-01T00:00:00" failures="0" errors="1" skipped="0">
		<testcase classname="" name="setUpModule (test_mod)" time="0.000" timestamp="0001-01-01T00:00:00" file="unittest/loader.py" line="33">
			<error type="RuntimeError" message="module"><![CDATA[Traceback (most recent call last):
RuntimeError: module]]></error>
		</testcase>
	</testsuite>
</testsuites>"#;
    assert_eq!(
        read(unittest),
        ["! test_bad: Failed to import test module: test_bad", "! setUpModule (test_mod): module"]
    );
    let phpunit = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="/src" tests="3" assertions="2" errors="1" warnings="0" failures="1" skipped="0" time="0.002">
    <testsuite name="AfterTest" file="/src/AfterTest.php" tests="2" assertions="2" errors="0" warnings="0" failures="1" skipped="0" time="0.001563">
      <testcase name="testA" class="AfterTest" classname="AfterTest" file="/src/AfterTest.php" line="3" assertions="1" time="0.001563"/>
      <testcase name="tearDownAfterClass" class="AfterTest" classname="AfterTest" file="/src/AfterTest.php" line="3" assertions="1" time="0.000000">
        <failure type="PHPUnit\Framework\SyntheticError">after class</failure>
      </testcase>
    </testsuite>
    <testsuite name="MainTest::testNoData" tests="1" assertions="0" errors="1" warnings="0" failures="0" skipped="0" time="0.000347">
      <testcase name="Error" assertions="0" time="0.000347">
        <error type="PHPUnit\Framework\Error">The data provider specified for MainTest::testNoData is invalid</error>
      </testcase>
    </testsuite>
  </testsuite>
</testsuites>"#;
    assert_eq!(
        read(phpunit),
        [
            "AfterTest::testA = passed 1.563",
            "! AfterTest tearDownAfterClass: after class",
            "! MainTest::testNoData Error: The data provider specified for MainTest::testNoData is invalid",
        ]
    );
}

#[test]
fn pytest_json_report_names_the_worker_of_xdist() {
    let report = r#"{"created":1795889304.1,"duration":1.4,"exitcode":1,"root":"/src","summary":{"failed":1},"tests":[
      {"nodeid":"t/a.py::test_strict","lineno":19,"outcome":"failed","setup":{"duration":0.25,"outcome":"passed","longrepr":"[gw1] linux -- Python 3.11.7"},
       "call":{"duration":0.5,"outcome":"failed","longrepr":"[gw1] linux -- Python 3.11.7\n[XPASS(strict)] known"},"teardown":{"duration":0.25,"outcome":"passed"}}]}"#;
    assert_eq!(read(report), ["t/a.py::test_strict = unexpected_pass 1000"]);
}

#[test]
fn open_test_reporting_tells_classes_of_two_packages_apart() {
    let started = |id: u8, name: &str, legacy: &str, parent: &str, kind: &str| {
        format!(
            r#"<e:started id="{id}" name="{name}" {parent} time="2026-11-28T18:20:46Z"><metadata><junit:legacyReportingName>{legacy}</junit:legacyReportingName><junit:type>{kind}</junit:type></metadata></e:started>"#
        )
    };
    let finished = |id: u8| {
        format!(
            r#"<e:finished id="{id}" time="2026-11-28T18:20:46.010Z"><result status="SUCCESSFUL"></result></e:finished>"#
        )
    };
    let report = [
        r#"<?xml version="1.0" ?><e:events xmlns="https://schemas.opentest4j.org/reporting/core/0.2.0" xmlns:e="https://schemas.opentest4j.org/reporting/events/0.2.0" xmlns:junit="https://schemas.junit.org/open-test-reporting">"#.to_owned(),
        started(1, "JUnit Jupiter", "JUnit Jupiter", "", "CONTAINER"),
        started(2, "MainTest", "a.MainTest", "parentId=\"1\"", "CONTAINER"),
        started(3, "pass()", "pass()", "parentId=\"2\"", "TEST"),
        finished(3),
        started(4, "Inner", "a.MainTest$Inner", "parentId=\"2\"", "CONTAINER"),
        started(5, "pass()", "pass()", "parentId=\"4\"", "TEST"),
        finished(5),
        finished(4),
        finished(2),
        finished(1),
        "</e:events>".to_owned(),
    ];
    assert_eq!(
        read(&report.concat()),
        [
            "a.MainTest::pass() = passed 10 @ 2026-11-28T18:20:46Z",
            "a.MainTest::Inner::pass() = passed 10 @ 2026-11-28T18:20:46Z",
        ]
    );
}

#[test]
fn googletest_has_a_nameless_test_for_what_broke_around_all() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="1" disabled="0" errors="0" time="0.1" timestamp="2026-11-28T23:55:38.020" name="AllTests">
  <testsuite name="Math" tests="1" failures="0" disabled="0" skipped="0" errors="0" time="0" timestamp="2026-11-28T23:55:38.029">
    <testcase name="Pass" file="gt.cc" line="4" status="run" result="completed" time="0.004" timestamp="2026-11-28T23:55:38.029" classname="Math" />
  </testsuite>
  <testsuite name="NonTestSuiteFailure" tests="1" failures="1" disabled="0" skipped="0" errors="0" time="0" timestamp="1970-01-01T05:30:00.000">    <testcase name="" status="run" result="completed" classname="" time="0" timestamp="1970-01-01T05:30:00.000">
      <failure message="gt.cc:27&#x0A;Failed&#x0A;env teardown" type=""><![CDATA[gt.cc:27
Failed
env teardown]]></failure>
    </testcase>
  </testsuite>
</testsuites>"#;
    assert_eq!(read(report), ["Math::Pass = passed 4 @ 2026-11-28T23:55:38.029", "! NonTestSuiteFailure: gt.cc:27"]);
}
