//! A test that was renamed is one test at every door; names that were used again, taken back or returned to are not mixed up.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::event::{Event, Request};
use schema::rename::TestRename;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const HOUR: i64 = 3600;
const OLD: &str = "x/old";
const NEW: &str = "x/new";
/// A name that would be markup if nobody escaped it.
const HOSTILE: &str = "x/<b>&\"old";

/// Uploads and renames, each suite with a history of its own.
struct Log {
    rows: EventRows,
    offset: u64,
    now: i64,
}

impl Log {
    fn add(&mut self, event: Event) {
        self.offset += 1;
        self.rows.add(event, self.offset);
    }

    /// The hash and the time of the commit that was tested so many hours ago.
    fn commit(&self, hours: i64) -> (String, i64) {
        let time = self.now - hours * HOUR - 600;
        (format!("{time:040x}"), time)
    }

    /// One run an hour of nine steady tests, the last one an hour ago. In the first runs a test has the first name and
    /// does what its letters say (P passed, F failed, . is not in the run), in the next runs the second, and so on.
    fn history(&mut self, suite: &str, names: &[(&str, &str)]) {
        let letters: Vec<(&str, char)> =
            names.iter().flat_map(|(name, letters)| letters.chars().map(|letter| (*name, letter))).collect();
        for (index, (name, letter)) in letters.iter().enumerate() {
            let hours = (letters.len() - index) as i64;
            self.run(suite, hours, &[(*name, *letter)]);
        }
    }

    fn run(&mut self, suite: &str, hours: i64, did: &[(&str, char)]) {
        let (hash, time) = self.commit(hours);
        let commit = json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": hash });
        let configuration =
            json!({ "platform": "mac", "version": 14_002_000, "is_simulator": false, "architecture": "arm64" });
        let mut tests: Map<String, Value> = (0..9).map(|index| (format!("ok/{index}"), json!({}))).collect();
        for (name, letter) in did.iter().filter(|(_, letter)| *letter != '.') {
            tests.insert(
                (*name).to_owned(),
                json!({ "actual": if *letter == 'F' { "TEXT" } else { "PASS" }, "time": 5 }),
            );
        }
        self.add(run(suite, configuration, &commit, self.now - hours * HOUR, &tests.into()));
    }

    /// Links a bug to a test, so many hours ago.
    fn link(&mut self, suite: &str, test: &str, url: &str, hours: i64) {
        let request = Request::Bug(BugLink {
            suite: suite.into(),
            test: test.into(),
            url: url.into(),
            note: String::new(),
            configuration: Configuration::default(),
            failure: None,
            message: None,
            is_open: true,
        });
        let test_results = serde_json::value::to_raw_value(&()).unwrap();
        self.add(Event { header: header(self.now - hours * HOUR, request), test_results });
    }

    /// Says that a test was renamed so many hours ago, right when a run started.
    fn rename(&mut self, suite: &str, from: &str, to: &str, hours: i64, is_open: bool) {
        let at = self.now - hours * HOUR;
        let request =
            Request::Rename(TestRename { suite: suite.into(), from: from.into(), to: to.into(), at, is_open });
        self.add(Event {
            header: header(self.now, request),
            test_results: serde_json::value::to_raw_value(&()).unwrap(),
        });
        // Their order is that of this test, however many are made in a millisecond.
        self.rows.renames.last_mut().unwrap().version = self.offset;
    }
}

/// What the doors say.
struct Doors {
    service: QueryService,
    now: i64,
}

impl Doors {
    /// Hours between the time of a commit and now, rounded down.
    fn hours(&self, commit: &Value) -> i64 {
        (self.now - commit.as_i64().unwrap() / 100) / HOUR
    }

    /// The tests that triage lists: name, group, and how many hours ago that began.
    async fn triage(&self, suite: &str) -> Vec<(String, String, i64)> {
        let answer = self.service.json(&format!("/api/triage?suite={suite}")).await;
        let of = |test: &Value| {
            let text = |member: &str| test[member].as_str().unwrap().to_owned();
            (text("test"), text("group"), self.hours(&test["since"]))
        };
        answer["tests"].as_array().unwrap().iter().map(of).collect()
    }

    /// What a test did in each run, the oldest first, and how many hours ago.
    async fn results(&self, suite: &str, test: &str) -> Vec<(i64, String)> {
        let answer = self.service.json(&format!("/api/results/{suite}/{test}")).await;
        let of = |result: &Value| (self.hours(&result["uuid"]), result["actual"].as_str().unwrap().to_owned());
        answer.as_array().unwrap().iter().flat_map(|of| of["results"].as_array().unwrap()).map(of).collect()
    }

    /// The same by hours alone.
    async fn hours_of(&self, suite: &str, test: &str) -> Vec<i64> {
        self.results(suite, test).await.into_iter().map(|(hours, _)| hours).collect()
    }

    /// The identities in the feed, and that of the one change.
    async fn identities(&self, suite: &str) -> (Vec<String>, Value) {
        let feed = self.service.text(&format!("/triage.atom?suite={suite}")).await;
        let ids = feed.split("<id>").skip(1).map(|rest| rest.split_once("</id>").unwrap().0.to_owned()).collect();
        let changes = self.service.json(&format!("/api/changes/{suite}")).await;
        assert_eq!(changes["changes"].as_array().unwrap().len(), 1, "{changes:#}");
        (ids, changes["changes"][0]["id"].clone())
    }

    async fn badge(&self, suite: &str, test: &str) -> String {
        let picture = self.service.text(&format!("/badge/{suite}/{test}.svg")).await;
        let title = picture.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
        title.split(": ").nth(1).unwrap().split(" (").next().unwrap().to_owned()
    }

    async fn page(&self, suite: &str, test: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("suite", suite)
            .append_pair("test", test)
            .finish();
        self.service.text(&format!("/?{query}")).await
    }
}

/// Whoever reads feeds and changes was told of the failure before the test was renamed, and sees nothing new.
async fn identities_stay(before: &Doors, after: &Doors) {
    let (feed, change) = before.identities("told").await;
    assert_eq!(feed.len(), 2, "the feed and its entry: {feed:?}");
    assert_eq!(after.identities("told").await, (feed, change));
}

fn found(test: &str, group: &str, hours: i64) -> (String, String, i64) {
    (test.to_owned(), group.to_owned(), hours)
}

/// A test that failed under the old name goes on failing under the new one.
async fn a_renamed_test_is_one_test(doors: &Doors, compared: (&str, &str)) {
    assert_eq!(doors.triage("moved").await, [found(NEW, "new", 6)]);
    let results = doors.results("moved", NEW).await;
    let states: String = results.iter().map(|(_, state)| if state == "TEXT" { 'F' } else { 'P' }).collect();
    assert_eq!((states.as_str(), results[0].0, results[8].0), ("PPPFFFFFF", 9, 1));
    assert!(doors.results("moved", OLD).await.is_empty());
    assert_eq!(
        (doors.badge("moved", NEW).await, doors.badge("moved", OLD).await),
        ("1 failing".into(), "renamed".into())
    );
    // The members of a result are those of any other.
    let answer = doors.service.json(&format!("/api/results/moved/{NEW}")).await;
    let members = |index: usize| answer[0]["results"][index].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((members(0), members(0).len()), (members(8), 5));

    let timeline = doors.service.json(&format!("/api/timeline/moved/{NEW}")).await;
    assert_eq!(timeline["rows"][0]["unexpected"], "444444888");
    let overview = doors.service.json(&format!("/api/timeline-overview/moved/{NEW}")).await;
    let sums = (&overview["columns"], &overview["rows"][0]["runs"], &overview["rows"][0]["unexpected"]);
    assert_eq!(sums, (&json!(9), &json!(9), &json!(6)));
    let durations = doors.service.json(&format!("/api/durations/moved/{NEW}")).await;
    assert_eq!(durations["rows"][0]["runs"], 9);
    let trends = doors.service.json(&format!("/api/trends?suite=moved&test={NEW}")).await;
    let sum = |member: &str| {
        trends["by_day"].as_array().unwrap().iter().map(|day| day[member].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((sum("runs"), sum("unexpected")), (9, 6));

    // The change is that of a test that never had another name.
    let change = async |path: String| {
        let changes = doors.service.json(&path).await["changes"].as_array().unwrap().clone();
        assert_eq!(changes.len(), 1, "{path}: {changes:#?}");
        ["kind", "open", "after", "until", "likely", "tests"].map(|member| changes[0][member].clone())
    };
    let plain = change(format!("/api/changes/plain/{NEW}")).await;
    assert_eq!((&plain[0], &plain[5][0]["since"]["runs"]), (&json!("broke"), &json!(6)));
    assert_eq!(change(format!("/api/changes/moved/{NEW}")).await, plain);
    assert_eq!(change("/api/changes/moved".to_owned()).await, plain);

    // Both sides fail, the one before under the old name; nothing came, went, or became slower.
    let (before, after) = compared;
    let comparison = doors.service.json(&format!("/api/compare?suite=moved&before={before}&after={after}")).await;
    assert_eq!(comparison["counts"], json!({ "same": 1 }), "{comparison:#}");
    assert_eq!(comparison["tests"][0]["test"], NEW);
    assert_eq!(comparison["details"], json!({ "added": [], "removed": [], "slower": [] }));

    // What was said of the old name while it was the test's explains the failures now.
    let triage = doors.service.json("/api/triage?suite=moved").await;
    assert_eq!(triage["tests"][0]["bugs"], json!(["https://bugs.example.org/1"]));
    assert!(doors.page("moved", NEW).await.contains("href=\"https:&#x2f;&#x2f;bugs.example.org&#x2f;1\""));

    // What failed under the old name alone is fixed, and not gone.
    let comparison = doors.service.json(&format!("/api/compare?suite=mended&before={before}&after={after}")).await;
    assert_eq!(comparison["counts"], json!({ "fixed": 1 }), "{comparison:#}");
    assert_eq!((&comparison["tests"][0]["test"], &comparison["tests"][0]["after"]), (&json!(NEW), &json!("PASS")));

    // A change that is based on a commit of before the rename asks about the old name.
    for test in [OLD, NEW] {
        let question = json!({ "suite": "moved", "base": before, "tests": [{ "test": test, "state": "TEXT" }] });
        let (status, body) = doors.service.post("/api/verdicts", question.to_string()).await;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &answer["tests"][0]["verdict"]), (200, &json!("known-failing")), "{answer:#}");
    }
}

/// Without the rename, or with one that was taken back, they are two tests.
async fn two_names_are_two_tests(doors: &Doors) {
    for suite in ["apart", "back"] {
        let triage = doors.triage(suite).await;
        let listed: Vec<(&str, i64)> = triage.iter().map(|(test, _, hours)| (test.as_str(), *hours)).collect();
        // Both are new: one broke, the other came failing.
        assert_eq!(listed, [(NEW, 3), (OLD, 6)], "{suite}");
        assert_eq!(doors.hours_of(suite, NEW).await, [3, 2, 1], "{suite}");
        assert_eq!(doors.hours_of(suite, OLD).await, [9, 8, 7, 6, 5, 4], "{suite}");
        for page in [doors.page(suite, NEW).await, doors.page(suite, OLD).await] {
            assert!(!page.contains("formerly") && !page.contains("goes on as"), "{suite}: {page}");
        }
    }
}

/// The old name belongs to another test since: each has its own history.
async fn a_name_may_be_used_again(doors: &Doors) {
    assert_eq!(doors.triage("again").await, [found(NEW, "new", 4)]);
    assert_eq!(doors.hours_of("again", NEW).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(doors.hours_of("again", OLD).await, [3, 2, 1]);
    let page = doors.page("again", OLD).await;
    assert!(page.contains("goes on as") && page.contains("1 passing"), "{page}");
    assert_eq!(doors.badge("again", OLD).await, "passing");
}

async fn renames_are_followed(doors: &Doors) {
    assert_eq!(doors.triage("chain").await, [found("x/last", "new", 7)]);
    assert_eq!(doors.hours_of("chain", "x/last").await, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert!(doors.results("chain", OLD).await.is_empty() && doors.results("chain", NEW).await.is_empty());
    let page = doors.page("chain", "x/last").await;
    assert!(page.contains(">x&#x2f;new</a>,") && page.contains(">x&#x2f;old</a>"), "{page}");
    let page = doors.page("chain", OLD).await;
    assert!(page.contains("test=x&#x2f;last\">x&#x2f;last</a>."), "{page}");
    // Renamed, and renamed back.
    assert_eq!(doors.hours_of("returned", OLD).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(doors.triage("returned").await, [found(OLD, "new", 5)]);
    assert!(doors.results("returned", NEW).await.is_empty());
}

/// Each name has too little of it to be flaky.
async fn flakiness_is_that_of_both_names(doors: &Doors) {
    let listed = |answer: Value| -> Vec<(String, u64)> {
        let of = |test: &Value| (test["test"].as_str().unwrap().to_owned(), test["runs"].as_u64().unwrap());
        answer["tests"].as_array().unwrap().iter().map(of).collect()
    };
    let flaky = listed(doors.service.json("/api/flaky?suite=chance&weeks=1").await);
    assert_eq!(flaky, [(NEW.to_owned(), 16)]);
    let narrowed = listed(doors.service.json("/api/flaky?suite=chance&weeks=1&q=new").await);
    assert_eq!(narrowed, flaky);
    assert!(listed(doors.service.json("/api/flaky?suite=chance&weeks=1&q=old").await).is_empty());
}

async fn pages_link_the_other_name(doors: &Doors) {
    let page = doors.page("hostile", NEW).await;
    let link = "<a href=\"/?suite=hostile&amp;test=x&#x2f;%3Cb%3E%26%22old\">x&#x2f;&lt;b&gt;&amp;&quot;old</a>";
    assert!(page.contains("formerly") && page.contains(link) && !page.contains("x/<b>"), "{page}");
    let page = doors.page("hostile", HOSTILE).await;
    assert!(
        page.contains("Its history goes on as <a href=\"/?suite=hostile&amp;test=x&#x2f;new\">x&#x2f;new</a>"),
        "{page}"
    );
    assert!(!page.contains("No results of"), "{page}");
}

async fn open_renames_are_listed(doors: &Doors) {
    let listed = doors.service.json("/api/renames?suite=chain").await;
    let of = |rename: &Value| {
        (rename["from"].clone(), rename["to"].clone(), (doors.now - rename["at"].as_i64().unwrap()) / HOUR)
    };
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(of).collect();
    assert_eq!(listed, [(json!(OLD), json!(NEW), 6), (json!(NEW), json!("x/last"), 3)]);
    assert_eq!(doors.service.json("/api/renames?suite=back").await, json!([]));
    assert_eq!(doors.service.json("/api/renames?suite=").await, doors.service.json("/api/renames").await);
    assert_eq!(doors.service.json("/api/renames?limit=1").await.as_array().unwrap().len(), 1);
    assert_eq!(doors.service.get("/api/renames?test=a").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_follows_renames() {
    let mut log = Log { rows: EventRows::default(), offset: 0, now: now() };
    for suite in ["moved", "apart", "back"] {
        log.history(suite, &[(OLD, "PPPFFF"), (NEW, "FFF")]);
    }
    log.history("mended", &[(OLD, "PFF"), (NEW, "PPP")]);
    log.rename("mended", OLD, NEW, 3, true);
    log.history("told", &[(OLD, "PPPPPFFFFFFF"), (NEW, "FFF")]);
    log.rename("told", OLD, NEW, 3, true);
    log.history("plain", &[(NEW, "PPPFFFFFF")]);
    log.rename("moved", OLD, NEW, 3, true);
    log.link("moved", OLD, "https://bugs.example.org/1", 4);
    // Whoever links the old name now does not mean the test that had it before.
    log.link("moved", OLD, "https://bugs.example.org/2", 0);
    log.rename("back", OLD, NEW, 3, true);
    log.rename("back", OLD, NEW, 3, false);
    for (hours, old, new) in [(6, 'P', '.'), (5, 'P', '.'), (4, 'F', '.'), (3, 'P', 'F'), (2, 'P', 'F'), (1, 'P', 'F')]
    {
        log.run("again", hours, &[(OLD, old), (NEW, new)]);
    }
    log.rename("again", OLD, NEW, 3, true);
    log.history("chain", &[(OLD, "PPF"), (NEW, "FFF"), ("x/last", "FFF")]);
    // Whoever said it of the later one first says the same.
    log.rename("chain", NEW, "x/last", 3, true);
    log.rename("chain", OLD, NEW, 6, true);
    log.history("returned", &[(OLD, "PF"), (NEW, "FF"), (OLD, "FF")]);
    log.rename("returned", OLD, NEW, 4, true);
    log.rename("returned", NEW, OLD, 2, true);
    log.history("chance", &[(OLD, "PPFPPFPP"), (NEW, "FPPPFPPP")]);
    log.rename("chance", OLD, NEW, 8, true);
    log.history("hostile", &[(HOSTILE, "PP"), (NEW, "PP")]);
    log.rename("hostile", HOSTILE, NEW, 2, true);
    let mut before = Log { rows: EventRows::default(), offset: 0, now: log.now };
    for (hours, letter) in (4..=15).rev().zip("PPPPPFFFFFFF".chars()) {
        before.run("told", hours, &[(OLD, letter)]);
    }
    let compared = (log.commit(5).0, log.commit(1).0);
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "renames", [log.rows]).await;
    let doors = Doors { service, now: log.now };
    let service = QueryService::start(&engine, directory.path(), "before", [before.rows]).await;
    identities_stay(&Doors { service, now: before.now }, &doors).await;
    a_renamed_test_is_one_test(&doors, (&compared.0, &compared.1)).await;
    two_names_are_two_tests(&doors).await;
    a_name_may_be_used_again(&doors).await;
    renames_are_followed(&doors).await;
    flakiness_is_that_of_both_names(&doors).await;
    pages_link_the_other_name(&doors).await;
    open_renames_are_listed(&doors).await;
    engine.shutdown().await;
}
