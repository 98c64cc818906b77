//! Changes under review, through HTTP: what each broke and mended, and that nothing of it is evidence about the trunk.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::sync::LazyLock;

use schema::clock::Clock;
use schema::event::{Event, Request};
use schema::incomplete::too_few;
use schema::run_notes::RunNotes;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{commit, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const COMMITS: i64 = 20;
const STEP: i64 = 21_600;
/// An id that is no harmless text.
const HOSTILE: &str = "../<b>1</b>?a=b#c d";

/// One time for all, so that answers differ by what they are made from alone.
static NOW: LazyLock<i64> = LazyLock::new(now);

fn time(number: i64) -> i64 {
    *NOW / 3600 * 3600 - 86_400 - (COMMITS - number) * STEP
}

/// A commit of the trunk.
fn on_trunk(number: i64) -> Value {
    let author = if number == 17 { "Ann" } else { "Bob" };
    json!({
        "repository_id": "webkit", "branch": "main", "timestamp": time(number), "order": 0,
        "hash": format!("{:040x}", time(number)), "identifier": format!("{number}@main"),
        "author": { "name": author, "emails": [] },
    })
}

/// A commit of a change, so many seconds after the newest of the trunk.
fn of_change(id: &str, after: i64) -> Value {
    let time = time(COMMITS) + after;
    json!({
        "repository_id": "webkit", "branch": format!("change/{id}"), "timestamp": time, "order": 0,
        "hash": format!("{time:040x}"), "author": { "name": "Ann", "emails": [] },
    })
}

fn configuration(style: &str) -> Value {
    json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64", "style": style })
}

fn did(failed: &[&str], slow: u32, more: &[&str]) -> Value {
    let state = |test: &str| if failed.contains(&test) { "TEXT" } else { "PASS" };
    let mut results = json!({ "slow.html": { "actual": state("slow.html"), "time": slow } });
    let tests = ["broken.html", "mended.html", "chance.html", "own.html", "new.html", "wobbly.html", "early.html"];
    for test in tests.iter().chain(more) {
        results[*test] = json!({ "actual": state(test), "log": format!("{test} said 7\nmore") });
    }
    for steady in 0..20 {
        results[format!("steady-{steady}.html")] = json!({});
    }
    results
}

/// On the trunk two tests fail since the eleventh commit, one fails now and then, one failed by a commit of Ann's.
fn trunk() -> EventRows {
    let mut rows = EventRows::default();
    for number in 1..=COMMITS {
        let mut failed = Vec::new();
        failed.extend((number > 10).then_some(["broken.html", "mended.html"]).into_iter().flatten());
        failed.extend((number % 3 == 0).then_some("chance.html"));
        failed.extend((number == 17).then_some("own.html"));
        let offset = number as u64 * 10;
        rows.add(commit(time(number), on_trunk(number)), offset);
        for (style, more) in [("Release", 1), ("Debug", 2)] {
            let event = run("s", configuration(style), &on_trunk(number), time(number) + 60, &did(&failed, 100, &[]));
            rows.add(event, offset + more);
        }
    }
    rows
}

fn noted(mut event: Event, notes: &Value) -> Event {
    if let Request::Upload { notes: said, .. } = &mut event.header.request {
        *said = Some(Box::new(serde_json::from_value::<RunNotes>(notes.clone()).unwrap()));
    }
    event
}

/// Style, seconds from the trunk's newest commit to that of the run, seconds after which it started, what failed, which tests
/// it has beside the trunk's.
type RunOfChange = (&'static str, i64, i64, &'static [&'static str], &'static [&'static str]);

/// Two commits of a change: what failed on the first and not on the second is mended, what passes in the rerun is flaky.
fn change(id: &str) -> EventRows {
    let notes = json!({
        "run": { "link": "https://ci.example.org/7" },
        "change": { "id": id, "authors": ["Ann"], "base": format!("{COMMITS}@main") },
    });
    let mut rows = EventRows::default();
    let runs: [RunOfChange; 4] = [
        ("Release", 100, 0, &["early.html", "broken.html", "gone.html"], &["gone.html"]),
        ("Release", 200, 10, &["new.html", "own.html", "wobbly.html", "broken.html", "chance.html"], &["brought.html"]),
        ("Release", 200, 20, &["new.html", "own.html", "broken.html", "chance.html"], &["brought.html"]),
        ("Debug", 200, 10, &[], &["brought.html"]),
    ];
    for (offset, (style, after, start, failed, more)) in (1000..).zip(runs) {
        let commit = of_change(id, after);
        let start = time(COMMITS) + after + start;
        let results = did(failed, 900, more);
        rows.add(noted(run("s", configuration(style), &commit, start, &results), &notes), offset);
    }
    rows
}

/// What the failures of an answer are: test, configuration, how they are now, verdict.
fn failures(answer: &Value) -> Vec<(&str, &str, &str, &str)> {
    let text =
        |value: &'_ Value| -> &'static str { Box::leak(value.as_str().unwrap_or("–").to_owned().into_boxed_str()) };
    let of = |one: &Value| {
        let on = &one["configuration"]["style"];
        (text(&one["test"]), text(on), text(&one["now"]), text(&one["verdict"]))
    };
    answer["suites"][0]["failures"].as_array().unwrap().iter().map(of).collect()
}

async fn a_change_is_told(service: &QueryService) {
    let answer: Value = service.json("/api/changes-under-review/7").await;
    let mut found = failures(&answer);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("broken.html", "Release", "failing", "known-failing"),
            ("chance.html", "Release", "failing", "known-flaky"),
            ("early.html", "Release", "mended", "–"),
            ("gone.html", "Release", "not-run", "unknown"),
            ("new.html", "Release", "failing", "new"),
            ("own.html", "Release", "failing", "new"),
            ("wobbly.html", "Release", "flaky", "new"),
        ],
        "{answer:#}"
    );
    assert_eq!(
        (&answer["conclusion"], &answer["sentence"]),
        (
            &"failure".into(),
            &"2 new failures, 1 flaky in this change, 1 not run again, 1 known failing, 1 known flaky, 1 mended by a later \
              commit, 2 fixed"
                .into()
        )
    );
    assert_eq!((&answer["id"], &answer["authors"]), (&"7".into(), &json!(["Ann"])));
    let suite = &answer["suites"][0];
    let fixed = |one: &Value| format!("{} {} {}", one["test"], one["configuration"]["style"], one["since"]["name"]);
    let fixed: Vec<String> = suite["fixed"].as_array().unwrap().iter().map(fixed).collect();
    assert_eq!(
        fixed.join(", ").replace('"', ""),
        "broken.html Debug 11@main, mended.html Debug 11@main, mended.html Release 11@main"
    );
    let runs: Vec<(&Value, &Value)> =
        suite["runs"].as_array().unwrap().iter().map(|run| (&run["attempt"], &run["failed"])).collect();
    assert_eq!(runs.len(), 4);
    assert_eq!(runs[0], (&2.into(), &4.into()), "the rerun started last: {suite:#}");
    let (status, page) = service.get(suite["runs"][0]["page"].as_str().unwrap()).await;
    let page = String::from_utf8(page).unwrap();
    assert!(status == 200 && page.contains("new.html") && page.contains("href=\"&#x2f;change&#x2f;7\""), "{page}");
    for place in suite["places"].as_array().unwrap() {
        assert_eq!(place["base"]["commit"]["name"], format!("{COMMITS}@main"), "{place:#}");
        assert_eq!(place["base"]["source"], "told");
        assert_eq!(place["new_tests"], json!({ "count": 1, "tests": ["brought.html"] }));
        let slower = json!([{ "test": "slow.html", "usual": 100, "runs": COMMITS, "time": 900 }]);
        assert_eq!(place["durations"], json!({ "slower": slower, "faster": [], "unknown": 0 }));
        assert_eq!((&place["incomplete"], &place["unjudged"]), (&Value::Null, &0.into()));
    }
    let failure = suite["failures"].as_array().unwrap().iter().find(|one| one["test"] == "broken.html").unwrap();
    assert_eq!(
        (&failure["failed"], &failure["runs"], &failure["message"]),
        (&2.into(), &2.into(), &"broken.html said 7".into())
    );
    assert_eq!((&failure["is_same_message"], &failure["reasons"]["since"]["name"]), (&true.into(), &"11@main".into()));
    // The gate is told the same of the same failures.
    let tests = ["new.html", "own.html", "wobbly.html", "broken.html", "chance.html"]
        .map(|test| json!({ "test": test, "state": "TEXT" }));
    let question = json!({
        "suite": "s", "configuration": configuration("Release"), "base": format!("{COMMITS}@main"),
        "change": { "id": "7", "authors": ["Ann"] }, "tests": tests,
    });
    let mut question = question;
    question["configuration"]["version"] = "14".into();
    let (status, body) = service.post("/api/verdicts", question.to_string()).await;
    let asked: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{asked}");
    for verdict in asked["tests"].as_array().unwrap() {
        let of_change =
            suite["failures"].as_array().unwrap().iter().find(|one| one["test"] == verdict["test"]).unwrap();
        assert_eq!((&of_change["verdict"], &of_change["reasons"]), (&verdict["verdict"], &verdict["reasons"]));
    }
    // Only what a gate asked is graded, however often somebody looks at a change.
    let quality: Value = service.json("/api/verdicts/quality").await;
    let given: u64 =
        quality["verdicts"].as_object().unwrap().values().map(|grades| grades["given"].as_u64().unwrap()).sum();
    assert_eq!(given, 5, "{quality}");
}

async fn comment_table_and_pages_are_of_the_same_answer(service: &QueryService) {
    let answer: Value = service.json("/api/changes-under-review/7").await;
    let text = service.text("/api/changes-under-review/7?format=markdown").await;
    assert_eq!(answer["comment"], text.as_str());
    let sentence = answer["sentence"].as_str().unwrap();
    assert!(text.starts_with(&format!("### Change 7: {sentence}\n\n4 runs. [All of it](/change/7)\n")), "{text}");
    assert!(text.contains("**2 new**") && text.contains("<code>new.html</code>"), "{text}");
    let csv = service.text("/api/changes-under-review/7?format=csv").await;
    assert!(csv.starts_with("suite,test,verdict,now,state,message,platform"), "{csv}");
    assert_eq!(csv.lines().count(), 8, "{csv}");
    let page = service.text("/change/7").await;
    for words in [sentence, "New", "Known failing", "Mended by a later commit", "Fixed", "brought.html", "Rerun 1"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(service.text("/change?id=7").await, page);
    // Other formats and parameters are wrong, and a change that nobody uploaded is none.
    for (path, status) in [
        ("/api/changes-under-review/7?format=pdf", 400),
        ("/api/changes-under-review/7?colour=red", 400),
        ("/api/changes-under-review/8", 404),
        ("/api/changes-under-review/main", 404),
        ("/api/changes-under-review/..", 404),
        ("/change/8", 404),
        ("/change?id=..", 404),
        ("/change?limit=0", 400),
        ("/api/flaky?format=markdown", 400),
    ] {
        assert_eq!(service.get(path).await.0, status, "{path}");
    }
}

async fn hostile_ids_are_text(service: &QueryService) {
    let recent: Value = service.json("/api/changes-under-review").await;
    let ids: Vec<&str> = recent["changes"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [HOSTILE, "7"]);
    // Both ran last within one hour, which is all that configurations keep of it.
    let last = |change: usize| recent["changes"][change]["last_start"].as_i64().unwrap() - time(COMMITS);
    assert_eq!((last(0), last(1)), (960, 220));
    let link = recent["changes"][0]["page"].as_str().unwrap();
    assert_eq!(link, "/change/..%2F%3Cb%3E1%3C%2Fb%3E%3Fa%3Db%23c%20d");
    let page = service.text(link).await;
    assert!(page.contains("&lt;b&gt;1") && !page.contains("<b>1"), "{page}");
    let list = service.text("/change").await;
    assert!(list.contains(&link.replace('/', "&#x2f;")) && !list.contains("<b>1"), "{list}");
    assert_eq!(
        service.json(&format!("/api{}", link.replace("/change/", "/changes-under-review/"))).await["id"],
        HOSTILE
    );
    assert_eq!(service.json("/api/changes-under-review?limit=1").await["changes"].as_array().unwrap().len(), 1);
}

/// What is said of the trunk.
async fn of_the_trunk(service: &QueryService) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for path in [
        "/api/triage?suite=s&limit=1000",
        "/api/flaky?suite=s",
        "/api/changes/s",
        "/api/changes/s/new.html",
        "/api/causes?suite=s&unexpected=false",
        "/api/failures/s",
        "/api/results/s",
        "/api/results/s/broken.html",
        "/api/new-tests?suite=s&days=56",
        "/api/durations/s/slow.html",
        "/api/slowest/s",
        "/api/trends?suite=s",
        "/api/plan/s",
        "/badge/s.svg",
        "/badge/s/new.html.svg",
        "/triage.atom?suite=s",
    ] {
        said.push((path.to_owned(), service.text(path).await));
    }
    let tests = ["new.html", "own.html", "wobbly.html", "broken.html", "chance.html", "brought.html"]
        .map(|test| json!({ "test": test, "state": "TEXT" }));
    let question = json!({ "suite": "s", "change": { "id": "8", "authors": ["Eve"] }, "tests": tests });
    let (status, body) = service.post("/api/verdicts", question.to_string()).await;
    assert_eq!(status, 200);
    said.push(("verdicts".to_owned(), String::from_utf8(body).unwrap()));
    said
}

/// A run of a change whose id is no harmless text.
fn hostile() -> EventRows {
    let mut rows = EventRows::default();
    let event = run("s", configuration("Release"), &of_change(HOSTILE, 900), time(COMMITS) + 960, &did(&[], 100, &[]));
    rows.add(event, 2000);
    rows
}

/// A run of a few tests, all of which pass; one where the trunk never ran; one whose parts did not all come; one with a problem
/// that no test shows, and one that was run again without.
fn incomparable() -> EventRows {
    let mut rows = trunk();
    let few = json!({ "steady-1.html": {}, "steady-2.html": {} });
    rows.add(run("s", configuration("Release"), &of_change("few", 50), time(COMMITS) + 60, &few), 3000);
    let elsewhere =
        json!({ "platform": "linux", "version": 1_000_000, "is_simulator": false, "architecture": "x86_64" });
    let results = json!({ "steady-1.html": { "actual": "CRASH" } });
    rows.add(run("s", elsewhere, &of_change("elsewhere", 50), time(COMMITS) + 60, &results), 3001);
    let part = json!({ "shard": { "index": 1, "count": 2, "of": "9" }, "change": { "id": "parts", "authors": [] } });
    let event = run("s", configuration("Release"), &of_change("parts", 50), time(COMMITS) + 60, &did(&[], 100, &[]));
    rows.add(noted(event, &part), 3002);
    let cut = Some("the report is cut off");
    for (id, after, problem, offset) in [("cut", 60, cut, 3003), ("again", 60, cut, 3004), ("again", 90, None, 3005)] {
        let notes = json!({ "problems": Vec::from_iter(problem), "change": { "id": id, "authors": [] } });
        let start = time(COMMITS) + after;
        let event = run("s", configuration("Release"), &of_change(id, 50), start, &did(&[], 100, &[]));
        rows.add(noted(event, &notes), offset);
    }
    rows
}

async fn a_change_that_cannot_be_compared_is_no_success(service: &QueryService) {
    for (id, sentence) in [
        ("few", "no new failures, 1 run incomplete"),
        ("elsewhere", "no new failures, 1 unknown"),
        ("parts", "no new failures, 2 fixed, 1 run incomplete"),
        ("cut", "no new failures, 2 fixed, 1 run with problems"),
    ] {
        let answer: Value = service.json(&format!("/api/changes-under-review/{id}")).await;
        assert_eq!((&answer["conclusion"], &answer["sentence"]), (&"neutral".into(), &sentence.into()), "{answer:#}");
        assert_eq!(service.get(&format!("/change/{id}")).await.0, 200);
    }
    let again: Value = service.json("/api/changes-under-review/again").await;
    assert_eq!((&again["conclusion"], &again["sentence"]), (&"success".into(), &"no new failures, 2 fixed".into()));
    let place = &service.json("/api/changes-under-review/few").await["suites"][0]["places"][0];
    assert_eq!(place["incomplete"], json!({ "tests_run": 2, "usual": 28 }));
    let page = String::from_utf8(service.get("/change/few").await.1.to_vec()).unwrap();
    let told = too_few("The newest run on ", 2, 28);
    let (begin, end) = told.split_once("  ").unwrap();
    let line = page.lines().find(|line| line.contains(begin)).unwrap_or_default();
    assert!(line.contains(&end.replace('\'', "&#x27;")), "{line}");
    assert_eq!(place["base"]["source"], "newest-tested");
    let place = &service.json("/api/changes-under-review/elsewhere").await["suites"][0]["places"][0];
    let unknown = [&place["base"], &place["new_tests"], &place["durations"]];
    assert_eq!(unknown, [&Value::Null; 3], "{place:#}");
}

/// A change in more suites, and on more configurations of one, than are looked at.
fn large() -> EventRows {
    let mut rows = EventRows::default();
    let commit = of_change("large", 50);
    let mut add = |suite: &str, version: i64| {
        let on = json!({ "platform": "mac", "version": version, "is_simulator": false, "architecture": "arm64" });
        let offset = 4000 + rows.runs.len() as u64;
        rows.add(run(suite, on, &commit, time(COMMITS) + 60, &json!({ "a": {} })), offset);
    };
    (0..53).for_each(|suite| add(&format!("suite-{suite:02}"), 1));
    (2..43).for_each(|version| add("suite-00", version));
    rows
}

async fn what_is_left_out_is_told(service: &QueryService) {
    let answer: Value = service.json("/api/changes-under-review/large").await;
    let suites = answer["suites"].as_array().unwrap();
    assert_eq!((suites.len(), &answer["suites_left_out"]), (50, &3.into()));
    let places = suites[0]["places"].as_array().unwrap().len();
    assert_eq!((places, &suites[0]["places_left_out"], &suites[1]["places_left_out"]), (40, &2.into(), &0.into()));
    assert_eq!(answer["conclusion"], "neutral", "what was not looked at is not known to be well");
    let told = "3 suites not looked at, 2 configurations not looked at";
    assert!(answer["sentence"].as_str().unwrap().ends_with(told), "{}", answer["sentence"]);
    assert!(answer["comment"].as_str().unwrap().contains(told), "{}", answer["comment"]);
    let page = service.text("/change/large").await;
    for words in ["It ran in 3 more suites, which", "It ran on 2 more configurations, which"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!service.text("/change/few").await.contains("not looked at"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_under_review() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let start = async |name: &str, rows: Vec<EventRows>| {
        let clock = Clock::standing_at(NOW.unsigned_abs());
        QueryService::start_at(&engine, directory.path(), name, rows, clock).await
    };
    let alone = start("alone", vec![trunk()]).await;
    let with_others = start("others", vec![trunk(), change("7"), hostile()]).await;
    for ((path, before), (_, after)) in of_the_trunk(&alone).await.into_iter().zip(of_the_trunk(&with_others).await) {
        assert_eq!(before, after, "{path} is another because of a change");
    }
    assert_eq!(alone.get("/api/changes-under-review/7").await.0, 404);
    assert_eq!(alone.json("/api/changes-under-review").await, json!({ "changes": [] }));
    hostile_ids_are_text(&with_others).await;
    let service = start("changes", vec![trunk(), change("7")]).await;
    a_change_is_told(&service).await;
    comment_table_and_pages_are_of_the_same_answer(&service).await;
    a_change_that_cannot_be_compared_is_no_success(&start("incomparable", vec![incomparable()]).await).await;
    what_is_left_out_is_told(&start("large", vec![incomparable(), large()]).await).await;
    engine.shutdown().await;
}
