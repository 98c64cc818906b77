//! What is in quarantine: what it excuses and what not, until when, how it is shown, proposed and written, through HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use schema::clock::Clock;
use schema::configuration::Configuration;
use schema::event::{Event, Request};
use schema::quarantine::{QuarantineEntry, Release};
use schema::rename::TestRename;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const COMMITS: i64 = 40;
const STEP: i64 = 43_200;
const DAY: i64 = 86_400;
/// A name that would be markup if nobody escaped it.
const HOSTILE: &str = "x/<script>alert(1)</script>&\".html";

fn time(number: i64) -> i64 {
    now() / 3600 * 3600 - 3600 - (COMMITS - number) * STEP
}

/// What the tests did on a commit: one fails since the thirtieth, one every third time, two did until the twelfth.
fn results(number: i64) -> Value {
    let failed = |fails: bool| json!({ "actual": if fails { "TEXT" } else { "PASS" }, "time": 5 });
    let mut results = json!({
        "broken.html": failed(number > 30), "chance.html": failed(number % 3 == 0), HOSTILE: failed(number > 30),
        "healed-1.html": failed(number <= 12), "healed-2.html": failed(number == 12), "sound.html": failed(false),
    });
    for steady in 0..20 {
        results[format!("steady-{steady}.html")] = failed(false);
    }
    results
}

/// A log with runs on two platforms, and entries of different numbers.
struct Log(EventRows);

impl Log {
    fn new() -> Self {
        let mut rows = EventRows::default();
        for number in 1..=COMMITS {
            for (place, platform) in ["mac", "linux"].into_iter().enumerate() {
                let configuration = json!({ "platform": platform, "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
                let hash = format!("{:040x}", time(number));
                let commit =
                    json!({ "repository_id": "webkit", "branch": "main", "timestamp": time(number), "hash": hash });
                let event = run("s", configuration, &commit, time(number) + 60, &results(number));
                rows.add(event, (number * 2 + place as i64) as u64);
            }
        }
        Self(rows)
    }

    fn add(&mut self, request: Request) {
        let test_results = serde_json::value::to_raw_value(&()).unwrap();
        self.0.add(Event { header: header(now(), request), test_results }, 1000);
    }

    fn park(&mut self, test: &str, configuration: &Value, failure: Option<&str>, until: i64, release: Option<Release>) {
        self.park_of("s", test, configuration, failure, until, release);
    }

    fn park_of(
        &mut self,
        suite: &str,
        test: &str,
        configuration: &Value,
        failure: Option<&str>,
        until: i64,
        release: Option<Release>,
    ) {
        self.add(Request::Quarantine(Box::new(QuarantineEntry {
            suite: suite.into(),
            test: test.into(),
            configuration: Configuration::from_json(configuration).unwrap(),
            failure: failure.map(str::to_owned),
            reason: format!("why {test}"),
            owner: "css".into(),
            bug: "https://bugs.example.org/7".into(),
            by: "ada".into(),
            since: now() - DAY,
            until,
            release,
        })));
    }
}

fn rows() -> EventRows {
    let mut log = Log::new();
    log.park("broken.html", &json!({ "platform": "mac" }), Some("TEXT"), now() + DAY, None);
    log.park("heal*", &json!({}), None, now() + 30 * DAY, None);
    log.park(HOSTILE, &json!({}), None, now() + 30 * DAY, None);
    log.park("sound.html", &json!({}), None, now() + 30 * DAY, Some(Release { by: "grace".into() }));
    log.park("sound.html", &json!({}), Some("CRASH"), now() - 10, None);
    log.park("former.html", &json!({}), None, now() + 30 * DAY, None);
    log.park_of("never-ran", "early.html", &json!({}), None, now() - 10, None);
    let (from, to) = ("former.html".into(), "renamed.html".into());
    log.add(Request::Rename(TestRename { suite: "s".into(), from, to, at: now() + 60, is_open: true }));
    log.0
}

async fn verdict(service: &QueryService, on: Value, test: &str, state: &str) -> Value {
    // Questions of one second about one test are one, unless changes differ.
    let change = json!({ "id": format!("{on} {state}") });
    let question =
        json!({ "suite": "s", "configuration": on, "change": change, "tests": [{ "test": test, "state": state }] });
    let (status, body) = service.post("/api/verdicts", question.to_string()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{answer}");
    answer["tests"][0].clone()
}

async fn word(service: &QueryService, on: Value, test: &str, state: &str) -> String {
    verdict(service, on, test, state).await["verdict"].as_str().unwrap().to_owned()
}

fn mac() -> Value {
    json!({ "platform": "mac" })
}

async fn an_entry_excuses_what_it_is_about(service: &QueryService) {
    let excused = verdict(service, mac(), "broken.html", "TEXT").await;
    assert_eq!((&excused["verdict"], &excused["without_quarantine"]), (&"quarantined".into(), &"known-failing".into()));
    assert_eq!(excused["quarantine"]["owner"], "css");
    assert_eq!(excused["bugs"], json!(["https://bugs.example.org/7"]));
    let why = excused["reasons"]["text"].as_str().unwrap();
    assert!(why.starts_with("In quarantine until ") && why.contains("by ada, owner css: why broken.html"), "{why}");
    assert!(why.ends_with("Without that: The branch fails so in its newest runs"), "{why}");
    // Another kind of failure, another platform, and one that is not known are not excused.
    for (on, state, expected) in [
        (mac(), "CRASH", "new"),
        (json!({ "platform": "linux" }), "TEXT", "known-failing"),
        (json!({ "platform": ["mac", "linux"] }), "TEXT", "known-failing"),
        (json!({}), "TEXT", "known-failing"),
    ] {
        let found = verdict(service, on.clone(), "broken.html", state).await;
        assert_eq!((&found["verdict"], &found["quarantine"]), (&expected.into(), &Value::Null), "{on} {state}");
        assert_eq!(found["without_quarantine"], Value::Null);
    }
    // A pattern excuses its tests, whatever is known of them; what ended or was taken back excuses nothing.
    assert_eq!(word(service, json!({}), "healed-9.html", "CRASH").await, "quarantined");
    assert_eq!(verdict(service, json!({}), "healed-9.html", "CRASH").await["without_quarantine"], "unknown");
    for state in ["CRASH", "TEXT"] {
        assert_eq!(word(service, json!({}), "sound.html", state).await, "new", "{state}");
    }
    // A test is the same under its former and its new name.
    for name in ["former.html", "renamed.html"] {
        assert_eq!(word(service, json!({}), name, "TEXT").await, "quarantined", "{name}");
    }
    // What is graded is the rule.
    assert_eq!(word(service, mac(), "broken.html", "TEXT").await, "quarantined");
    let quality = service.json("/api/verdicts/quality").await;
    assert_eq!(quality["verdicts"]["quarantined"], Value::Null, "{quality}");
    assert!(quality["verdicts"]["known-failing"]["given"].as_u64() >= Some(1), "{quality}");
    // Of a run that is incomplete nothing is excused.
    let question = json!({
        "suite": "s", "configuration": mac(), "tests_run": 4, "tests": [{ "test": "broken.html", "state": "TEXT" }],
    });
    let (_, body) = service.post("/api/verdicts", question.to_string()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["tests"][0]["verdict"], "incomplete");
}

async fn names(service: &QueryService, query: &str) -> Vec<String> {
    let answer = service.json(&format!("/api/quarantine?{query}")).await;
    answer["entries"].as_array().unwrap().iter().map(|entry| entry["test"].as_str().unwrap().to_owned()).collect()
}

async fn entries_are_listed_by_what_became_of_them(service: &QueryService) {
    assert_eq!(names(service, "suite=s").await, ["broken.html", "former.html", "heal*", HOSTILE]);
    assert_eq!(names(service, "test=healed-1.html").await, ["heal*"]);
    assert_eq!(names(service, "suite=s&state=expired").await, ["sound.html"]);
    assert_eq!(names(service, "state=released").await, ["sound.html"]);
    assert_eq!(
        (names(service, "suite=s&state=all").await.len(), names(service, "state=all&limit=2").await.len()),
        (6, 2)
    );
    assert!(names(service, "suite=other&state=all").await.is_empty());
    let released = service.json("/api/quarantine?state=released").await;
    assert_eq!(
        (&released["entries"][0]["by"], &released["entries"][0]["released_by"]),
        (&"ada".into(), &"grace".into())
    );
    for (path, why) in [
        ("/api/quarantine?state=gone", "gone is no state of an entry; they are active, expired, released, and all"),
        ("/api/quarantine/export?format=pytest", "No test suite specified"),
        ("/api/quarantine/export?suite=s&format=xml", "xml is no form of a list"),
        ("/api/quarantine/proposals?state=all", "'state' not supported"),
    ] {
        let (status, body) = service.get(path).await;
        let said = String::from_utf8(body).unwrap();
        assert!(status == 400 && said.contains(why), "{path}: {status} {said}");
    }
}

async fn failures_in_quarantine_are_shown_and_marked(service: &QueryService) {
    let triage = service.json("/api/triage?suite=s").await;
    let of = |test: &str| {
        let tests = triage["tests"].as_array().unwrap();
        tests.iter().find(|found| found["test"] == test).unwrap()["quarantine"].as_array().unwrap().len()
    };
    assert_eq!((of("broken.html"), of("chance.html"), of(HOSTILE)), (1, 0, 1));
    assert_eq!(triage["quarantined"], 2);
    let metrics = service.text("/api/metrics").await;
    assert!(metrics.contains("resultsdb_quarantined_tests{suite=\"s\"} 2\n"), "{metrics}");
    for path in ["/triage?suite=s", "/changes?suite=s", "/investigate?suite=s"] {
        let page = service.text(path).await;
        assert!(page.contains(">broken.html</a>") && page.contains("quarantined text on mac until "), "{path}");
        assert!(!page.contains("<script>alert"), "{path}");
    }
    let page = service.text("/?suite=s&test=broken.html").await;
    assert!(page.contains("quarantined until ") && page.contains("why broken.html"), "{page}");
    let page = service.text("/quarantine?suite=s").await;
    for told in ["why broken.html", "Ends within a week", "Over: these failures count", "Released", "Might be parked"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains("name=\"by\"") && !page.contains("<script>alert"), "{page}");
}

async fn proposals_come_with_their_evidence(service: &QueryService) {
    let found = service.json("/api/quarantine/proposals?suite=s").await;
    let park = found["park"].as_array().unwrap();
    assert_eq!(park.len(), 1, "{found:#}");
    assert_eq!((&park[0]["flaky"]["test"], &park[0]["failure"]), (&"chance.html".into(), &"TEXT".into()));
    let common = json!({ "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    assert_eq!((&park[0]["configuration"], &park[0]["is_costly"]), (&common, &false.into()));
    assert_eq!(park[0]["flaky"]["spoilt"], 26);
    let release = found["release"].as_array().unwrap();
    assert_eq!(release.len(), 1, "{found:#}");
    assert_eq!((&release[0]["entry"]["test"], &release[0]["tests"]), (&"heal*".into(), &2.into()));
    let evidence = &release[0]["evidence"];
    // Two tests on two platforms, since the thirteenth commit.
    assert_eq!((&evidence["runs"], &evidence["passes"]), (&112.into(), &112.into()));
    assert_eq!(evidence["last_failure"], time(12) + 60);
    assert_eq!((&evidence["since"], &evidence["until"]), (&(time(13) + 60).into(), &(time(40) + 60).into()));
    assert_eq!(service.get("/api/quarantine/proposals?suite=other").await.0, 404);
    // Of a suite that never ran, what is over is listed as well.
    assert_eq!(service.json("/api/quarantine/proposals?suite=never-ran").await["release"], json!([]));
    assert!(service.text("/quarantine?suite=never-ran").await.contains("early.html"));
    let page = service.text("/quarantine").await;
    assert!(page.contains("flaky: spoilt 26 of 80 runs in four weeks") && page.contains("112 of 112 runs"), "{page}");
}

async fn lists_have_what_holds_on_their_configuration(service: &QueryService) {
    let plain = service.text("/api/quarantine/export?suite=s&platform=mac").await;
    assert!(plain.starts_with("healed-1.html\nhealed-2.html\n"), "{plain}");
    assert!(plain.contains("\n# Left out, broken.html: it is about TEXT alone"), "{plain}");
    let (status, headers) = service.headers("/api/quarantine/export?suite=s&platform=mac&format=nextest").await;
    let warning = headers["resultsdb-warning"].to_str().unwrap();
    assert!(status == 200 && warning.starts_with("left out of the list: 'broken.html', because it is"), "{warning}");
    let lines = service.text("/api/quarantine/export?suite=s&format=test-expectations").await;
    assert!(lines.contains("\n[ mac ] broken.html [ Pass Text ]\n"), "{lines}");
    assert!(lines.contains("\nhealed-1.html [ Pass Failure ImageOnlyFailure Timeout Crash ]\n"), "{lines}");
    assert_eq!(service.text("/api/quarantine/export?suite=other&format=pytest").await, "");
    assert_eq!(service.text("/api/quarantine/export?suite=other&format=nextest").await, "all()\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_quarantine() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    // The clock stands at a time after all that was said, however long it takes to say it.
    let rows = rows();
    let clock = Clock::standing_at(now() as u64);
    let service = QueryService::start_at(&engine, directory.path(), "quarantine", [rows], clock.clone()).await;
    an_entry_excuses_what_it_is_about(&service).await;
    entries_are_listed_by_what_became_of_them(&service).await;
    failures_in_quarantine_are_shown_and_marked(&service).await;
    proposals_come_with_their_evidence(&service).await;
    lists_have_what_holds_on_their_configuration(&service).await;
    // Nothing is written when an entry ends: from its end on it does not count, and is listed.
    let until = service.json("/api/quarantine?test=broken.html").await["entries"][0]["until"].as_u64().unwrap();
    clock.set(until - 1);
    assert_eq!(word(&service, mac(), "broken.html", "TEXT").await, "quarantined");
    clock.set(until);
    assert_eq!(word(&service, mac(), "broken.html", "TEXT").await, "known-failing");
    assert_eq!(names(&service, "suite=s&state=expired").await, ["broken.html", "sound.html"]);
    let triage = service.json("/api/triage?suite=s&limit=99").await;
    assert_eq!(triage["quarantined"], 1);
    assert!(service.text("/quarantine").await.contains("Over: these failures count"));
}
