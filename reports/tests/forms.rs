//! Forms other than JUnit XML of which there is no report of the tool itself, written after their schemas.
#![allow(clippy::unwrap_used)]

#[path = "support/lines.rs"]
mod lines;

use lines::{read, read_as};
use reports::{Format, Options, ReportError};

#[test]
fn trx_joins_results_with_their_classes() {
    let report = r#"<?xml version="1.0" encoding="utf-8"?>
<TestRun id="1" name="ci" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
  <Times creation="2026-11-27T12:20:00.0000000+05:30" start="2026-11-27T12:20:00.0000000+05:30" />
  <Results>
    <UnitTestResult testId="a" testName="Adds" computerName="ci" duration="00:00:01.2000000" startTime="2026-11-27T12:20:00.1230000+05:30" outcome="Passed" />
    <UnitTestResult testId="b" testName="Demo.T.Fails" duration="00:00:00.0010000" startTime="2026-11-27T12:20:01.0000000+05:30" outcome="Failed"><Output><StdOut>out</StdOut><ErrorInfo><Message>no</Message><StackTrace>at</StackTrace></ErrorInfo></Output></UnitTestResult>
    <UnitTestResult testId="c" testName="Skips" outcome="NotExecuted" startTime="2026-11-27T12:20:01.0000000+05:30" />
    <UnitTestResult testId="d" testName="Hangs" duration="00:00:02" outcome="Timeout" />
    <UnitTestResult testId="e" testName="Rows" outcome="Failed"><InnerResults>
      <UnitTestResult testId="e" testName="Rows (1)" duration="00:00:00" outcome="Passed" /><UnitTestResult testId="e" testName="Rows (2)" duration="00:00:00" outcome="Failed" /></InnerResults></UnitTestResult>
  </Results>
  <TestDefinitions>
    <UnitTest name="Adds" id="a"><Execution id="1" /><TestMethod codeBase="t.dll" className="Demo.T" name="Adds" /></UnitTest>
    <UnitTest name="Fails" id="b"><TestMethod className="Demo.T, t, Version=1.0" name="Fails" /></UnitTest>
    <UnitTest name="Rows" id="e"><TestMethod className="Demo.T" name="Rows" /></UnitTest>
  </TestDefinitions>
  <ResultSummary outcome="Failed"><RunInfos><RunInfo outcome="Error"><Text>Test host process crashed</Text></RunInfo><RunInfo outcome="Warning"><Text>w</Text></RunInfo></RunInfos></ResultSummary>
</TestRun>"#;
    let expected = [
        "! the run: Test host process crashed",
        "Demo.T::Adds = passed 1200 @ 2026-11-27T12:20:00.1230000+05:30",
        "Demo.T::Fails = failed 1 @ 2026-11-27T12:20:01.0000000+05:30",
        "Skips = skipped",
        "Hangs = timeout 2000",
        "Demo.T::Rows (1) = passed 0",
        "Demo.T::Rows (2) = failed 0",
    ];
    assert_eq!(read(report), expected);
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(report.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_as(Options::default(), &[("wide", &wide)]).0, expected);
}

#[test]
fn nunit_tells_errors_from_failures() {
    let report = r#"<?xml version="1.0" encoding="utf-8"?>
<test-run id="2" testcasecount="6" result="Failed" start-time="2026-11-27 12:20:00Z" duration="1.2">
 <test-suite type="Assembly" name="t.dll" fullname="/src/t.dll" result="Failed" site="Child"><failure><message>One or more child tests had errors</message></failure>
  <test-suite type="TestFixture" name="T" fullname="Demo.T" result="Failed" site="TearDown"><failure><message>TearDown : fixture broke</message></failure>
   <test-case name="Adds(1,2)" fullname="Demo.T.Adds(1,2)" classname="Demo.T" result="Passed" start-time="2026-11-27 12:20:00Z" duration="0.0012"><properties><property name="Category" value="fast" /></properties></test-case>
   <test-case name="Fails" fullname="Demo.T.Fails" classname="Demo.T" result="Failed" start-time="2026-11-27 12:20:00Z" duration="0.5"><failure><message>no</message><stack-trace>at</stack-trace></failure></test-case>
   <test-case name="Throws" classname="Demo.T" result="Failed" label="Error" start-time="2026-11-27 12:20:00Z" duration="0"><failure><message>boom</message></failure></test-case>
   <test-case name="Ignored" classname="Demo.T" result="Skipped" label="Ignored" duration="0"><reason><message>not today</message></reason></test-case>
   <test-case name="NeverRan" classname="Demo.T" result="Failed" site="Parent" duration="0"><failure><message>OneTimeSetUp: x</message></failure></test-case>
  </test-suite></test-suite></test-run>"#;
    assert_eq!(
        read(report),
        [
            "Demo.T::Adds(1,2) = passed 1.2 @ 2026-11-27T12:20:00Z",
            "Demo.T::Fails = failed 500 @ 2026-11-27T12:20:00Z",
            "Demo.T::Throws = error 0 @ 2026-11-27T12:20:00Z",
            "Demo.T::Ignored = skipped",
            "Demo.T::NeverRan = error 0",
            "! Demo.T: TearDown : fixture broke",
        ]
    );
}

#[test]
fn open_test_reporting_is_read_as_events_and_as_hierarchy() {
    let events = r#"<?xml version="1.0" ?><e:events xmlns="https://schemas.opentest4j.org/reporting/core/0.2.0" xmlns:e="https://schemas.opentest4j.org/reporting/events/0.2.0" xmlns:j="https://schemas.junit.org/open-test-reporting">
<infrastructure><hostName>ci</hostName></infrastructure>
<e:started id="1" name="JUnit Jupiter" time="2026-11-27T06:49:13Z"><metadata><j:type>CONTAINER</j:type></metadata></e:started>
<e:started id="2" name="MainTest" parentId="1" time="2026-11-27T06:49:13Z"><metadata><j:type>CONTAINER</j:type></metadata></e:started>
<e:started id="3" name="passes()" parentId="2" time="2026-11-27T06:49:13.100Z"><metadata><j:type>TEST</j:type></metadata></e:started>
<e:finished id="3" time="2026-11-27T06:49:13.350Z"><result status="SUCCESSFUL"></result></e:finished>
<e:started id="4" name="fails()" parentId="2" time="2026-11-27T06:49:13.400Z"><metadata><j:type>TEST</j:type></metadata></e:started>
<e:finished id="4" time="2026-11-27T06:49:13.401Z"><result status="FAILED"><java:throwable xmlns:java="x" type="AssertionError" assertionError="true">no</java:throwable></result></e:finished>
<e:started id="5" name="skipped()" parentId="2" time="2026-11-27T06:49:13.4Z"><metadata><j:type>TEST</j:type></metadata></e:started>
<e:finished id="5" time="2026-11-27T06:49:13.4Z"><result status="SKIPPED"><reason>why</reason></result></e:finished>
<e:started id="6" name="dies()" parentId="2" time="2026-11-27T06:49:14Z"><metadata><j:type>TEST</j:type></metadata></e:started>
<e:finished id="2" time="2026-11-27T06:49:14Z"><result status="FAILED"><java:throwable xmlns:java="x" type="E">@AfterAll broke</java:throwable></result></e:finished>
</e:events>"#;
    assert_eq!(
        read(events),
        [
            "MainTest::passes() = passed 250 @ 2026-11-27T06:49:13.100Z",
            "MainTest::fails() = failed 1 @ 2026-11-27T06:49:13.400Z",
            "MainTest::skipped() = skipped",
            "! MainTest: @AfterAll broke",
            "MainTest::dies() = crash @ 2026-11-27T06:49:14Z",
        ]
    );
    let hierarchy = r#"<h:execution xmlns:h="https://schemas.opentest4j.org/reporting/hierarchy/0.2.0"><h:root name="JUnit Jupiter" start="2026-11-27T06:49:13Z" duration="PT1S">
      <h:child name="MainTest" start="2026-11-27T06:49:13Z" duration="PT1S"><h:child name="passes()" start="2026-11-27T06:49:13.1Z" duration="PT0.25S"><result status="SUCCESSFUL"/></h:child></h:child></h:root></h:execution>"#;
    assert_eq!(read(hierarchy), ["MainTest::passes() = passed 250 @ 2026-11-27T06:49:13.1Z"]);
}

#[test]
fn robot_framework_before_version_7_has_other_stamps() {
    let report = r#"<robot generator="Robot 4.1"><suite id="s1" name="S" source="/src/s.robot"><test id="s1-t1" name="t">
      <kw name="Log"><status status="FAIL" starttime="20261127 12:15:39.000" endtime="20261127 12:15:39.100">inner</status></kw>
      <tags><tag>slow</tag></tags>
      <status status="PASS" starttime="20261127 12:15:39.943" endtime="20261127 12:15:41.143"></status></test>
      <test id="s1-t2" name="u"><tags><tag>robot:skip-on-failure</tag></tags>
      <status status="SKIP" starttime="N/A" endtime="N/A">Test failed but was skipped. Original failure: no</status></test>
      <status status="PASS" starttime="20261127 12:15:39.943" endtime="20261127 12:15:41.143"></status></suite></robot>"#;
    assert_eq!(read(report), ["S::t = passed 1200 @ 2026-11-27T12:15:39.943", "S::u = expected_failure"]);
}

#[test]
fn bazel_leaves_cached_results_out() {
    let result = |label: &str, attempt: u32, shard: u32, status: &str, more: &str| {
        format!(
            "{{\"id\":{{\"testResult\":{{\"label\":\"{label}\",\"run\":1,\"shard\":{shard},\"attempt\":{attempt}}}}},\"testResult\":{{\"status\":\"{status}\",\"testAttemptDurationMillis\":\"120\",\"testAttemptStartMillisEpoch\":\"1795761645114\"{more}}}}}"
        )
    };
    let report = [
        "{\"id\":{\"started\":{}},\"children\":[{\"progress\":{}}],\"started\":{\"uuid\":\"u\",\"buildToolVersion\":\"8.0.0\"}}".to_owned(),
        result("//a:flaky", 1, 1, "FAILED", ""),
        result("//a:flaky", 2, 1, "PASSED", ""),
        "{\"id\":{\"testSummary\":{\"label\":\"//a:flaky\"}},\"testSummary\":{\"overallStatus\":\"FLAKY\"}}".to_owned(),
        result("//a:cached", 1, 1, "PASSED", ",\"cachedLocally\":true"),
        result("//a:remote", 1, 1, "PASSED", ",\"executionInfo\":{\"cachedRemotely\":true}"),
        result("//a:shards", 1, 1, "PASSED", ""),
        result("//a:shards", 1, 2, "TIMEOUT", ""),
        "{\"id\":{\"targetCompleted\":{\"label\":\"//a:broken\"}},\"completed\":{}}".to_owned(),
        "{\"id\":{\"buildFinished\":{}},\"finished\":{},\"lastMessage\":true}".to_owned(),
    ]
    .join("\n");
    let start = "@ 2026-11-27T06:40:45.114Z";
    assert_eq!(
        read(&report),
        [
            format!("//a:flaky = failed 120, passed 120 {start}"),
            "! //a:broken: the target did not build".to_owned(),
            format!("//a:shards shard 1 = passed 120 {start}"),
            format!("//a:shards shard 2 = timeout 120 {start}"),
        ]
    );
    let cut = report.rsplit_once('\n').unwrap().0;
    assert!(read(cut).iter().any(|line| line.contains("broken off at line 9, byte")), "{:?}", read(cut));
}

#[test]
fn ctrf_reads_what_reporters_make_of_it() {
    let report = r#"{"results": {"tests": [
      {"name": "passes though it should fail", "status": "passed", "flaky": true, "duration": 5, "filePath": "/src/a.spec.js", "suite": "one > a.spec.js > math", "start": 1795761645, "extra": {"annotations": [{"type": "fail"}]}},
      {"name": "flaky", "status": "passed", "flaky": true, "duration": 7, "start": 1795761645114, "retries": 1, "retryAttempts": [{"attempt": 1, "status": "failed", "duration": 3, "start": 1795761640000}]},
      {"name": "serial", "status": "passed", "flaky": true, "duration": 7, "retries": 1, "retryAttempts": [{"status": "passed", "duration": 3}]},
      {"name": "hangs", "status": "failed", "rawStatus": "timedOut", "duration": 400},
      {"name": "later", "status": "other", "rawStatus": "todo", "duration": 0},
      {"name": "pends", "status": "pending", "duration": 0, "suite": ["a", "b"]}
    ], "tool": {"name": "playwright"}, "summary": {"tests": 99}}}"#;
    assert_eq!(
        read(report),
        [
            "/src/a.spec.js::one > a.spec.js > math::passes though it should fail = unexpected_pass 5 @ 2026-11-27T06:40:45.000Z",
            "flaky = failed 3, passed 7 @ 2026-11-27T06:40:40.000Z",
            "serial = passed 3, passed 7",
            "hangs = timeout 400",
            "later = skipped 0",
            "a::b::pends = skipped 0",
        ]
    );
}

#[test]
fn vitest_json_and_playwright_errors() {
    let vitest = r#"{"numTotalTests": 2, "startTime": 1, "testResults": [
      {"assertionResults": [
        {"ancestorTitles": ["math"], "fullName": "math flaky", "status": "passed", "title": "flaky", "duration": 606.25, "failureMessages": ["one", "two"]},
        {"ancestorTitles": [], "fullName": "fails", "status": "failed", "title": "fails", "duration": 1.5, "failureMessages": ["a", "b"]}],
       "status": "failed", "message": "", "name": "/src/a.test.ts"},
      {"assertionResults": [], "status": "failed", "message": "cannot load", "name": "/src/b.test.ts"}]}"#;
    assert_eq!(
        read(vitest),
        [
            "/src/a.test.ts::math::flaky = failed, failed, passed",
            "/src/a.test.ts::fails = failed 1.5",
            "! /src/b.test.ts: cannot load",
        ]
    );
    let playwright = r#"{"config": {"version": "1.65.1"}, "suites": [{"title": "a.spec.js", "file": "a.spec.js", "specs": [
        {"title": "top", "file": "a.spec.js", "line": 3, "tests": [{"expectedStatus": "skipped", "projectName": "", "results": []}]}]}],
      "errors": [{"message": "Error: no tests found"}], "stats": {}}"#;
    assert_eq!(read(playwright), ["a.spec.js::top = skipped", "! Error: no tests found"]);
}

#[test]
fn tap_14_and_streams_behind_each_other() {
    let report = "TAP version 14\n# Subtest: math\n    ok 1 - adds # time=1.5ms\n    not ok 2 - fails\n      ---\n      message: no\n      ...\n    1..2\nnot ok 1 - math # time=9ms\nok 2 - alone\n1..2\n\
                  TAP version 14\n1..2\nok 1 - alone\n";
    assert_eq!(
        read(report),
        [
            "math::adds = passed 1.5",
            "math::fails = failed",
            "alone = passed",
            "alone (2) = passed",
            "! 2 tests were planned, and 1 ran",
        ]
    );
}

#[test]
fn libtest_and_go_say_what_did_not_end() {
    let libtest = "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":2}\n{\"type\":\"test\",\"event\":\"started\",\"name\":\"a::b\"}\n{\"type\":\"test\",\"event\":\"started\",\"name\":\"a::c\"}\n{\"type\":\"test\",\"name\":\"a::c\",\"event\":\"failed\",\"stdout\":\"no\"}\n";
    assert_eq!(read(libtest), ["a::c = failed", "a::b = crash"]);
    let go = "go: downloading x v1\n{\"Time\":\"2026-11-27T12:18:36.7+05:30\",\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"TestA\"}\n{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"TestA\",\"Output\":\"x\"}\n";
    assert_eq!(
        read(go),
        ["! p: the stream ends before the package does", "p::TestA = crash @ 2026-11-27T12:18:36.7+05:30"]
    );
}

#[test]
fn a_form_that_was_asked_for_is_the_only_one() {
    let options = |format: &str| Options { format: Some(format.parse::<Format>().unwrap()), ..Options::default() };
    let junit = b"<testsuite name=\"a\"><testcase name=\"b\"/></testsuite>";
    assert_eq!(read_as(options("junit"), &[("a", junit)]).0, ["b = passed"]);
    let (lines, errors) = read_as(options("trx"), &[("a.xml", junit)]);
    assert!(lines.is_empty());
    assert_eq!(errors[0].to_string(), "a.xml is no trx report");
    let (_, errors) = read_as(options("jest"), &[("a.json", b"{\"results\":{\"tests\":[]}}")]);
    assert!(matches!(errors[0], ReportError::OtherFormat { .. }));
    // Tests of another form are none, and neither are those of a second form in one document.
    let ctrf = br#"{"results":{"tests":[{"name":"a","status":"passed"}]},"testsuites":[{"testsuite":[{"name":"b"}]}]}"#;
    let (lines, errors) = read_as(options("jest"), &[("a.json", ctrf)]);
    assert_eq!((lines, errors.len()), (vec![], 1));
    assert_eq!(read_as(Options::default(), &[("a.json", ctrf)]).0, ["a = passed"]);
}

#[test]
fn what_is_no_report_is_said_in_one_sentence() {
    for (bytes, says) in [
        (&b""[..], "a is empty: the runner may have died before it wrote its report"),
        (b"hello", "a is in no form of report that is known here: it begins with \"hello\""),
        (b"{\"a\": 1}", "a is in no form of report that is known here"),
        (b"<html><body/></html>", "a is in no form of report that is known here"),
        (
            b"<?xml version='1.0'?>\n<!DOCTYPE t [<!ENTITY e 'x'>]><testsuite/>",
            "a has a document type (<!DOCTYPE) at line 2",
        ),
    ] {
        let (lines, errors) = read_as(Options::default(), &[("a", bytes)]);
        assert!(lines.is_empty(), "{lines:?}");
        assert!(errors[0].to_string().starts_with(says), "{}", errors[0]);
    }
}
