//! Tests that did not run, and outcomes that nobody knows: taken, kept, and never a pass; refused where that is asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::server::Binary;

const RESULTSDB: Binary = test_support::resultsdb!();

#[test]
fn what_did_not_run_is_no_pass_and_the_reference_s_endpoints_answer_as_ever() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let time = now() - 3600;
    let results = json!({
        "skipped": {"actual": "SKIP"}, "missing": {"actual": "NOTRUN"}, "unknown": {"actual": "FAILED", "log": "x"},
        "partly": {"actual": "bad TEXT"}, "good": {"actual": "PASS"},
    });
    let request = agent().post(format!("{}/api/upload", server.url)).header("prefer", "return=representation");
    let mut response = request.send(upload(time, time, &results)).unwrap();
    let answer: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    let step = &answer["processing"]["test-results"];
    assert_eq!((response.status().as_u16(), &step["status"]), (200, &json!("ok")), "{answer}");
    let warning = step["warning"].as_str().unwrap();
    assert!(warning.contains("'actual' of test 'unknown' has 'FAILED'"), "{warning}");
    assert_eq!(response.headers()["resultsdb-warning"], warning);

    // The timeline tells them apart, and none of the three is a pass.
    for (test, digit) in [("skipped", "s"), ("missing", "n"), ("unknown", "u"), ("partly", "4"), ("good", "8")] {
        let row = server.json(&format!("/api/timeline/layout-tests/{test}"))["rows"][0].clone();
        assert_eq!((&row["actual"], &row["unexpected"]), (&json!(digit), &json!(digit)), "{test}");
    }
    // The reference drops words that it does not know, and nothing left is a pass.
    for (test, state) in
        [("skipped", "PASS"), ("missing", "PASS"), ("unknown", "PASS"), ("partly", "TEXT"), ("good", "PASS")]
    {
        let result = server.json(&format!("/api/results/layout-tests/{test}"))[0]["results"][0].clone();
        assert_eq!((&result["actual"], &result["expected"]), (&json!(state), &json!("PASS")), "{test}");
    }
    assert_eq!(server.json("/api/results/layout-tests/unknown")[0]["results"][0]["log"], "x");
    // Counts stay those of the reference.
    let stats = server.json("/api/results/layout-tests")[0]["results"][0]["stats"].clone();
    let count = |name: &str| stats[name].as_u64().unwrap();
    let counts = ["tests_run", "tests_failed", "tests_unexpected_failed"].map(count);
    assert_eq!((counts, count("tests_skipped")), ([5, 1, 1], 2), "{stats}");
    let metrics = server.get("/metrics").1;
    assert!(metrics.lines().any(|line| line == "resultsdb_unknown_outcomes_total 2"), "{metrics}");
    server.stop();
}

#[test]
fn the_command_line_and_a_strict_server_refuse_words_that_nobody_knows() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("strict.toml");
    std::fs::write(&config, "[repositories.webkit]\n[intake]\nstrict = true\n").unwrap();
    let strict = RESULTSDB.serve_with(&directory.path().join("strict"), &config);
    let lenient = RESULTSDB.serve(&directory.path().join("lenient"));
    let time = now() - 3600;
    let document = upload(time, time, &json!({"t": {"actual": "fail"}}));
    let (status, text) = strict.post("/api/upload", &document).unwrap();
    assert!(
        status == 400 && text.contains("'actual' of test 't' has 'fail', which is no state: write 'FAIL'"),
        "{text}"
    );
    let file = directory.path().join("run.json");
    std::fs::write(&file, &document).unwrap();
    let told = RESULTSDB.command().arg("upload").arg(&file).args(["--url", &lenient.url]).output().unwrap();
    let error = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(!told.status.success() && error.contains("has 'fail', which is no state: write 'FAIL'"), "{error}");
    for server in [&strict, &lenient] {
        assert_eq!(server.json("/api/results/layout-tests"), json!([]), "nothing was taken");
    }
}
