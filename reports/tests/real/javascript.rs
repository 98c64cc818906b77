//! Mocha, AVA, Vitest and Playwright.

use crate::lines::read;

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
fn vitest_writes_blocks_in_braces_in_tap() {
    let report = "TAP version 13\n1..2\nnot ok 1 - src/a.test.js # time=1538.52ms {\n    1..3\n    ok 1 - pass # time=2.07ms\n\
                  \x20   not ok 2 - fail # time=10.91ms\n        ---\n        error:\n            name: \"AssertionError\"\n\
                  \x20           message: \"expected 1 to be 2\"\n        actual: \"1\"\n        ...\n\
                  \x20   ok 3 - outer # time=0.37ms {\n        1..1\n        ok 1 - same # time=0.09ms\n    }\n}\n\
                  not ok 2 - src/b.test.js # time=0.00ms {\n    1..1\n    ok 1 - same # SKIP\n}\n";
    assert_eq!(
        read(report),
        [
            "src/a.test.js::pass = passed 2.07",
            "src/a.test.js::fail = failed 10.91",
            "src/a.test.js::outer::same = passed 0.09",
            "src/b.test.js::same = skipped",
            "! src/b.test.js: error",
        ]
    );
    assert_eq!(read("TAP version 13\nok 1 - opens {\nok 2 - # {\n1..2\n"), ["opens { = passed", "# { = passed"]);
}
