//! PHPUnit, googletest and JUnit.

use crate::lines::read;

#[test]
fn phpunit_writes_what_broke_around_tests_as_tests() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
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
        read(report),
        [
            "AfterTest::testA = passed 1.563",
            "! AfterTest tearDownAfterClass: after class",
            "! MainTest::testNoData Error: The data provider specified for MainTest::testNoData is invalid",
        ]
    );
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

#[test]
fn googletest_leaves_out_a_comma_before_what_broke_around_all() {
    let report = r#"{"tests":1,"failures":1,"name":"AllTests","testsuites":[
    {"name":"Math","tests":1,"testsuite":[{"name":"Pass","file":"gt.cc","line":4,"status":"RUN","result":"COMPLETED","timestamp":"2026-11-28T23:55:38Z","time":"0.004s","classname":"Math"}]}    {"name":"NonTestSuiteFailure","tests":1,"testsuite":[{"name":"","status":"RUN","result":"COMPLETED","timestamp":"1970-01-01T05:30:00Z","time":"0s","classname":"","failures":[{"failure":"env teardown","type":""}]}]}]}"#;
    assert_eq!(read(report), ["Math::Pass = passed 4 @ 2026-11-28T23:55:38", "! NonTestSuiteFailure: env teardown"]);
}

#[test]
fn surefire_runs_a_class_again_whose_tear_down_failed() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd" version="3.0.2" name="demo.AfterAllTest" time="0.03" tests="4" errors="1" skipped="0" failures="0" flakes="0">
  <testcase name="a" classname="demo.AfterAllTest" time="0.008"/>
  <testcase name="b" classname="demo.AfterAllTest" time="0.002"/>
  <testcase name="a" classname="demo.AfterAllTest" time="0.001"/>
  <testcase name="b" classname="demo.AfterAllTest" time="0.0"/>
  <testcase name="" classname="demo.AfterAllTest" time="0.028">
    <error message="after all" type="java.lang.RuntimeException"><![CDATA[java.lang.RuntimeException: after all]]></error>
    <rerunError message="after all" type="java.lang.RuntimeException"><stackTrace>x</stackTrace></rerunError>
  </testcase>
</testsuite>"#;
    assert_eq!(
        read(report),
        [
            "! demo.AfterAllTest: java.lang.RuntimeException: after all",
            "demo.AfterAllTest::a = passed 8, passed 1",
            "demo.AfterAllTest::b = passed 2, passed 0",
        ]
    );
}
