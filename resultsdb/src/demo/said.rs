//! What people said of the demonstration: bugs, owners, and a test whose quarantine is about to end.

use schema::seconds::DAY;
use serde_json::{Value, json};

use super::SUITES;

/// Who owns which folders of tests.
const OWNERS: &str = "css/ @css\ndom/ @dom @core\nmedia/ @media\n*/socket-* @network\n";
/// Days until the quarantine of the flaky test ends.
const PARKED: i64 = 3;

/// The requests, each with its path. What is said holds from `now` on, seconds since 1970.
pub(super) fn requests(now: i64) -> Vec<(&'static str, Value)> {
    let suite = SUITES[0].0;
    let page = |number: u32| format!("https://bugs.example.org/show?id={number}");
    let bug = |test: &str, number: u32, note: &str| {
        ("/api/bugs", json!({ "suite": suite, "test": test, "url": page(number), "note": note }))
    };
    let of_cause = json!({
        "suite": suite, "url": page(4713), "note": "The new system's firewall",
        "message": "Could not connect to *:* after * ms: refused",
    });
    vec![
        bug("dom/broken-001.html", 4711, "Crashes while a font loads"),
        bug("*/debug-only-*", 4712, "Debug builds draw a border too much"),
        ("/api/bugs", of_cause),
        ("/api/owners", json!({ "suite": suite, "text": OWNERS })),
        (
            "/api/quarantine",
            json!({
                "suite": suite, "test": "css/flaky-000.html", "reason": "Waits for the clock of the machine", "owner": "@css",
                "bug": page(4714), "until": now + PARKED * DAY as i64,
            }),
        ),
    ]
}
