//! `serve` through its public doors: HTTP and signals, on the real embedded engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::clock::{DAY, now};
use test_support::documents::upload;
use test_support::http::agent;
use test_support::load::Load;
use test_support::random::Random;
use test_support::server::{Binary, Server};
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();

#[test]
fn an_upload_is_shown_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = RESULTSDB.serve(directory.path());
    assert_eq!(server.get("/__health"), (200, "ok".into()));
    let time = now() - 3600;
    let results = json!({"css": {"a.html": {"actual": "TEXT", "expected": "PASS", "time": 1.5}, "b.html": {}}});
    let (status, answer) = server.post("/api/upload", &upload(time, time + 60, &results)).unwrap();
    assert_eq!(status, 200, "{answer}");
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["processing"]["test-results"]["status"], "ok");

    let found = server.json("/api/results/layout-tests/css/a.html");
    let row = &found[0]["results"][0];
    assert_eq!((row["actual"].as_str(), row["time"].as_f64()), (Some("TEXT"), Some(1.5)));
    assert_eq!(row["uuid"], json!(time * 100));
    let stats = &server.json("/api/results/layout-tests")[0]["results"][0]["stats"];
    assert_eq!(
        (stats["tests_run"].as_i64(), stats["tests_failed"].as_i64(), stats["tests_skipped"].as_i64()),
        (Some(2), Some(1), Some(2))
    );
    assert_eq!(server.json("/api/layout-tests/tests?test=css"), json!(["css/a.html", "css/b.html"]));
    assert_eq!(server.json("/api/suites")[0][1], json!(["layout-tests"]));
    assert_eq!(server.json(&format!("/api/commits?uuid={}", time * 100))[0]["message"], "A change");

    let fixed = json!({"css": {"a.html": {"actual": "PASS"}, "b.html": {}}});
    assert_eq!(server.post("/api/upload", &upload(time, time + 60, &fixed)).unwrap().0, 200);
    let found = server.json("/api/results/layout-tests/css/a.html");
    assert_eq!(found[0]["results"].as_array().unwrap().len(), 1);
    assert_eq!(found[0]["results"][0]["actual"], "PASS");

    for page in ["/", "/?suite=layout-tests&test=css/a.html", "/suites", "/suites?suite=layout-tests", "/commits"] {
        let (status, html) = server.get(page);
        assert!(status == 200 && html.contains("<title>"), "{page}: {status}");
    }
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn bad_uploads_are_refused_and_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let time = now() - 3600;
    let good = upload(time, time + 60, &json!({"a.html": {}}));
    assert_eq!(server.post("/api/upload", &good).unwrap().0, 200);
    for bad in ["{", "[1]", "{\"a\":", "\u{1}"] {
        assert_eq!(server.post("/api/upload", bad.as_bytes()).unwrap().0, 400, "{bad}");
    }
    assert_eq!(server.post("/api/upload", &[b'['; 1 << 20]).unwrap().0, 400);
    let control = json!({"a\u{0}": {"actual": "PASS"}});
    assert_eq!(server.post("/api/upload", &upload(time, time + 61, &control)).unwrap().0, 400);
    assert_eq!(server.json("/api/results/layout-tests")[0]["results"].as_array().unwrap().len(), 1);
}

/// The question about the tests of [`upload_history`].
const FLAKY: &str = "/api/flaky?suite=layout-tests&weeks=2";

/// Uploads tests that fail always, now and then, for a while, and never. Commits are an hour apart from `base` on, in
/// seconds since 1970; the last one with a run of tests is the thirteenth, where everything failed.
fn upload_history(server: &Server, base: i64) {
    let state = |test: &str, index: i64| match test {
        "flaky" if index % 3 == 0 => "TEXT",
        "broken" => "CRASH",
        "regressed" if index > 6 => "TIMEOUT",
        _ => "PASS",
    };
    for index in 0..12 {
        let leaf = |test: &str| (test.to_owned(), json!({"actual": state(test, index), "expected": "PASS"}));
        let results: serde_json::Map<String, Value> =
            ["flaky", "broken", "regressed", "steady", "calm"].iter().map(|test| leaf(test)).collect();
        let time = base + index * 3600;
        assert_eq!(server.post("/api/upload", &upload(time, time, &Value::Object(results))).unwrap().0, 200);
    }
    // The last commit again, with the other outcome; and a run that broke as a whole, which counts for nothing, because a
    // sound one came after it.
    let last = base + 11 * 3600;
    server
        .post("/api/upload", &upload(last, last + 60, &json!({"flaky": {"actual": "TEXT"}, "calm": {}, "steady": {}})))
        .unwrap();
    let names =
        ["flaky", "calm", "steady"].map(str::to_owned).into_iter().chain((0..9).map(|number| number.to_string()));
    let all_of = |leaf: Value| -> Value {
        names.clone().map(|test| (test, leaf.clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let all = all_of(json!({"actual": "CRASH"}));
    server.post("/api/upload", &upload(last + 3600, last + 3600, &all)).unwrap();
    let sound = all_of(json!({}));
    server.post("/api/upload", &upload(last + 7200, last + 7200, &sound)).unwrap();
}

#[test]
fn flaky_tests_are_ranked() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    upload_history(&server, now() - 7 * DAY);
    let answer = server.json(FLAKY);
    let tests = answer["tests"].as_array().unwrap();
    let named: Vec<&str> = tests.iter().map(|test| test["test"].as_str().unwrap()).collect();
    // What always fails, and what broke once, is not flaky.
    assert_eq!(named, ["flaky"]);
    let flaky = &tests[0];
    assert_eq!((flaky["runs"].as_i64(), flaky["unexpected"].as_i64()), (Some(14), Some(5)));
    assert_eq!((flaky["spoilt"].as_i64(), flaky["is_flaky_now"].as_bool()), (Some(5), Some(true)));
    assert_eq!((flaky["flips"].as_i64(), flaky["disagreements"].as_i64()), (Some(7), Some(1)));
    assert_eq!(answer["broken"].as_i64(), Some(1));
    let of_all = server.json("/api/flaky?weeks=2&sort=spoilt");
    assert_eq!(
        (of_all["tests"][0]["suite"].as_str(), of_all["tests"].as_array().map(Vec::len)),
        (Some("layout-tests"), Some(1))
    );
    assert_eq!(server.get("/api/flaky?sort=size").0, 400);
    assert_eq!(server.get("/api/flaky?suite=layout-tests&weeks=53").0, 400);
    let page = server.get("/flaky?suite=layout-tests&platform=").1;
    assert!(page.contains("disagrees with itself") && !page.contains("broken</a>"), "{page}");
}

#[test]
fn answers_are_kept_until_something_changes() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let base = now() - 7 * DAY;
    upload_history(&server, base);
    let ask = |tag: &str| {
        let mut response = agent().get(format!("{}{FLAKY}", server.url)).header("If-None-Match", tag).call().unwrap();
        let tag = response.headers()["etag"].to_str().unwrap().to_owned();
        (response.status().as_u16(), tag, response.body_mut().read_to_string().unwrap())
    };
    let (status, tag, body) = ask("\"other\"");
    assert!(status == 200 && !body.is_empty());
    let (status, again, body) = ask(&tag);
    assert!(status == 304 && again == tag && body.is_empty());
    let time = base + 20 * 3600;
    server.post("/api/upload", &upload(time, time, &json!({"steady": {}, "calm": {}, "flaky": {}}))).unwrap();
    let (status, changed, _) = ask(&tag);
    assert!(status == 200 && changed != tag);
}

#[test]
fn open_streams_hear_of_uploads_and_do_not_hold_up_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = RESULTSDB.serve(directory.path());
    let listen = || {
        let response = agent().get(format!("{}/api/live", server.url)).call().unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let lines = BufReader::new(response.into_body().into_reader()).lines().map(|line| line.unwrap());
        lines.filter_map(|line| line.strip_prefix("data: ").map(|watermark| watermark.parse::<u64>().unwrap()))
    };
    let (mut one, mut other) = (listen(), listen());
    let before = one.next().unwrap();
    assert_eq!(other.next(), Some(before));
    let time = now() - 3600;
    assert_eq!(server.post("/api/upload", &upload(time, time, &json!({"a.html": {}}))).unwrap().0, 200);
    assert!(one.next().unwrap() > before && other.next().unwrap() > before);

    let begun = Instant::now();
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
    // Far below what a stop allows connections that do not end.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((one.next(), other.next()), (None, None));
}

#[test]
fn results_too_large_for_the_log_go_through_the_blob_store() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    // Texts that do not compress.
    let mut random = Random(3);
    let noise = |random: &mut Random| (0..3000).map(|_| format!("{:08x}", random.below(u64::MAX))).collect::<String>();
    let tests: serde_json::Map<String, Value> = (0..1000)
        .map(|index| (format!("{index}.html"), json!({"actual": "TEXT", "log": noise(&mut random)})))
        .collect();
    let time = now() - 600;
    let document = upload(time, time, &json!({ "large": tests }));
    assert!(document.len() > 20 << 20);
    assert_eq!(server.post("/api/upload", &document).unwrap().0, 200);
    assert_eq!(std::fs::read_dir(directory.path().join("blobs")).unwrap().count(), 1);
    let found = server.json("/api/results/layout-tests/large/999.html");
    assert_eq!(found[0]["results"][0]["log"], tests["999.html"]["log"]);
    assert_eq!(server.json("/api/failures/layout-tests").as_array().unwrap().len(), 1000);
}

#[test]
fn acknowledged_uploads_are_there_once_after_a_hundred_kills() {
    let directory = tempfile::tempdir().unwrap();
    let load = Load::new();
    let mut random = Random(100);
    for _ in 0..100 {
        let mut server = RESULTSDB.serve(directory.path());
        load.direct_to(&server.url);
        let uploaders = load.start();
        // The moment: some acknowledged uploads on, others in any state between socket and last view.
        let enough = load.acknowledged() + random.below(12) as usize;
        until("the load goes on", || load.acknowledged() >= enough);
        server.kill();
        load.stop();
        uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    }
    assert!(load.acknowledged() > 100);
    load.check(&RESULTSDB.serve(directory.path()));
}
