//! The question before merging, the changes behind its answers, and what other thresholds would say, through HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use axum::http::StatusCode;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{commit, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const COMMITS: i64 = 20;
const STEP: i64 = 43_200;
/// Commits by an author who asks later.
const OWN: i64 = 17;

fn time(number: i64) -> i64 {
    now() / 3600 * 3600 - 3600 - (COMMITS - number) * STEP
}

fn registered(number: i64) -> Value {
    let author = if number == OWN { "Ann" } else { "Bob" };
    json!({
        "repository_id": "webkit", "branch": "main", "timestamp": time(number), "order": 0,
        "hash": format!("{:040x}", time(number)), "identifier": format!("{number}@main"),
        "author": { "name": author, "emails": [format!("{author}@example.org")] },
    })
}

/// What the tests did on a commit: one fails since the eleventh, one every third time, one on one commit, one passes.
fn results(number: i64) -> Value {
    let failed = |fails: bool| match fails {
        true => json!({ "actual": "TEXT", "log": format!("expected {number} but got 4\nat line 7") }),
        false => json!({ "actual": "PASS" }),
    };
    let mut results = json!({
        "broken.html": failed(number > 10), "chance.html": failed(number % 3 == 0), "own.html": failed(number == OWN),
        "sound.html": failed(false),
    });
    if number > 18 {
        results["young.html"] = failed(false);
    }
    for steady in 0..20 {
        results[format!("steady-{steady}.html")] = json!({ "actual": "PASS" });
    }
    results
}

fn rows() -> EventRows {
    let configuration =
        json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    let mut rows = EventRows::default();
    // Nothing was run on the oldest.
    rows.add(commit(time(0), registered(0)), 1);
    for number in 1..=COMMITS {
        let offset = number as u64 * 2;
        rows.add(commit(time(number), registered(number)), offset);
        rows.add(run("s", configuration.clone(), &registered(number), time(number) + 60, &results(number)), offset + 1);
    }
    rows
}

async fn ask(service: &QueryService, question: Value) -> (StatusCode, Value) {
    let (status, body) = service.post("/api/verdicts", question.to_string()).await;
    (status, serde_json::from_slice(&body).unwrap())
}

fn word(answer: &Value, index: usize) -> &str {
    answer["tests"][index]["verdict"].as_str().unwrap()
}

async fn failures_are_new_known_or_unknown(service: &QueryService) {
    let failed = |test: &str, state: &str| json!({ "test": test, "state": state });
    let tests = vec![
        json!({ "test": "broken.html", "state": "TEXT", "message": "expected 7 but got 4" }),
        failed("broken.html", "CRASH"),
        json!({ "test": "chance.html", "state": "TEXT", "message": "segmentation fault" }),
        failed("sound.html", "TEXT"),
        failed("young.html", "TEXT"),
        failed("nobody-knows.html", "TEXT"),
    ];
    let question = json!({
        "suite": "s", "configuration": { "platform": "mac" }, "base": format!("{COMMITS}@main"),
        "change": { "id": "7", "authors": ["Ann"] }, "tests": tests,
    });
    let (status, answer) = ask(service, question.clone()).await;
    assert_eq!(status, 200, "{answer}");
    let words: Vec<&str> = (0..6).map(|index| word(&answer, index)).collect();
    assert_eq!(words, ["known-failing", "new", "known-flaky", "new", "unknown", "unknown"], "{answer:#}");
    let broken = &answer["tests"][0];
    assert_eq!(broken["reasons"]["since"]["name"], "11@main");
    assert_eq!(
        (&broken["is_same_message"], &broken["branch_message"]),
        (&true.into(), &"expected 20 but got 4".into())
    );
    assert_eq!(broken["examples"][0]["commit"]["name"], "20@main");
    assert_eq!(broken["examples"][0]["link"], "/?suite=s&test=broken.html");
    assert_eq!(answer["tests"][2]["is_same_message"], false);
    assert_eq!(answer["criteria"]["least_runs"], 5);

    // Before the commit that broke it, the branch did not fail.
    let (_, answer) =
        ask(service, json!({ "suite": "s", "base": "10@main", "tests": [failed("broken.html", "TEXT")] })).await;
    assert_eq!(word(&answer, 0), "new");
    // Whoever asks is no evidence of their own failure.
    let own = |authors: &[&str]| json!({ "suite": "s", "base": format!("{OWN}@main"), "change": { "id": format!("by {}", authors.len()), "authors": authors }, "tests": [failed("own.html", "TEXT")] });
    let (_, answer) = ask(service, own(&["Ann"])).await;
    assert_eq!((word(&answer, 0), &answer["tests"][0]["reasons"]["unexpected"]), ("new", &0.into()));
    let (_, answer) = ask(service, own(&[])).await;
    assert_eq!((word(&answer, 0), &answer["tests"][0]["reasons"]["unexpected"]), ("known-failing", &1.into()));
    // A run that has hardly any of the suite's tests says nothing, whatever failed in it.
    let (_, answer) =
        ask(service, json!({ "suite": "s", "tests_run": 4, "tests": [failed("sound.html", "TEXT")] })).await;
    assert_eq!(word(&answer, 0), "incomplete");
    assert_eq!(answer["incomplete"], json!({ "tests_run": 4, "usual": 25 }));

    let quality = service.json("/api/verdicts/quality?weeks=1").await;
    // Nothing ran since, so that each is open.
    assert_eq!(quality["verdicts"]["known-flaky"], json!({ "given": 1, "held": 0, "refuted": 0, "open": 1 }));
    assert_eq!(quality["verdicts"]["new"]["given"], 4);
}

/// Word and reasons of one failure, with the base that the question names.
async fn judged(service: &QueryService, base: Option<&str>, test: &str, state: &str) -> (String, Value) {
    let mut question = json!({ "suite": "s", "tests": [{ "test": test, "state": state }] });
    if let Some(base) = base {
        question["base"] = base.into();
    }
    let (status, answer) = ask(service, question).await;
    assert_eq!(status, 200, "{answer}");
    (word(&answer, 0).to_owned(), answer["tests"][0]["reasons"].clone())
}

async fn what_is_said_of_the_base_is_known_of_it(service: &QueryService) {
    let (before, newest) = (format!("{:040x}", time(0)), format!("{COMMITS}@main"));
    let (before, within, newest) = (Some(before.as_str()), Some("10@main"), Some(newest.as_str()));
    let untold = "No run up to the base of the change has the test";
    let untold = |since: &str| format!("{untold}; {since}");
    let told = str::to_owned;
    let (broken, sound, chance) = ("broken.html", "sound.html", "chance.html");
    for (base, test, state, word, runs_up_to_base, text) in [
        // What came after the base does not say what fails there.
        (before, broken, "TEXT", "unknown", 0, untold("10 of 20 since failed")),
        (before, broken, "CRASH", "new", 0, untold("10 of 20 since failed, none worse than TEXT")),
        (before, sound, "TEXT", "new", 0, untold("0 of 20 since failed")),
        (before, chance, "TEXT", "known-flaky", 0, told("The branch passes and fails by chance")),
        (
            within,
            broken,
            "TEXT",
            "new",
            10,
            told("10 of 20 runs of the branch failed, and it does not fail at the base"),
        ),
        (newest, broken, "TEXT", "known-failing", 20, told("The branch fails so at the base of the change")),
        // It does fail there, less badly.
        (
            newest,
            broken,
            "CRASH",
            "new",
            20,
            told("The branch fails at the base of the change, but no worse than TEXT"),
        ),
        // Where no base is given, none is told of.
        (None, broken, "TEXT", "known-failing", 20, told("The branch fails so in its newest runs")),
        (None, broken, "CRASH", "new", 20, told("The branch fails in its newest runs, but no worse than TEXT")),
        (None, sound, "TEXT", "new", 20, told("0 of 20 runs of the branch failed, and it does not fail now")),
    ] {
        let (verdict, reasons) = judged(service, base, test, state).await;
        assert_eq!((verdict.as_str(), &reasons["text"]), (word, &text.into()), "{base:?} {test} {state}: {reasons:#}");
        assert_eq!((&reasons["runs"], &reasons["runs_up_to_base"]), (&20.into(), &runs_up_to_base.into()), "{base:?}");
    }
    let (_, milder) = judged(service, newest, broken, "CRASH").await;
    assert_eq!((&milder["state"], &milder["since"]["name"]), (&"TEXT".into(), &"11@main".into()));
}

async fn a_run_in_which_nothing_failed_may_be_incomplete(service: &QueryService) {
    for (tests_run, incomplete) in [(4, json!({ "tests_run": 4, "usual": 25 })), (25, Value::Null)] {
        let (status, answer) = ask(service, json!({ "suite": "s", "tests_run": tests_run, "tests": [] })).await;
        assert_eq!(
            (status.as_u16(), &answer["incomplete"], &answer["tests"]),
            (200, &incomplete, &json!([])),
            "{answer}"
        );
    }
}

async fn a_question_is_answered_whole_or_not_at_all(service: &QueryService) {
    let test = json!({ "test": "broken.html", "state": "TEXT" });
    let refused = [
        (json!({ "suite": "s", "tests": [] }), 400, "Ask about 1 to 2000 tests at once"),
        (json!({ "suite": "s", "tests": vec![test.clone(); 2001] }), 400, "Ask about 1 to 2000 tests at once"),
        (json!({ "suite": "s", "tests": [test, { "test": "b", "state": "GOOD" }] }), 400, "b: GOOD is not a failure"),
        (json!({ "suite": "", "tests": [test] }), 400, "No test suite specified"),
        (
            json!({ "suite": "s", "tests": [test, { "test": "", "state": "TEXT" }, test] }),
            400,
            "Test 2 of 3 has no name",
        ),
        (json!({ "suite": "s", "tests": [{ "test": " ", "state": "TEXT" }] }), 400, "Test 1 of 1 has no name"),
        (json!({ "suite": "s", "base": "9@nowhere", "tests": [test] }), 404, "No commit is named 9@nowhere"),
        (json!({ "suite": "s", "configuration": { "colour": "red" }, "tests": [test] }), 400, "colour"),
        (json!({ "suite": "s", "tests": [test], "more": 1 }), 400, "unknown field `more`"),
    ];
    for (question, status, why) in refused {
        let (answered, answer) = ask(service, question.clone()).await;
        let said = answer["description"].as_str().unwrap();
        assert!(answered == status && said.contains(why), "{question}: {answered} {said}");
    }
    // An empty name names none, at every door.
    for door in
        ["/api/triage?suite=", "/api/compare?suite=", "/api/standing?suite=&test=a", "/api/quarantine/export?suite="]
    {
        let (status, body) = service.get(door).await;
        let refused: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &refused["description"]), (400, &"No test suite specified".into()), "{door}");
    }
    let quality = service.json("/api/verdicts/quality").await;
    assert_eq!(quality["verdicts"], json!({}), "nothing was answered");
}

async fn changes_and_other_thresholds_are_told(service: &QueryService) {
    let answer = service.json("/api/changes/s?kind=broke").await;
    assert_eq!(answer["changes"].as_array().unwrap().len(), 1, "{answer:#}");
    let change = &answer["changes"][0];
    assert_eq!((&change["kind"], &change["open"]), (&"broke".into(), &true.into()));
    // With 99 % confidence: ten runs do not rule out that the failure passed once by chance.
    assert_eq!((&change["after"]["name"], &change["until"]["name"]), (&"9@main".into(), &"11@main".into()));
    assert_eq!(change["likely"][0]["commit"]["name"], "11@main");
    let test = &change["tests"][0];
    assert_eq!((&test["test"], &test["state"]), (&"broken.html".into(), &"TEXT".into()));
    assert_eq!(test["before"], json!({ "runs": 10, "unexpected": 0 }));
    assert_eq!(test["since"], json!({ "runs": 10, "unexpected": 10 }));
    // Alone it is the same change. Only how likely each commit is depends on what other tests say.
    let alone = service.json("/api/changes/s/broken.html").await;
    for member in ["id", "kind", "after", "until", "tests", "open"] {
        assert_eq!(alone["changes"][0][member], change[member], "{member}");
    }
    assert_eq!(service.json("/api/changes/s/sound.html").await["changes"], json!([]));
    assert_eq!(service.json("/api/changes/s?branch=nothing").await["changes"], json!([]));
    assert_eq!(service.get("/api/changes/s?kind=sideways").await.0, 400);

    let preview = async |rules: Value| {
        let (status, body) = service.post("/api/rules/preview", json!({ "rules": rules }).to_string()).await;
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let (status, same) = preview(json!([])).await;
    assert_eq!(status, 200, "{same}");
    assert_eq!((&same["changes"], &same["compared"]), (&json!([]), &3.into()), "{same}");
    let (_, other) = preview(json!([{ "suite": "s", "thresholds": { "flaky_flips": 100 } }])).await;
    let changed = &other["changes"][0];
    assert_eq!((&changed["test"], &changed["before"]), (&"chance.html".into(), &"flaky".into()), "{other}");
    assert_ne!(changed["after"], "flaky");
    let (_, elsewhere) = preview(json!([{ "suite": "t", "thresholds": { "flaky_flips": 100 } }])).await;
    assert_eq!(elsewhere["changes"], json!([]));
    let (status, refused) = preview(json!([{ "thresholds": { "flaky_flip": 1 } }])).await;
    assert!(status == 400 && refused["description"].as_str().unwrap().contains("flaky_flip"), "{refused}");
    let (status, refused) = preview(json!([{ "thresholds": { "flaky_flips": 0 } }])).await;
    assert!(status == 400 && refused["description"].as_str().unwrap().contains("is 1 or more"), "{refused}");
    let unknown = json!({ "rules": [], "suite": "nothing" }).to_string();
    let (status, body) = service.post("/api/rules/preview", unknown).await;
    let refused: Value = serde_json::from_slice(&body).unwrap();
    let said = refused["description"].as_str().unwrap();
    assert!(status == 404 && said.starts_with("No suite is called 'nothing'"), "{refused}");
    let (_, refused) = ask(service, json!({ "suite": "s", "tests": [3] })).await;
    let said = refused["description"].as_str().unwrap();
    assert!(said.contains("expected an object with a test and its state") && !said.contains("struct"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_before_merging() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "verdicts", [rows()]).await;
    a_question_is_answered_whole_or_not_at_all(&service).await;
    failures_are_new_known_or_unknown(&service).await;
    what_is_said_of_the_base_is_known_of_it(&service).await;
    a_run_in_which_nothing_failed_may_be_incomplete(&service).await;
    changes_and_other_thresholds_are_told(&service).await;
    engine.shutdown().await;
}
