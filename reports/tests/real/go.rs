//! `go test`, gotestsum, go-junit-report and Ginkgo.

use crate::lines::read;

#[test]
fn ginkgo_json_has_attempts_nodes_of_the_suite_and_nanoseconds() {
    let report = r#"[{"SuitePath":"/src/gk","SuiteDescription":"Demo Suite","SuiteSucceeded":false,"SpecialSuiteFailureReasons":null,"RunTime":1511562282,"SpecReports":[
      {"ContainerHierarchyTexts":null,"LeafNodeType":"BeforeSuite","LeafNodeText":"","State":"passed","StartTime":"2026-11-28T23:43:01.49+05:30","EndTime":"2026-11-28T23:43:01.49+05:30","RunTime":120626,"NumAttempts":0,"MaxFlakeAttempts":0},
      {"ContainerHierarchyTexts":["math"],"LeafNodeType":"It","LeafNodeLocation":{"FileName":"demo_test.go","LineNumber":17},"LeafNodeLabels":["slow"],"LeafNodeText":"flaky","State":"passed","StartTime":"2026-11-28T23:43:01.5+05:30","EndTime":"2026-11-28T23:43:01.6+05:30","RunTime":492905,"NumAttempts":3,"MaxFlakeAttempts":3},
      {"ContainerHierarchyTexts":["math"],"LeafNodeType":"It","LeafNodeText":"must repeat","State":"passed","StartTime":"2026-11-28T23:43:01.5+05:30","EndTime":"2026-11-28T23:43:01.6+05:30","RunTime":1500000,"NumAttempts":3,"MaxFlakeAttempts":0,"MaxMustPassRepeatedly":3},
      {"ContainerHierarchyTexts":["math"],"LeafNodeType":"It","LeafNodeText":"pending","State":"pending","StartTime":"2026-11-28T23:43:01.5+05:30","EndTime":"0001-01-01T00:00:00Z","RunTime":0,"NumAttempts":0},
      {"ContainerHierarchyTexts":["math"],"LeafNodeType":"It","LeafNodeText":"panics","State":"panicked","StartTime":"2026-11-28T23:43:01.5+05:30","EndTime":"2026-11-28T23:43:01.6+05:30","RunTime":2000000,"Failure":{"Message":"Test Panicked"},"NumAttempts":1},
      {"ContainerHierarchyTexts":null,"LeafNodeType":"AfterSuite","LeafNodeText":"","State":"failed","StartTime":"2026-11-28T23:43:03+05:30","EndTime":"2026-11-28T23:43:03+05:30","RunTime":1,"Failure":{"Message":"no db"},"NumAttempts":0}]}]"#;
    assert_eq!(
        read(report),
        [
            "Demo Suite::math::flaky = failed, failed, passed @ 2026-11-28T23:43:01.5+05:30",
            "Demo Suite::math::must repeat = passed 1.5 @ 2026-11-28T23:43:01.5+05:30",
            "Demo Suite::math::pending = skipped 0",
            "Demo Suite::math::panics = crash 2 @ 2026-11-28T23:43:01.5+05:30",
            "! Demo Suite [AfterSuite]: no db",
        ]
    );
}

#[test]
fn go_ends_no_benchmark_and_one_build_may_stop_two_packages() {
    let report = r#"{"ImportPath":"demo/bad [demo/bad.test]","Action":"build-output","Output":"bad_test.go:3:28: undefined: x\n"}
{"ImportPath":"demo/bad [demo/bad.test]","Action":"build-fail"}
{"Time":"2026-11-28T18:28:27Z","Action":"start","Package":"demo/a"}
{"Time":"2026-11-28T18:28:27Z","Action":"fail","Package":"demo/a","Elapsed":0,"FailedBuild":"demo/bad [demo/bad.test]"}
{"Time":"2026-11-28T18:28:27Z","Action":"start","Package":"demo/bad"}
{"Time":"2026-11-28T18:28:27Z","Action":"fail","Package":"demo/bad","Elapsed":0,"FailedBuild":"demo/bad [demo/bad.test]"}
{"Time":"2026-11-28T18:28:27Z","Action":"start","Package":"demo/b"}
{"Time":"2026-11-28T18:28:27Z","Action":"run","Package":"demo/b","Test":"BenchmarkX"}
{"Time":"2026-11-28T18:28:28Z","Action":"output","Package":"demo/b","Test":"BenchmarkX","Output":"BenchmarkX-2   \t1000000000\t         0.3610 ns/op\n"}
{"Time":"2026-11-28T18:28:28Z","Action":"pass","Package":"demo/b","Elapsed":0.4}
"#;
    assert_eq!(
        read(report),
        [
            "! demo/a: bad_test.go:3:28: undefined: x",
            "! demo/bad: bad_test.go:3:28: undefined: x",
            "demo/b::BenchmarkX = passed @ 2026-11-28T18:28:27Z",
        ]
    );
}

#[test]
fn packages_that_were_not_built_are_no_tests() {
    let gotestsum = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="1" failures="1" errors="0" time="2.9">
	<testsuite tests="0" failures="0" time="0.000000" name="bad" timestamp="2026-11-28T23:57:31+05:30">
		<properties>
			<property name="go.version" value="go1.26.8 linux/amd64"></property>
		</properties>
		<testcase classname="." name="TestMain" time="0.000000">
			<failure message="Failed" type="">FAIL&#x9;demo/bad [build failed]&#xA;</failure>
		</testcase>
	</testsuite>
</testsuites>"#;
    assert_eq!(read(gotestsum), ["! bad: Failed"]);
    let go_junit_report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" errors="1">
	<testsuite name="demo/bad" tests="1" failures="0" errors="1" id="0" hostname="ci" time="0.000" timestamp="2026-11-28T23:57:26+05:30">
		<testcase name="[build failed]" classname="demo/bad" time="0.000">
			<error message="Build error"><![CDATA[bad_test.go:3:28: undefined: x]]></error>
		</testcase>
	</testsuite>
	<testsuite name="demo/b" tests="1" failures="0" errors="0" id="1" hostname="ci" time="0.000" timestamp="2026-11-28T23:57:26+05:30">
		<testcase name="TestBefore" classname="demo/b" time="0.000"></testcase>
	</testsuite>
</testsuites>"#;
    assert_eq!(read(go_junit_report), ["! demo/bad: Build error", "demo/b::TestBefore = passed 0"]);
}
