//! How verdicts turned out: uploads, verdicts that are asked for, later uploads, and the grades, by rule, suite and owner.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::path::Path;
use std::sync::LazyLock;

use axum::http::StatusCode;
use schema::clock::Clock;
use schema::event::{Event, Request};
use schema::rename::TestRename;
use serde_json::{Map, Value, json};
use test_support::clock::{DAY, now};
use test_support::engine;
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows::{self, EventRows};

const HOUR: i64 = 3600;
/// How long after its start each run is received.
const UPLOADED: i64 = 600;
/// Runs of each suite before the verdicts are asked for, one an hour, and after.
const BEFORE: usize = 80;
const AFTER: usize = 30;
/// What a gate may call a change.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'";

/// A test, its owner, and what it does before the question and after: letters with how often, P passed, F failed; the last
/// pattern goes on.
struct Does {
    test: &'static str,
    owner: Option<&'static str>,
    before: &'static [(&'static str, usize)],
    after: &'static [(&'static str, usize)],
}

const fn does(
    test: &'static str,
    owner: Option<&'static str>,
    before: &'static [(&'static str, usize)],
    after: &'static [(&'static str, usize)],
) -> Does {
    Does { test, owner, before, after }
}

const TESTS: [Does; 7] = [
    does("again.html", Some("@x"), &[("P", 60), ("F", 20)], &[("P", 20), ("F", 10)]),
    does("still.html", Some("@x"), &[("P", 60), ("F", 20)], &[("F", 30)]),
    does("chance.html", Some("@y"), &[("PPF", 27)], &[("F", 30)]),
    does("wobbly.html", Some("@y"), &[("PPF", 27)], &[("PPF", 10)]),
    does("blamed.html", None, &[("P", 80)], &[("P", 5), ("F", 1), ("P", 24)]),
    does("right.html", None, &[("P", 80)], &[("P", 30)]),
    does("began.html", Some("@y"), &[("P", 80)], &[("P", 10), ("F", 20)]),
];

fn letter(of: &[(&str, usize)], index: usize) -> char {
    let all: String = of.iter().map(|(letters, times)| letters.repeat(*times)).collect();
    all.chars().nth(index).unwrap()
}

/// When the verdicts are asked for, half an hour after a run.
static ASKED_AT: LazyLock<i64> = LazyLock::new(|| now() / DAY * DAY - 12 * DAY + HOUR / 2);

fn asked_at() -> i64 {
    *ASKED_AT
}

/// Runs of both suites with these numbers, of which those before the question come first.
fn runs(numbers: std::ops::Range<usize>) -> EventRows {
    let configuration =
        json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    let mut rows = EventRows::default();
    for number in numbers {
        let start = asked_at() - HOUR / 2 + (number as i64 - BEFORE as i64 + 1) * HOUR;
        let commit = json!({
            "repository_id": "webkit", "branch": "main", "timestamp": start - 60, "order": 0, "hash": format!("{start:040x}"),
        });
        let mut results: Map<String, Value> = (0..40).map(|steady| (format!("ok-{steady}"), json!({}))).collect();
        for Does { test, owner, before, after } in &TESTS {
            let letter = if number < BEFORE { letter(before, number) } else { letter(after, number - BEFORE) };
            let mut leaf = json!({ "actual": if letter == 'F' { "TEXT" } else { "PASS" } });
            if let Some(owner) = owner {
                leaf["owners"] = json!([owner]);
            }
            results.insert((*test).to_owned(), leaf);
        }
        for (suite, results) in [("s", results.into()), ("t", json!({ "a.html": {}, "b.html": {} }))] {
            let mut event = run(suite, configuration.clone(), &commit, start, &results);
            event.header.received_at = start + UPLOADED;
            rows.add(event, 2 * number as u64 + 1 + u64::from(suite == "t"));
        }
    }
    rows
}

/// Asks for the verdicts on some failures of a change.
async fn ask(service: &QueryService, suite: &str, change: &str, tests: &[&str]) -> Vec<String> {
    let tests: Vec<Value> = tests.iter().map(|test| json!({ "test": test, "state": "TEXT" })).collect();
    let question = json!({ "suite": suite, "change": { "id": change }, "tests": tests });
    let (status, body) = service.post("/api/verdicts", question.to_string()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["tests"].as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap().to_owned()).collect()
}

/// A service that knows the later runs, too, two days after the question.
async fn graded(service: &QueryService, folder: &Path) -> QueryService {
    rows::write(&service.client, &runs(BEFORE..BEFORE + AFTER)).await;
    service.at(folder, Clock::standing_at((asked_at() + 2 * DAY) as u64))
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_graded_by_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine::start(folder.path()).await;
    let clock = Clock::standing_at(asked_at() as u64);
    let service = QueryService::start_at(&engine, folder.path(), "quality", [runs(0..BEFORE)], clock).await;
    let tests = ["again.html", "still.html", "chance.html", "wobbly.html", "blamed.html", "right.html", "nobody.html"];
    let said = ask(&service, "s", HOSTILE, &tests).await;
    assert_eq!(
        said,
        ["known-failing", "known-failing", "known-flaky", "known-flaky", "new", "new", "unknown"],
        "the verdicts that are graded"
    );
    assert_eq!(ask(&service, "t", "8", &["a.html"]).await, ["new"]);
    // Nothing ran since: everything is open, and nothing is wrong.
    let open = service.json("/api/verdicts/quality").await;
    assert_eq!((&open["total"]["given"], &open["total"]["open"]), (&8.into(), &8.into()), "{open:#}");
    assert_eq!(open["wrong"], json!([]));

    // What an earlier version of the rule said half an hour before.
    let earlier = format!(
        "INSERT INTO verdicts (suite, asked_at, branch, change, test, verdict, state, rule) \
         VALUES ('s', {}, 'default', '6', 'chance.html', 'known-flaky', 4, 'verdicts-0')",
        asked_at() - 600
    );
    service.client.query(&earlier).execute().await.unwrap();
    let service = graded(&service, folder.path()).await;
    grades_are_told_of_everything(&service).await;
    grades_are_told_by_rule_suite_and_owner(&service).await;
    wrong_answers_are_listed(&service).await;
    failures_that_began_are_timed(&service).await;
    questions_are_narrowed_and_refused(&service).await;
    every_form_says_the_same(&service).await;
    // What was given before the weeks that are asked about does not count.
    let later = service.at(folder.path(), Clock::standing_at((asked_at() + 9 * DAY) as u64));
    for (weeks, given) in [(1, 0), (2, 9)] {
        let answer = later.json(&format!("/api/verdicts/quality?weeks={weeks}")).await;
        assert_eq!(answer["total"]["given"], given, "{weeks} weeks");
    }
    a_former_name_is_graded_by_what_its_test_does(&service, folder.path()).await;
    engine.shutdown().await;
}

/// Whose change is older than a rename asks about the former name, and an empty branch names none.
async fn a_former_name_is_graded_by_what_its_test_does(service: &QueryService, folder: &Path) {
    let at = asked_at() - DAY;
    let request = Request::Rename(TestRename {
        suite: "t".into(),
        from: "was.html".into(),
        to: "b.html".into(),
        at,
        is_open: true,
    });
    let test_results = serde_json::value::to_raw_value(&()).unwrap();
    rows::write(&service.client, &rows::of([Event { header: header(at, request), test_results }])).await;
    let asked_by = service.at(folder, Clock::standing_at(asked_at() as u64));
    let question = json!({ "suite": "t", "branch": "", "tests": [{ "test": "was.html", "state": "TEXT" }] });
    let (_, body) = asked_by.post("/api/verdicts", question.to_string()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["tests"][0]["verdict"], "new", "{answer:#}");
    let later = service.at(folder, Clock::standing_at((asked_at() + 2 * DAY) as u64));
    let graded = later.json("/api/verdicts/quality?suite=t").await;
    assert_eq!((&graded["total"]["given"], &graded["total"]["held"]), (&2.into(), &2.into()), "{graded:#}");
}

async fn grades_are_told_of_everything(service: &QueryService) {
    let answer = service.json("/api/verdicts/quality").await;
    let grades = |given, held, refuted, open| json!({ "given": given, "held": held, "refuted": refuted, "open": open });
    let expected = json!({
        "known-failing": grades(2, 2, 0, 0), "known-flaky": grades(3, 1, 2, 0), "new": grades(3, 2, 1, 0),
        "unknown": grades(1, 0, 0, 1),
    });
    assert_eq!(answer["verdicts"], expected, "{answer:#}");
    assert_eq!(answer["total"]["verdicts"], expected);
    assert_eq!(
        (&answer["rule"], &answer["weeks"], &answer["is_cut"]),
        (&"verdicts-1".into(), &4.into(), &false.into())
    );
    let counts = ["convicted", "wrongly_convicted", "excused", "wrongly_excused", "blamed", "wrongly_blamed"];
    let found: Vec<u64> = counts.iter().map(|count| answer["total"][*count].as_u64().unwrap()).collect();
    assert_eq!(found, [3, 2, 5, 1, 3, 1], "{answer:#}");
}

/// Names, verdicts, and those that were wrong in any way, of the rows of a list.
fn told(answer: &Value, list: &str) -> Vec<(String, u64, u64)> {
    let number = |row: &Value, member: &str| row[member].as_u64().unwrap();
    let row = |row: &Value| {
        let wrong = ["wrongly_convicted", "wrongly_excused", "wrongly_blamed"].iter().map(|one| number(row, one)).sum();
        (row["name"].as_str().unwrap_or("nobody").to_owned(), number(row, "given"), wrong)
    };
    answer[list].as_array().unwrap().iter().map(row).collect()
}

fn rows_of(expected: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    expected.iter().map(|(name, given, wrong)| ((*name).to_owned(), *given, *wrong)).collect()
}

async fn grades_are_told_by_rule_suite_and_owner(service: &QueryService) {
    let answer = service.json("/api/verdicts/quality").await;
    assert_eq!(told(&answer, "rules"), rows_of(&[("verdicts-1", 8, 3), ("verdicts-0", 1, 1)]));
    assert_eq!(told(&answer, "suites"), rows_of(&[("s", 8, 4), ("t", 1, 0)]));
    assert_eq!(told(&answer, "owners"), rows_of(&[("@y", 3, 2), ("nobody", 4, 1), ("@x", 2, 1)]));
    assert_eq!((&answer["more_suites"], &answer["more_owners"]), (&0.into(), &0.into()));
    let one = service.json("/api/verdicts/quality?suite=t").await;
    assert_eq!((told(&one, "suites"), &one["suite"]), (rows_of(&[("t", 1, 0)]), &"t".into()));
    let one = service.json("/api/verdicts/quality?owner=@X").await;
    assert_eq!((told(&one, "owners"), told(&one, "suites")), (rows_of(&[("@x", 2, 1)]), rows_of(&[("s", 2, 1)])));
    let none = service.json("/api/verdicts/quality?owner=none&suite=s").await;
    assert_eq!(told(&none, "owners"), rows_of(&[("nobody", 3, 1)]));
}

async fn wrong_answers_are_listed(service: &QueryService) {
    let answer = service.json("/api/verdicts/quality").await;
    let wrong = answer["wrong"].as_array().unwrap();
    let told: Vec<(&str, &str, u64, &Value)> = wrong
        .iter()
        .map(|one| {
            (
                one["test"].as_str().unwrap(),
                one["mistake"].as_str().unwrap(),
                one["times"].as_u64().unwrap(),
                &one["after"],
            )
        })
        .collect();
    let after =
        |commits, failed, failed_last| json!({ "commits": commits, "failed": failed, "failed_last": failed_last });
    assert_eq!(
        told,
        [
            ("again.html", "excuse", 1, &after(30, 10, 10)),
            ("blamed.html", "blame", 1, &after(30, 1, 0)),
            ("chance.html", "flakiness", 2, &after(30, 30, 30)),
        ],
        "{answer:#}"
    );
    let first = &wrong[0];
    assert_eq!((&first["change"], &first["asked_at"]), (&HOSTILE.into(), &asked_at().into()));
    assert_eq!((&first["owners"], &first["verdict"]), (&json!(["@x"]), &"known-failing".into()));
    let (status, _) = service.get(first["link"].as_str().unwrap()).await;
    assert_eq!((first["link"].as_str().unwrap(), status.as_u16()), ("/?suite=s&test=again.html", 200));
    assert_eq!(answer["more_wrong"], 0);
}

async fn failures_that_began_are_timed(service: &QueryService) {
    let answer = service.json("/api/verdicts/quality").await;
    let times = |row: &Value| {
        let member = |name: &str| row[name].as_u64();
        (member("began"), member("timed"), member("detect_median"), member("detect_p95"))
    };
    let at_once = Some(UPLOADED as u64);
    // again.html twice, still.html, began.html and chance.html, which was flaky before: it takes more to call that failing.
    let (began, timed, median, last) = times(&answer["total"]);
    assert_eq!((began, timed, median), (Some(5), Some(5), at_once), "{answer:#}");
    let hours = last.unwrap().checked_sub(UPLOADED as u64).unwrap();
    assert!(hours % HOUR as u64 == 0 && (2..20).contains(&(hours / HOUR as u64)), "{last:?}");
    let row = |list: &str, name: &str| {
        answer[list].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone()
    };
    assert_eq!(times(&row("owners", "@x")), (Some(3), Some(3), at_once, at_once));
    assert_eq!(times(&row("owners", "@y")), (Some(2), Some(2), at_once, last));
    assert_eq!(times(&row("suites", "t")), (Some(0), Some(0), None, None));
    assert_eq!(times(&row("rules", "verdicts-1")), (None, None, None, None));
}

async fn questions_are_narrowed_and_refused(service: &QueryService) {
    for (query, status, why) in [
        ("suite=nothing", 404, "No suite is called 'nothing': nothing was ever uploaded for it"),
        ("weeks=0", 400, "Weeks must be an integer from 1 to 52"),
        ("weeks=53", 400, "Weeks must be an integer from 1 to 52"),
        ("weeks=many", 400, "Weeks must be an integer from 1 to 52"),
        ("owner=/(/", 400, ""),
        ("colour=red", 400, "'colour' not supported in queries by this endpoint"),
        ("format=pdf", 400, "The format is"),
    ] {
        let (answered, body) = service.get(&format!("/api/verdicts/quality?{query}")).await;
        let said = String::from_utf8(body).unwrap();
        assert!(answered.as_u16() == status && said.contains(why), "{query}: {answered} {said}");
        if !query.starts_with("format") {
            assert_eq!(service.get(&format!("/quality?{query}")).await.0.as_u16(), status, "{query}");
        }
    }
    let nobody = service.json("/api/verdicts/quality?owner=@nobody-here").await;
    assert_eq!((&nobody["total"]["given"], &nobody["suites"]), (&0.into(), &json!([])));
    let page = service.text("/quality?owner=@nobody-here").await;
    assert!(page.contains("Show all owners"), "{page}");
}

async fn every_form_says_the_same(service: &QueryService) {
    let csv = service.text("/api/verdicts/quality?format=csv").await;
    assert_eq!(
        csv.lines().next().unwrap(),
        "by,name,given,held,refuted,open,convicted,wrongly_convicted,excused,wrongly_excused,blamed,wrongly_blamed,began,timed,\
         detect_median,detect_p95"
    );
    let lines: Vec<&str> = csv.lines().skip(1).map(|line| line.split(",").next().unwrap()).collect();
    assert_eq!(lines, ["all", "rule", "rule", "suite", "suite", "owner", "owner", "owner"], "{csv}");
    assert!(csv.contains("owner,'@x,2,2,0,0,0,0,2,1,0,0,3,3,600,600"), "{csv}");
    let (status, parquet) = service.get("/api/verdicts/quality?format=parquet").await;
    assert!(status == 200 && parquet.starts_with(b"PAR1"));

    let page = service.text("/quality?weeks=3").await;
    assert!(!page.contains("<img src=x"), "{page}");
    for expected in
        ["Called flaky, and in fact broken: <strong>2</strong> of 3", "10 min 0 s", "#content", "known-failing"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    insta::assert_snapshot!("page_quality", without_times(&page));
}

/// A page of which the times are left out, which depend on the day.
fn without_times(page: &str) -> String {
    let mut parts = page.split("<time ");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + "<time>" + part.split_once('>').unwrap().1.split_once("</time>").unwrap().1)
}
