//! Requests through the intake's own router, beside an empty log: what is taken, what is refused, and that nothing of a
//! refused request is appended.
#![allow(clippy::unwrap_used)]

mod support;

use eventlog::EventLog;
use ingest::IntakeOptions;
use schema::rename::TestRename;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use serde_json::{Value, json};
use support::Intake;

const START: i64 = 1_790_000_050;

/// A run that started at `start`, seconds; runs that start at different times are no repetitions.
fn upload(start: i64, results: &Value) -> Vec<u8> {
    let commit = json!({"repository_id": "w", "branch": "main", "timestamp": 1_790_000_000, "revision": 1});
    let configuration = json!({"platform": "Mac", "version": "14", "is_simulator": false, "architecture": "arm64"});
    json!({
        "suite": "s", "configuration": configuration, "commits": [commit], "timestamp": start,
        "test_results": { "results": results },
    })
    .to_string()
    .into_bytes()
}

const READING_STEPS: [&str; 3] = ["test-failures", "suite-results", "test-results"];

#[tokio::test(flavor = "multi_thread")]
async fn results_that_cannot_be_read_are_step_errors_or_strictly_refused() {
    let intake = Intake::start().await;
    let mut appended = 0;
    for (results, at) in [
        (json!([{"a.html": {}}]), "'test_results.results' is a list"),
        (json!("a"), "'test_results.results' is a text"),
        (json!(null), "'test_results.results' is null"),
        (json!({"a.html": {"actual": 7}}), "'actual' of test 'a.html'"),
        (json!({"a": {"b.html": {}, "c": 1}}), "follows test 'a/b.html'"),
    ] {
        let refused =
            intake.post("/api/upload", &[("prefer", "handling=strict, wait=30")], upload(START, &results)).await;
        let description = refused.body["description"].as_str().unwrap();
        assert_eq!((refused.status, &refused.body["error"]), (400, &json!("Bad Request")), "{results}");
        assert!(description.contains(at) && description.contains("handling=strict"), "{results}: {description}");
        assert!(!refused.headers.contains_key("preference-applied"), "{results}");
        assert_eq!(intake.appended().await, appended, "{results}: nothing is appended");

        for (start, headers) in [(START, &[][..]), (START + 1, &[("prefer", "handling=lenient")])] {
            let taken = intake.post("/api/upload", headers, upload(start, &results)).await;
            assert_eq!((taken.status, &taken.body["status"]), (200, &json!("ok")), "{results}");
            for step in READING_STEPS {
                assert_eq!(taken.body["processing"][step]["status"], "error", "{results}: {step}");
            }
            assert_eq!(taken.body["processing"]["ci-urls"]["status"], "Queued");
            assert!(!taken.headers.contains_key("preference-applied"), "{results}");
        }
        appended += 2;
        assert_eq!(intake.appended().await, appended, "{results}: what is taken is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_senders_are_told_which_member_is_wrong() {
    let intake = Intake::start().await;
    let whole: Value = serde_json::from_slice(&upload(START, &json!({"a.html": {"actual": "PASS"}}))).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut document = whole.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document.to_string()
    };
    let commit = |value: &str| json!({"repository_id": "w", "branch": "main", "timestamp": value, "hash": "ab"});
    let incomplete = "Not enough arguments provided to define a commit, but too many to search for a commit";
    let time = "'timestamp' is the time of the commit, seconds from 1970 to 2106";
    for (path, body, text, detail) in [
        ("/api/upload", "{\n\"suite\":".to_owned(), "Expected uploaded data to be json", "line 2"),
        (
            "/api/upload",
            with("/configuration/version", json!("1.x")),
            "Invalid configuration",
            "'1.x' is not a version",
        ),
        (
            "/api/upload",
            with("/configuration/version", Value::Null),
            "Cannot register a partial configuration",
            "it has no version",
        ),
        ("/api/upload", with("/commits", json!([commit("soon")])), incomplete, &format!("'commits' 1: {time}")),
        ("/api/commits", commit("soon").to_string(), incomplete, time),
    ] {
        let lenient = intake.post(path, &[], body.clone().into()).await;
        assert_eq!((lenient.status, &lenient.body["description"]), (400, &json!(text)));
        let strict = intake.post(path, &[("prefer", "handling=strict")], body.into()).await;
        let said = strict.body["description"].as_str().unwrap();
        assert!(strict.status == 400 && said.starts_with(&format!("{text}: ")) && said.contains(detail), "{said}");
    }
    assert_eq!(intake.appended().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_handling_says_so_where_all_is_well() {
    let intake = Intake::start().await;
    let good = upload(START, &json!({"a.html": {"actual": "PASS"}}));
    let taken = intake.post("/api/upload", &[("prefer", "handling=strict")], good.clone()).await;
    assert_eq!((taken.status, taken.headers["preference-applied"].as_bytes()), (200, &b"handling=strict"[..]));
    let members: Vec<&String> = taken.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["status", "processing"], "the body is that of every upload");
    assert_eq!(intake.appended().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_that_nobody_knows_are_warned_of_or_strictly_refused() {
    let (lenient, strict) = (Intake::start().await, IntakeOptions { is_strict: true, ..IntakeOptions::default() });
    let strict = Intake::with(strict).await;
    let results = json!({"x": {"t": {"actual": "FAILED"}, "u": {"actual": "TEXT", "expected": "text"}}});
    let said =
        "'actual' of test 'x/t' has 'FAILED', which is no state: write 'FAIL' (and one more test has such a word)";
    let (prefer_strict, prefer_lenient) = (("prefer", "handling=strict"), ("prefer", "handling=lenient"));
    let by_request = "; nothing was taken, because the request prefers handling=strict";
    let by_server = "; nothing was taken, because this server is strict: send Prefer: handling=lenient to have it taken as \
                     it is all the same";
    for (intake, headers, because) in [
        (&lenient, &[prefer_strict][..], by_request),
        (&strict, &[prefer_strict][..], by_request),
        (&strict, &[][..], by_server),
    ] {
        let refused = intake.post("/api/upload", headers, upload(START, &results)).await;
        assert_eq!((refused.status, &refused.body["description"]), (400, &json!(format!("{said}{because}"))));
        assert_eq!(intake.appended().await, 0);
    }
    for (intake, headers) in [(&lenient, &[][..]), (&strict, &[prefer_lenient][..])] {
        let taken = intake.post("/api/upload", headers, upload(START, &results)).await;
        let warning = format!("{said}; it is kept as it came, and a test without a known state counts as not run");
        assert_eq!(taken.headers["resultsdb-warning"], warning);
        assert_eq!(
            taken.body["processing"]["test-results"],
            json!({"status": "Queued"}),
            "the body is the reference's"
        );
        assert_eq!((taken.status, intake.appended().await), (200, 1));
        let whole = [headers, &[("prefer", "return=representation, handling=lenient")]].concat();
        let taken = intake.post("/api/upload", &whole, upload(START + 1, &results)).await;
        assert_eq!(taken.body["processing"]["test-results"], json!({"status": "Queued", "warning": warning}));
        assert_eq!(taken.body["processing"]["suite-results"], json!({"status": "Queued"}));
    }
    // Words that are names are no reason to warn, and to refuse.
    let known =
        json!({"a": {"actual": "SKIP"}, "b": {"actual": "NOTRUN", "expected": "PASS  FAIL"}, "c": {"actual": ""}});
    let taken = strict.post("/api/upload", &[], upload(START, &known)).await;
    assert_eq!((taken.status, taken.headers.contains_key("resultsdb-warning")), (200, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn encoded_bodies_are_refused_by_every_request_with_a_body() {
    let intake = Intake::start().await;
    let paths = [
        "/api/upload",
        "/api/reports",
        "/api/upload/archive",
        "/api/upload/ews",
        "/api/bugs",
        "/api/renames",
        "/api/quarantine",
        "/api/commits",
        "/api/commits/register",
    ];
    let good = upload(START, &json!({"a.html": {"actual": "PASS"}}));
    for path in paths {
        for encoding in ["gzip", "GZIP", "br, identity", "identity, zstd", "nonsense"] {
            let refused = intake.post(path, &[("content-encoding", encoding)], good.clone()).await;
            assert_eq!((refused.status, &refused.body["status"]), (415, &json!("error")), "{path} {encoding}");
            let description = refused.body["description"].as_str().unwrap();
            assert!(description.contains("only 'identity' is taken"), "{path} {encoding}: {description}");
            assert_eq!(refused.headers["accept-encoding"], "identity", "{path} {encoding}");
        }
    }
    assert_eq!(intake.appended().await, 0);
    for (start, encoding) in (START..).zip(["identity", "Identity", "identity, identity", ""]) {
        let good = upload(start, &json!({"a.html": {"actual": "PASS"}}));
        let taken = intake.post("/api/upload", &[("content-encoding", encoding)], good).await;
        assert_eq!(taken.status, 200, "{encoding}: {}", taken.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_cannot_act_for_their_readers() {
    let intake = Intake::start().await;
    for path in ["/api/bugs", "/api/renames", "/api/quarantine", "/api/dead-letters/0-0/discard"] {
        let refused = intake.post(path, &[("sec-fetch-site", "cross-site")], Vec::new()).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.body["description"].as_str().unwrap().starts_with("A page of another site"), "{path}");
    }
    assert_eq!(intake.appended().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_nobody_knows_is_refused_by_our_own_doors_alone() {
    let intake = Intake::start().await;
    let parked = json!({"suite": "s", "test": "a", "reason": "r", "days": 3});
    for (path, mut document, misspelt, known) in [
        ("/api/quarantine", parked.clone(), "configurations", "suite, test, configuration, failure"),
        ("/api/quarantine", parked, "failures", "suite, test, configuration, failure"),
        ("/api/bugs", json!({"suite": "s", "test": "a", "url": "https://b/1"}), "bogus", "suite, test, url, note"),
        ("/api/renames", json!({"suite": "s", "from": "a", "to": "b"}), "bogus", "suite, from, to, at, state"),
        ("/api/owners", json!({"suite": "s", "text": "* @a"}), "folders", "suite, text, folder"),
        ("/api/keys", json!({"name": "a", "scopes": ["read"]}), "day", "name, scopes, days"),
    ] {
        document[misspelt] = json!({"platform": "mac"});
        let refused = intake.post(path, &[], document.to_string().into_bytes()).await;
        let told = refused.body["description"].as_str().unwrap();
        assert_eq!(refused.status, 400, "{path}: {told}");
        let wrong = format!("There is no member '{misspelt}'; the members are {known}");
        assert!(told.starts_with(&wrong), "{path}: {told}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let refused = intake.post(path, &form, format!("{misspelt}=x").into_bytes()).await;
        let told = refused.body["description"].as_str().unwrap();
        assert!(refused.status == 400 && told.starts_with(&wrong), "{path}: {told}");
    }
    assert_eq!(intake.appended().await, 0);
    // The reference passes over what it does not know.
    let mut run: Value = serde_json::from_slice(&upload(START, &json!({"a.html": {"actual": "PASS"}}))).unwrap();
    run["bogus"] = json!(1);
    let taken = intake.post("/api/upload", &[], run.to_string().into_bytes()).await;
    assert_eq!((taken.status, intake.appended().await), (200, 1), "{}", taken.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_one_event_and_a_wrong_one_is_none() {
    let intake = Intake::start().await;
    let far = schema::clock::now_signed() + 2 * 86_400;
    for (document, because) in [
        (json!({"suite": "s", "from": "a"}), "'to' must be"),
        (json!({"suite": "s", "from": "a", "to": "a"}), "'from' and 'to' are the same name"),
        (json!({"from": "a", "to": "b"}), "No test suite specified"),
        (json!({"suite": "s", "from": "a", "to": "b", "at": far}), "'at' must be"),
        (json!({"suite": "s", "from": "a", "to": "b", "state": "undone"}), "'state' is open or closed"),
    ] {
        let refused = intake.post("/api/renames", &[], document.to_string().into_bytes()).await;
        assert_eq!(refused.status, 400, "{document}");
        assert!(refused.body["description"].as_str().unwrap().starts_with(because), "{document}: {}", refused.body);
    }
    assert_eq!(intake.appended().await, 0);
    let form = b"suite=s&from=5&to=a+b&at=1700000000";
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let request = intake.post("/api/renames", &kind, form.to_vec());
    let shown = async {
        test_support::wait::until_async("the rename is appended", async || intake.appended().await == 1).await;
        let mut records = intake.log.subscribe(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap();
        let record = records.poll(1, 1 << 20, std::time::Duration::from_secs(30)).await.unwrap().remove(0);
        // The request is answered once a processor has read as far.
        records.commit(&[record.position]).await.unwrap();
        schema::event::decode(&record.value).unwrap().header.request
    };
    let (answer, event) = tokio::join!(request, shown);
    let (suite, from, to) = ("s".into(), "5".into(), "a b".into());
    let rename = TestRename { suite, from, to, at: 1_700_000_000, is_open: true };
    assert_eq!(event, schema::event::Request::Rename(rename));
    assert_eq!((answer.status, answer.body), (200, json!({"status": "ok"})));
}
