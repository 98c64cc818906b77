//! Upload documents as senders make them.

use serde_json::{Value, json};

/// A run of the suite `layout-tests` in one configuration, on one commit of `webkit` at `timestamp`, started at `start`
/// (both in seconds since 1970); `results` is the tree of tests. Runs that start at different times are no repetitions.
pub fn upload(timestamp: i64, start: i64, results: &Value) -> Vec<u8> {
    json!({
        "version": 0, "suite": "layout-tests", "timestamp": start,
        "configuration": {"platform": "Mac", "version": "14.2", "is_simulator": false, "architecture": "arm64", "style": "Release"},
        "commits": [{"repository_id": "webkit", "branch": "main", "timestamp": timestamp, "hash": format!("{timestamp:040x}"), "message": "A change"}],
        "test_results": {"details": {"link": "https://ci.example.org/1"}, "run_stats": {"tests_skipped": 2}, "results": results},
    })
    .to_string()
    .into_bytes()
}
