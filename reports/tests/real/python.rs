//! pytest, unittest and Robot Framework.

use crate::lines::read;

#[test]
fn ctrf_of_pytest_has_whole_paths_and_raw_words() {
    let report = r#"{"results":{"tool":{"name":"pytest"},"summary":{"tests":6},"tests":[
      {"name":"t/a.py::TestC::test_in","status":"passed","duration":6,"suite":["t/a.py","TestC"],"retries":0,"filePath":"t/a.py"},
      {"name":"t/a.py::test_setup","status":"failed","rawStatus":"setup_failed","duration":5,"suite":["t/a.py"],"retries":0,"filePath":"t/a.py"},
      {"name":"t/a.py::test_xfail","status":"skipped","rawStatus":"xfailed","duration":9,"suite":["t/a.py"],"retries":0,"filePath":"t/a.py"},
      {"name":"t/a.py::test_strict","status":"failed","rawStatus":"call_failed","duration":4,"suite":["t/a.py"],"message":"[XPASS(strict)] known","filePath":"t/a.py"},
      {"name":"t/a.py::test_hang","status":"failed","rawStatus":"call_failed","duration":1001,"message":"Failed: Timeout (>1.0s) from pytest-timeout.","filePath":"t/a.py"},
      {"name":"t/a.py::test_crash","status":"failed","rawStatus":"???_failed","duration":-1795889303393,"start":1795889303393,"stop":0,"message":"worker 'gw0' crashed while running 't/a.py::test_crash'","filePath":"t/a.py"},
      {"name":"t/a.py::test_flaky","status":"passed","duration":2,"suite":["t/a.py"],"retries":1,"retryAttempts":[{"attempt":1,"status":"failed","duration":1}],"filePath":"t/a.py"}]}}"#;
    assert_eq!(
        read(report),
        [
            "t/a.py::TestC::test_in = passed 6",
            "t/a.py::test_setup = error 5",
            "t/a.py::test_xfail = expected_failure 9",
            "t/a.py::test_strict = unexpected_pass 4",
            "t/a.py::test_hang = timeout 1001",
            "t/a.py::test_crash = crash @ 2026-11-28T18:08:23.393Z",
            "t/a.py::test_flaky = failed 1, passed 2",
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
fn robot_has_all_attempts_after_a_merge_and_calls_failed_what_it_did_not_reach() {
    let merged = "*HTML* &lt;span class=&quot;merge&quot;&gt;Test has been re-executed and results merged.&lt;/span&gt;&lt;hr&gt;\
        &lt;span class=&quot;new-status&quot;&gt;New status:&lt;/span&gt; &lt;span class=&quot;pass&quot;&gt;PASS&lt;/span&gt;&lt;br&gt;&lt;hr&gt;\
        &lt;span class=&quot;old-status&quot;&gt;Old status:&lt;/span&gt; &lt;span class=&quot;fail&quot;&gt;FAIL&lt;/span&gt;&lt;br&gt;\
        &lt;span class=&quot;old-message&quot;&gt;Old message:&lt;/span&gt; Setup failed:&lt;br&gt;";
    let report = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Rebot 7.5 (Python 3.11.7 on linux)" generated="2026-11-28T23:57:36" rpa="false" schemaversion="5">
<suite id="s1" name="Suite">
<test id="s1-t1" name="Flaky" line="3"><status status="PASS" start="2026-11-28T23:57:35.798842" elapsed="0.002">{merged}</status></test>
<test id="s1-t2" name="Later" line="5"><status status="FAIL" start="2026-11-28T23:57:35.8" elapsed="0.001">Failure occurred and exit-on-failure mode is in use.</status></test>
<test id="s1-t3" name="Slow" line="7"><status status="FAIL" start="2026-11-28T23:57:35.9" elapsed="0.3">Task timeout 300 milliseconds exceeded.</status></test>
<status status="FAIL" start="2026-11-28T23:57:35" elapsed="1"/>
</suite>
</robot>"#
    );
    assert_eq!(
        read(&report),
        [
            "Suite::Flaky = error, passed 2",
            "Suite::Later = error 1 @ 2026-11-28T23:57:35.8",
            "Suite::Slow = timeout 300 @ 2026-11-28T23:57:35.9",
        ]
    );
    let merged = merged.replace("\"pass\"", "\"fail\"").replace("PASS", "FAIL");
    let xunit = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Suite" tests="1" errors="0" failures="1" skipped="0" time="1.5" timestamp="">
<testsuite name="Main" tests="1" errors="0" failures="1" skipped="0" time="1.5" timestamp="">
<testcase classname="Suite.Main" name="Always" time="0.002">
<failure message="{merged}" type="AssertionError"/>
</testcase>
</testsuite>
</testsuite>"#
    );
    assert_eq!(read(&xunit), ["Suite.Main::Always = error, failed 2"]);
}

#[test]
fn unittest_writes_what_broke_around_tests_as_tests() {
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
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
        read(report),
        ["! test_bad: Failed to import test module: test_bad", "! setUpModule (test_mod): module"]
    );
}

#[test]
fn pytest_takes_a_worker_that_died_for_a_set_up_that_failed() {
    let report = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="0" skipped="0" tests="2" time="1.9" timestamp="2026-11-28T23:37:50.104+05:30" hostname="ci"><testcase classname="test_crash" name="test_before" time="0.001" /><testcase classname="test_crash" name="test_crash" time="0.000"><error message="failed on setup with &quot;worker 'gw1' crashed while running 'test_crash.py::test_crash'&quot;">worker 'gw1' crashed while running 'test_crash.py::test_crash'</error></testcase></testsuite></testsuites>"#;
    assert_eq!(read(report), ["test_crash::test_before = passed 1", "test_crash::test_crash = crash 0"]);
}
