//! Dialects of JUnit XML of which there is no report of the tool itself: small ones, written after its documentation.

#[path = "support/lines.rs"]
mod lines;

use lines::read;

#[test]
fn pytest_with_xdist_and_its_plugins() {
    let report = r#"<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="7">
        <testcase classname="t" name="crashes" time="0.1"><failure message="worker 'gw0' crashed while running 't.py::crashes'">x</failure></testcase>
        <testcase classname="t" name="subtests" time="0.1"><failure message="contains 1 failed subtest">x</failure></testcase>
        <testcase classname="t" name="other" time="0.1" />
        <testcase classname="t" name="subtests" time="0.2" />
        <testcase classname="pytest" name="internal" time="0.000"><error message="internal error">INTERNALERROR</error></testcase>
        <testcase classname="" name="docs" time="0.000"><skipped type="pytest.skip" message="no docs" /></testcase>
        <testcase time="0.000" />
    </testsuite></testsuites>"#;
    assert_eq!(
        read(report),
        [
            "! pytest: internal error",
            "! a test had begun when the run was cut off; the report does not name it",
            "t::crashes = crash 100",
            "t::subtests = failed 100, passed 200",
            "t::other = passed 100",
            "docs = skipped 0",
        ]
    );
}

#[test]
fn unittest_keeps_names_between_runs_and_reads_the_stamp_as_the_end() {
    let report = r#"<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="m.T-20261127121534" tests="6" file="m.py" time="1" timestamp="2026-11-27T12:15:34">
        <testcase classname="m.T" name="both" time="1.000" timestamp="2026-11-27T12:15:36" file="m.py" line="3"><failure type="AssertionError" message="body">b</failure></testcase>
        <testcase classname="m.T" name="both" time="0.000" timestamp="2026-11-27T12:15:36" file="m.py" line="3"><error type="RuntimeError" message="teardown">t</error></testcase>
        <testcase classname="m.T" name="expected" time="0.5" timestamp="0001-01-01T00:00:00"><skipped type="XFAIL" message="expected failure"/></testcase>
        <testcase classname="m.T" name="unexpected" time="0"><error type="UnexpectedSuccess" message="Unexpected success"/></testcase>
        <testcase classname="m.T" name="skip" time="0"><skipped type="skip" message="not today"/></testcase>
        <testcase classname="" name="setUpClass (m.C)" time="0"><error type="RuntimeError" message="class broke">x</error></testcase>
    </testsuite></testsuites>"#;
    assert_eq!(
        read(report),
        [
            "! setUpClass (m.C): class broke",
            "m.T::both = failed 1000 @ 2026-11-27T12:15:35",
            "m.T::expected = expected_failure 500",
            "m.T::unexpected = unexpected_pass 0",
            "m.T::skip = skipped 0",
        ]
    );
}

#[test]
fn vitest_has_files_and_blocks_that_broke() {
    let report = r#"<?xml version="1.0" encoding="UTF-8" ?><testsuites name="vitest tests" tests="6">
        <testsuite name="src/a.test.ts" timestamp="2026-11-27T06:40:35.123Z" tests="5">
          <testcase classname="src/a.test.ts" name="block &gt; one" time="0"><skipped/></testcase>
          <testcase classname="src/a.test.ts" name="block" time="0"><failure message="setup broke" type="Error">x</failure></testcase>
          <testcase classname="src/a.test.ts" name="other &gt; skip" time="0"><skipped/></testcase>
          <testcase classname="src/a.test.ts" name="same" time="0.606"/>
          <testcase classname="src/a.test.ts" name="same" time="0.001"><failure message="a" type="A">x</failure><failure message="b" type="A">y</failure></testcase>
        </testsuite>
        <testsuite name="src/b.test.ts" tests="1">
          <testcase classname="src/b.test.ts" name="src/b.test.ts" time="0"><error message="cannot load">x</error></testcase>
          <testcase classname="src/b.test.ts" name="vitest unhandled errors" time="0"><error message="worker died">x</error></testcase>
        </testsuite></testsuites>"#;
    assert_eq!(
        read(report),
        [
            "src/a.test.ts::block > one = error 0",
            "! src/a.test.ts: block: setup broke",
            "src/a.test.ts::other > skip = skipped 0",
            "src/a.test.ts::same = passed 606",
            "src/a.test.ts::same (2) = failed 1",
            "! src/b.test.ts: cannot load",
            "! src/b.test.ts: vitest unhandled errors: worker died",
        ]
    );
}

#[test]
fn mocha_xunit_has_hooks_and_wrong_references() {
    let report = r#"<testsuite name="Mocha Tests" tests="4" failures="0" errors="2" skipped="1" timestamp="Fri, 27 Nov 2026 06:41:45 GMT" time="1.5">
<testcase classname="math" name="half &#xD800; pair" file="/src/t.js" time="0.001"/>
<testcase classname="math" name="fails" file="/src/t.js" time="0"><failure>a &#27;[31m b</failure></testcase>
<testcase classname="math" name="skip" file="/src/t.js" time="0"><skipped/></testcase>
<testcase classname="broke" name="&quot;before all&quot; hook for &quot;one&quot;" file="/src/t.js" time="0"><failure>setup broke</failure></testcase>
</testsuite>"#;
    assert_eq!(
        read(report),
        [
            "/src/t.js::math::half \u{fffd} pair = passed 1",
            "/src/t.js::math::fails = failed 0",
            "/src/t.js::math::skip = skipped 0",
            "! /src/t.js: broke \"before all\" hook for \"one\": setup broke",
        ]
    );
}

#[test]
fn ginkgo_has_six_words_and_labels() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?><testsuites tests="8" disabled="2" errors="1" failures="2" time="1">
      <testsuite name="Demo" package="/src/gk" tests="8" disabled="1" skipped="1" errors="1" failures="2" time="1" timestamp="2026-11-27T12:16:00">
      <properties><property name="SuiteSucceeded" value="false"></property></properties>
      <testcase name="[BeforeSuite]" classname="Demo" status="passed" time="0.001"></testcase>
      <testcase name="[It] math adds [slow, net:v1]" classname="Demo" status="passed" time="7.4331e-05"></testcase>
      <testcase name="[It] math entry [1]" classname="Demo" status="passed" time="0.001"></testcase>
      <testcase name="[It] math flaky" classname="Demo" status="passed" time="0.6"><system-err>&gt; Enter&#xA;Attempt #1 Failed.  Retrying&#xA;Attempt #2 Failed.  Retrying&#xA;</system-err></testcase>
      <testcase name="[It] math panics" classname="Demo" status="panicked" time="0"><error message="boom" type="panicked">x</error></testcase>
      <testcase name="[It] math hangs" classname="Demo" status="timedout" time="1"><failure message="timed out" type="timedout">x</failure></testcase>
      <testcase name="[It] math pends" classname="Demo" status="pending" time="0"></testcase>
      <testcase name="[AfterSuite]" classname="Demo" status="failed" time="0"><failure message="no db" type="failed">x</failure></testcase>
      </testsuite></testsuites>"#;
    assert_eq!(
        read(report),
        [
            "Demo::[It] math adds = passed 0.074331",
            "Demo::[It] math entry [1] = passed 1",
            "Demo::[It] math flaky = failed, failed, passed",
            "Demo::[It] math panics = crash 0",
            "Demo::[It] math hangs = timeout 1000",
            "Demo::[It] math pends = skipped 0",
            "! Demo [AfterSuite]: no db",
        ]
    );
}

#[test]
fn behave_reads_words_and_repeated_scenarios() {
    let report = "<testsuite name=\"main.Demo\" tests=\"5\" errors=\"1\" failures=\"1\" skipped=\"1\" time=\"0.1\" timestamp=\"2026-11-27T12:17:00.123456\" hostname=\"ci\">\
      <testcase classname=\"main.Demo\" name=\"same\" status=\"passed\" time=\"7.4e-05\"><system-out><![CDATA[@scenario.begin]]></system-out></testcase>\
      <testcase classname=\"main.Demo\" name=\"same\" status=\"failed\" time=\"0.001\"><failure type=\"AssertionError\" message=\"red \u{1b}[31m\">x</failure></testcase>\
      <testcase classname=\"main.Demo\" name=\"hook\" status=\"error\" time=\"0\"><error type=\"RuntimeError\" message=\"HOOK-ERROR in before_scenario: x\">x</error></testcase>\
      <testcase classname=\"main.Demo\" name=\"skip\" status=\"skipped\" time=\"0\"><skipped/></testcase>\
      <testcase classname=\"main.Demo\" name=\"untested\" status=\"untested\" time=\"0\"/></testsuite>";
    assert_eq!(
        read(report),
        [
            "main.Demo::same = passed 0.074",
            "main.Demo::same (2) = failed 1",
            "main.Demo::hook = error 0",
            "main.Demo::skip = skipped 0",
            "main.Demo::untested = skipped 0",
        ]
    );
}

#[test]
fn phpunit_counts_risky_tests_as_green() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?><testsuites><testsuite name="/src/phpunit.xml" tests="4"><testsuite name="MainTest" file="/src/MainTest.php">
      <testcase name="testPass" file="/src/MainTest.php" line="8" class="MainTest" classname="MainTest" assertions="1" time="0.003"/>
      <testcase name="testRisky" class="MainTest" classname="MainTest" assertions="0" time="0"><error type="PHPUnit\Framework\RiskyTestError">no assertions</error></testcase>
      <testsuite name="MainTest::testData"><testcase name="testData with data set &quot;a&quot;" class="MainTest" classname="MainTest" assertions="1" time="0"><failure type="E">x</failure></testcase></testsuite>
      <testcase name="testSkip" class="MainTest" classname="MainTest" assertions="0" time="0"><skipped/></testcase>
    </testsuite></testsuite></testsuites>"#;
    assert_eq!(
        read(report),
        [
            "MainTest::testPass = passed 3",
            "MainTest::testRisky = passed 0",
            "MainTest::testData with data set \"a\" = failed 0",
            "MainTest::testSkip = skipped 0",
        ]
    );
}

#[test]
fn bats_catch2_and_doctest() {
    let bats = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><testsuites time=\"1\"><testsuite name=\"a.bats\" tests=\"4\" timestamp=\"2026-11-27T06:48:00\" hostname=\"ci\">\
      <testcase classname=\"a.bats\" name=\"esc &#27;[31m\" time=\"0.01\" />\
      <testcase classname=\"a.bats\" name=\"fails\" time=\"0\"><failure type=\"failure\">bell \u{7}</failure></testcase>\
      <testcase classname=\"a.bats\" name=\"skip\" time=\"0\"><skipped>why</skipped></testcase>\
      <testcase classname=\"a.bats\" name=\"setup_file failed\" time=\"0\"><failure type=\"failure\">no db</failure></testcase></testsuite></testsuites>";
    assert_eq!(
        read(bats),
        [
            "! a.bats: setup_file failed: no db",
            "a.bats::esc \u{1b}[31m = passed 10",
            "a.bats::fails = failed 0",
            "a.bats::skip = skipped 0",
        ]
    );
    let catch2 = r#"<?xml version="1.0" encoding="UTF-8"?><testsuites><testsuite name="demo" errors="1" failures="2" skipped="1" tests="15" hostname="tbd" time="0.1" timestamp="2026-11-27T06:49:13Z">
      <properties><property name="random-seed" value="1"/></properties>
      <testcase classname="demo.global" name="Pass" time="0.001" status="run"/>
      <testcase classname="demo.global" name="May fail" time="0" status="run"><skipped message="TEST_CASE tagged with !mayfail"/><failure message="1 == 2" type="REQUIRE">x</failure></testcase>
      <testcase classname="demo.global" name="Two" time="0" status="run"><failure message="a" type="CHECK">x</failure><failure message="b" type="CHECK">y</failure></testcase>
      <testcase classname="demo.global" name="Skip" time="0" status="run"><skipped type="SKIP">why</skipped></testcase>
      <testcase classname="demo.global" name="Throws" time="0" status="run"><error message="boom" type="TEST_CASE">x</error></testcase></testsuite></testsuites>"#;
    assert_eq!(
        read(catch2),
        [
            "demo.global::Pass = passed 1",
            "demo.global::May fail = expected_failure 0",
            "demo.global::Two = failed 0",
            "demo.global::Skip = skipped 0",
            "demo.global::Throws = error 0",
        ]
    );
    let doctest = r#"<?xml version="1.0" encoding="UTF-8"?><testsuites><testsuite name="/src/dt" errors="0" failures="1" tests="2" hostname="tbd" time="0.1" timestamp="2026-11-27T06:50:11Z">
      <testcase classname="dt.cc" name="Pass" time="0.000002" status="run"/>
      <testcase classname="dt.cc" name="Fail" time="0.000100" status="run"><failure message="2 == 3" type="CHECK">x</failure></testcase></testsuite></testsuites>"#;
    assert_eq!(read(doctest), ["dt.cc::Pass = passed 0.002", "dt.cc::Fail = failed 0.1"]);
}

#[test]
fn rspec_bazel_and_gradle() {
    let rspec = r#"<?xml version="1.0" encoding="UTF-8"?><testsuite name="rspec" tests="3" skipped="1" failures="1" errors="0" time="0.1" timestamp="2026-11-27T12:20:00+05:30" hostname="ci">
      <properties><property name="seed" value="1"/></properties>
      <testcase classname="spec.main_spec" name="math same" file="./spec/main_spec.rb" time="0.0003"></testcase>
      <testcase classname="spec.main_spec" name="math same" file="./spec/main_spec.rb" time="0"><failure message="no" type="E">x</failure></testcase>
      <testcase classname="spec.main_spec" name="fixed" file="./spec/main_spec.rb" time="0"><failure message="Expected pending 'x' to fail. No error was raised." type="RSpec::Core::Pending::PendingExampleFixedError">x</failure></testcase>
      <testcase classname="spec.main_spec" name="pending" file="./spec/main_spec.rb" time="0"><skipped/></testcase></testsuite>"#;
    assert_eq!(
        read(rspec),
        [
            "spec.main_spec::math same = passed 0.3",
            "spec.main_spec::math same (2) = failed 0",
            "spec.main_spec::fixed = unexpected_pass 0",
            "spec.main_spec::pending = skipped 0",
        ]
    );
    let bazel = r#"<?xml version="1.0" encoding="UTF-8"?><testsuites><testsuite name="a/b_test" tests="1" failures="0" errors="1">
      <testcase name="a/b_test" status="run" duration="3" time="3"><error message="exited with error code 1"></error></testcase>
      <system-out><![CDATA[exec]]></system-out></testsuite></testsuites>"#;
    assert_eq!(read(bazel), ["a/b_test = failed 3000"]);
    let gradle = r#"<?xml version="1.0" encoding="UTF-8"?><testsuite name="demo.T" tests="4" skipped="0" failures="1" errors="0" timestamp="2026-11-27T06:49:13" hostname="ci" time="0.1"><properties/>
      <testcase name="flaky()" classname="demo.T" time="0.1"><failure message="no" type="E">x</failure></testcase>
      <testcase name="same" classname="demo.T" time="0.1"/><testcase name="same" classname="demo.T" time="0.2"/>
      <testcase name="flaky()" classname="demo.T" time="0.2"/>
      <testcase name="initializationError" classname="demo.T" time="0"><failure message="class broke" type="E">x</failure></testcase></testsuite>"#;
    assert_eq!(
        read(gradle),
        [
            "! demo.T: class broke",
            "demo.T::flaky() = failed 100, passed 200",
            "demo.T::same = passed 100",
            "demo.T::same (2) = passed 200",
        ]
    );
}

#[test]
fn what_no_dialect_knows_is_read_by_its_elements() {
    let report = r#"<testsuites><testsuite name="s"><properties><property name="a">b</property></properties>
      <testcase name="one" classname="one" time="1,234.5"/>
      <testcase name="two" classname="C"><flakyFailure time="0.1" message="a"/><flakyError time="0.2" message="b"/></testcase>
      <testcase name="three" classname="C" time="0.3"><rerunError time="0.4" message="b"/><failure message="a"/></testcase>
      <testcase name="four" classname="C" status="disabled"/>
      <error message="the suite broke"/></testsuite></testsuites>
      <testsuite name="behind"><testcase name="five" classname="D" time="0"><error type="java.util.concurrent.TimeoutException"/></testcase></testsuite>"#;
    assert_eq!(
        read(report),
        [
            "one = passed 1234500",
            "C::two = failed 100, error 200, passed",
            "C::three = failed 300, error 400",
            "C::four = skipped",
            "! s: the suite broke",
            "D::five = timeout 0",
        ]
    );
}
