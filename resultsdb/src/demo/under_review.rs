//! A change under review in the demonstration: it breaks one test, mends another, and fails where the trunk fails.

use serde_json::{Value, json};

use super::{COMMITS, Random, SUITES, configurations, results};

/// The change, and who wrote it: nobody whose commits are on the trunk, for these would be no evidence.
const CHANGE: &str = "4720";
const AUTHOR: &str = "Margaret";
/// Runs of the change: minutes before `now`, and whether its test was mended by then.
const RUNS: [(i64, bool); 3] = [(180, false), (60, true), (30, true)];

/// The uploads of its runs: of its first commit, of its second, and of that once more.
pub(super) fn uploads(now: i64, random: &mut Random) -> Vec<Value> {
    let (suite, tests) = SUITES[0];
    let position = 0;
    let Some(configuration) = configurations().into_iter().nth(position) else { return Vec::new() };
    let upload = |(minutes, is_mended): (i64, bool)| {
        let committed = now - if is_mended { 90 } else { 200 } * 60;
        let started = now - minutes * 60;
        let mut of_tests = results(tests, COMMITS - 1, position, random);
        let mut set = |folder: &str, test: &str, actual: &str, log: &str| {
            of_tests[folder][test]["actual"] = actual.into();
            of_tests[folder][test]["log"] = log.into();
        };
        set("media", "regressed-002.html", "PASS", "");
        set("svg", "steady-015.html", "TEXT", "FAIL width should be 120 but was 100");
        if !is_mended {
            set("dom", "steady-017.html", "CRASH", "Assertion failed: box");
        }
        let commit = json!({
            "repository_id": "webkit", "branch": format!("change/{CHANGE}"), "timestamp": committed, "order": 0,
            "hash": format!("{committed:040x}"), "author": { "name": AUTHOR, "emails": ["dev@example.org"] },
            "message": "Draw boxes without rounding",
        });
        json!({
            "version": 0, "suite": suite, "configuration": configuration, "commits": [commit], "timestamp": started,
            "change": { "id": CHANGE, "authors": [AUTHOR] },
            "test_results": {
                "details": { "link": format!("https://ci.example.org/builds/review-{minutes}") },
                "run_stats": { "start_time": started, "end_time": started + 600, "tests_skipped": 3 },
                "results": of_tests,
            },
        })
    };
    RUNS.into_iter().map(upload).collect()
}
