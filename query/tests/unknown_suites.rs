//! A suite of which nothing was ever uploaded is told as such by every door of our own, in the same sentence: an empty list would read
//! as if nothing failed. One that is known and did not run in the time that is asked about has an empty list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use axum::http::StatusCode;
use schema::configuration::Configuration;
use schema::event::{Event, Request};
use schema::quarantine::QuarantineEntry;
use serde_json::{Value, json};
use test_support::clock::{DAY, now};
use test_support::engine;
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

/// Questions of the API, with the suite for NAME. Some have no commit to compare with where nothing ran on the default branch.
const API: [&str; 25] = [
    "/api/timeline/NAME",
    "/api/timeline/NAME/t",
    "/api/timeline-overview/NAME",
    "/api/timeline-overview/NAME/t",
    "/api/durations/NAME",
    "/api/durations/NAME/t",
    "/api/slowest/NAME",
    "/api/changes/NAME",
    "/api/changes/NAME/t?branch=next",
    "/api/causes?suite=NAME",
    "/api/causes/messages?suite=NAME&test=t",
    "/api/triage?suite=NAME",
    "/api/triage?suite=NAME&format=csv",
    "/api/standing?suite=NAME&test=t",
    "/api/metrics?suite=NAME",
    "/api/flaky?suite=NAME",
    "/api/new-tests?suite=NAME",
    "/api/costs?suite=NAME",
    "/api/owners?suite=NAME",
    "/api/trends?suite=NAME&test=t",
    "/api/compare/populations/NAME",
    "/api/search?q=t&suite=NAME",
    "/api/run?suite=NAME",
    "/api/quarantine/proposals?suite=NAME",
    "/api/verdicts/quality?suite=NAME",
];
const PAGES: [&str; 15] = [
    "/triage?suite=NAME",
    "/triage.atom?suite=NAME",
    "/changes?suite=NAME",
    "/causes?suite=NAME",
    "/causes?suite=NAME&text=broke",
    "/compare/populations?suite=NAME&weeks=1",
    "/flaky?suite=NAME",
    "/new-tests?suite=NAME",
    "/costs?suite=NAME",
    "/owners?suite=NAME",
    "/durations?suite=NAME",
    "/trends?suite=NAME",
    "/trends?suite=NAME&test=t",
    "/quality?suite=NAME",
    "/quarantine?suite=NAME",
];
/// What the reference has answers as the reference does, and so does what only filters by a suite.
const UNCHANGED: [&str; 12] = [
    "/api/results/NAME",
    "/api/results/NAME/t",
    "/api/upload?suite=NAME",
    "/api/urls?suite=NAME",
    "/api/NAME/tests",
    "/api/quarantine?suite=NAME",
    "/api/bugs?suite=NAME",
    "/api/renames?suite=NAME",
    "/badge/NAME.svg",
    "/?suite=NAME&test=t",
    "/suites?suite=NAME",
    "/investigate?suite=NAME",
];
/// Lists of what people said of a suite, which may come before its first run.
const SAID_OF_A_SUITE: [&str; 3] =
    ["/api/quarantine?suite=NAME&state=all", "/api/bugs?suite=NAME", "/api/renames?suite=NAME"];
/// What pipelines ask before the first run of a suite.
const BEFORE_THE_FIRST_RUN: [&str; 2] = ["/api/plan/NAME", "/api/quarantine/export?suite=NAME"];
/// Tools, and what each is asked beside the suite.
const TOOLS: [(&str, Option<(&str, &str)>); 4] =
    [("find_tests", Some(("q", "t"))), ("history", Some(("test", "t"))), ("changes", None), ("failures", None)];

const UNKNOWN: &str = "No suite is called 'uint': nothing was ever uploaded for it; /suites lists those that are known";

/// Runs of a suite that runs, of one that did not for a long time, and of one that never ran on the default branch.
fn views() -> EventRows {
    let mut views = EventRows::default();
    for (offset, (suite, branch, age)) in
        [("unit", "main", 3), ("unit", "main", 2), ("quiet", "main", 60), ("branched", "next", 1)]
            .into_iter()
            .enumerate()
    {
        let start = now() - DAY * age;
        let commit = json!({
            "repository_id": "webkit", "branch": branch, "timestamp": start, "order": 0, "hash": format!("c{age:039x}"),
        });
        let configuration =
            json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
        let results = json!({ "t": { "actual": "TEXT", "log": "it broke", "time": 7 }, "u": { "time": 3 } });
        views.add(run(suite, configuration, &commit, start + 60, &results), offset as u64 + 1);
    }
    for (suite, platform) in [("typo", "mac"), ("unit", "amiga"), ("unit", "mac"), ("branched", "amiga")] {
        let entry = QuarantineEntry {
            suite: suite.into(),
            test: "t".into(),
            configuration: Configuration::from_json(&json!({ "platform": platform })).unwrap(),
            failure: None,
            reason: format!("{suite} on {platform}"),
            owner: String::new(),
            bug: String::new(),
            by: String::new(),
            since: now() - DAY,
            until: now() + DAY,
            release: None,
        };
        let test_results = serde_json::value::to_raw_value(&()).unwrap();
        views.add(Event { header: header(now(), Request::Quarantine(Box::new(entry))), test_results }, 1000);
    }
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_says_that_nothing_is_known_of_a_suite() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "unknown_suites", [views()]).await;
    json_doors(&service).await;
    page_doors(&service).await;
    tools(&service).await;
    what_may_come_before_a_run(&service).await;
    no_run_is_no_pass(&service).await;
    entries_about_nothing_are_marked(&service).await;
    engine.shutdown().await;
}

async fn json_doors(service: &QueryService) {
    let comparison = format!("/api/compare?suite=NAME&before=c{:039x}", 3);
    for door in API.into_iter().chain([comparison.as_str()]) {
        let (status, body) = service.get(&door.replace("NAME", "uint")).await;
        let told: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &told["description"]), (StatusCode::NOT_FOUND, &json!(UNKNOWN)), "{door}");
        for known in ["unit", "quiet", "branched"] {
            // Nothing to compare with is told in another sentence.
            if door == comparison && known != "unit" {
                continue;
            }
            let (status, body) = service.get(&door.replace("NAME", known)).await;
            assert_eq!(status, StatusCode::OK, "{door} of {known}: {}", String::from_utf8_lossy(&body));
        }
    }
    let preview = async |suite: &str| {
        let asked = json!({ "rules": [], "suite": suite }).to_string();
        let (status, body) = service.post("/api/rules/preview", asked).await;
        (status, serde_json::from_slice::<Value>(&body).unwrap()["description"].clone())
    };
    assert_eq!(preview("uint").await, (StatusCode::NOT_FOUND, json!(UNKNOWN)));
    assert_eq!(preview("quiet").await.0, StatusCode::OK);
    let quiet = service.json("/api/triage?suite=quiet").await;
    assert_eq!(quiet["tests"], json!([]), "{quiet}");
    for door in UNCHANGED {
        assert_eq!(service.get(&door.replace("NAME", "uint")).await.0, StatusCode::OK, "{door}");
    }
    let (status, body) = service.get("/api/failures/uint").await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    let recorded = json!("No test runs found with the specified criteria");
    assert_eq!((status, &told["description"]), (StatusCode::NOT_FOUND, &recorded));
}

async fn page_doors(service: &QueryService) {
    let comparison = format!("/compare?suite=NAME&before=c{:039x}", 3);
    for door in PAGES.into_iter().chain([comparison.as_str()]) {
        let (status, body) = service.get(&door.replace("NAME", "uint")).await;
        let page = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::NOT_FOUND, "{door}");
        // The page leads to the same question about the suite that was meant.
        for part in ["No suite is called ", "nothing was ever uploaded for it", "suite=unit", "See the suites"] {
            assert!(page.contains(part), "{door}: {part} in {page}");
        }
        for known in ["unit", "quiet", "branched"] {
            let (status, body) = service.get(&door.replace("NAME", known)).await;
            assert_eq!(status, StatusCode::OK, "{door} of {known}: {}", String::from_utf8_lossy(&body));
        }
    }
}

async fn tools(service: &QueryService) {
    for (tool, more) in TOOLS {
        let answer = async |suite: &str| {
            let mut arguments = json!({ "suite": suite });
            if let Some((name, value)) = more {
                arguments[name] = value.into();
            }
            service.tool(tool, arguments).await
        };
        let unknown = answer("uint").await;
        assert_eq!(unknown["isError"], json!(true), "{tool}: {unknown}");
        assert_eq!(unknown["content"][0]["text"], json!(UNKNOWN), "{tool}");
        let known = answer("unit").await;
        assert_ne!(known["isError"], json!(true), "{tool}: {known}");
    }
    // A commit on which the suite did not run is no run without failures.
    let none = service.tool("failures", json!({ "suite": "unit", "uuid": 100 })).await;
    assert_eq!(none["isError"], json!(true), "{none}");
    assert!(none["content"][0]["text"].as_str().unwrap().starts_with("No run of the suite 'unit' is meant"), "{none}");
}

async fn what_may_come_before_a_run(service: &QueryService) {
    for door in BEFORE_THE_FIRST_RUN {
        let (status, headers) = service.headers(&door.replace("NAME", "uint")).await;
        assert_eq!((status, headers["resultsdb-warning"].to_str().unwrap()), (StatusCode::OK, UNKNOWN), "{door}");
        let (status, headers) = service.headers(&door.replace("NAME", "quiet")).await;
        assert_eq!((status, headers.get("resultsdb-warning")), (StatusCode::OK, None), "{door}");
    }
    // What people said of a suite is listed where they may take it back.
    for door in SAID_OF_A_SUITE {
        let warned = async |suite: &str| {
            let (status, headers) = service.headers(&door.replace("NAME", suite)).await;
            assert_eq!(status, StatusCode::OK, "{door} of {suite}");
            headers.get("resultsdb-warning").map(|told| told.to_str().unwrap().to_owned())
        };
        assert_eq!(warned("uint").await.as_deref(), Some(UNKNOWN), "{door}");
        assert!(warned("typo").await.is_some_and(|told| told.starts_with("No suite is called 'typo'")), "{door}");
        assert_eq!((warned("quiet").await, warned("branched").await), (None, None), "{door}");
    }
    let entries = service.json("/api/quarantine?suite=typo").await;
    assert_eq!(entries["entries"].as_array().unwrap().len(), 1, "{entries}");
    // Of a suite that somebody asked verdicts about, these are known.
    for (suite, warning) in [("uint", Some(UNKNOWN)), ("quiet", None)] {
        let asked = json!({ "suite": suite, "tests": [{ "test": "t", "state": "TEXT" }] }).to_string();
        let (headers, body) = service.posted("/api/verdicts", asked).await;
        let verdicts: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(verdicts["tests"][0]["verdict"], "unknown", "{suite}: {verdicts}");
        let told = headers.get("resultsdb-warning").map(|told| told.to_str().unwrap());
        assert_eq!(told, warning, "{suite}");
    }
}

/// Where no run is meant, nothing is known: no page reads as if nothing failed, and the answers say that nothing ran.
async fn no_run_is_no_pass(service: &QueryService) {
    let before = now() - 30 * DAY;
    let as_of = format!("suite=unit&as_of={before}");
    let none = ["suite=unit&platform=nosuch", "suite=unit&branch=nosuch", "suite=quiet"];
    for (page, time) in [
        ("/triage", "four weeks"),
        ("/triage?q=t", "four weeks"),
        ("/changes", "4 weeks"),
        ("/owners", "four weeks"),
        ("/flaky", "4 weeks"),
        ("/costs", "4 weeks"),
        ("/costs?by=owner", "4 weeks"),
        ("/new-tests", "14 days"),
        ("/causes", "4 weeks"),
        ("/causes?text=broke", "4 weeks"),
    ] {
        let with = |query: &str| format!("{page}{}{query}", if page.contains('?') { "&" } else { "?" });
        let known_then = ["/triage", "/changes"].contains(&page).then_some(as_of.as_str());
        for query in none.into_iter().chain(known_then) {
            let suite = if query.contains("quiet") { "quiet" } else { "unit" };
            let shown = service.text(&with(query)).await;
            assert!(shown.contains(&format!("No run of {suite} in {time} matches.")), "{page} {query}: {shown}");
        }
        let shown = service.text(&with("suite=unit")).await;
        assert!(!shown.contains("No run of"), "{page}: {shown}");
    }
    let unknown_test = service.text("/changes?suite=unit&test=nosuch").await;
    assert!(unknown_test.contains("No run of nosuch in 4 weeks matches."), "{unknown_test}");
    let ran = async |door: &str, query: &str| {
        let answer = service.json(&format!("{door}{}{query}", if door.contains('?') { "&" } else { "?" })).await;
        answer["configurations"].as_u64().unwrap_or_else(|| panic!("{door}: {answer}"))
    };
    for door in [
        "/api/triage?suite=unit",
        "/api/changes/unit",
        "/api/changes/unit/t",
        "/api/owners?suite=unit",
        "/api/flaky?suite=unit",
        "/api/costs?suite=unit",
        "/api/new-tests?suite=unit",
        "/api/causes?suite=unit",
    ] {
        assert_eq!(ran(door, "limit=10").await, 1, "{door}");
        assert_eq!((ran(door, "platform=nosuch").await, ran(door, "branch=nosuch").await), (0, 0), "{door}");
    }
    assert_eq!(ran("/api/changes/unit/nosuch", "limit=10").await, 0);
    assert_eq!(ran("/api/changes/unit", &format!("as_of={before}")).await, 0);
    // Of every suite.
    assert_eq!((ran("/api/flaky", "limit=10").await, ran("/api/flaky", "platform=nosuch").await), (1, 0));
}

async fn entries_about_nothing_are_marked(service: &QueryService) {
    let no_suite = "About nothing yet: no run of the suite is known.";
    let no_place = "About nothing yet: no run of the suite on such a configuration is known on the default branch.";
    // Entries stay where they can be taken back, whatever their suite is.
    for (suite, shown) in [("typo", [1, 0]), ("unit", [0, 1]), ("branched", [0, 0])] {
        let page = service.text(&format!("/quarantine?suite={suite}")).await;
        assert!(page.contains(&format!("{suite} on ")), "{page}");
        assert_eq!([no_suite, no_place].map(|odd| page.matches(odd).count()), shown, "{suite}: {page}");
    }
    let proposed = service.json("/api/quarantine/proposals?suite=typo").await;
    assert_eq!((&proposed["park"], &proposed["release"]), (&json!([]), &json!([])));
}
