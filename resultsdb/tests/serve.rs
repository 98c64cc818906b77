//! `serve` through its public doors: HTTP and signals, on the real embedded engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{DEADLINE, Server, now, upload};

#[test]
fn an_upload_is_shown_and_replaced_and_bad_ones_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path());
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

    for bad in ["{", "[1]", "{\"a\":", "\u{1}"] {
        assert_eq!(server.post("/api/upload", bad.as_bytes()).unwrap().0, 400, "{bad}");
    }
    assert_eq!(server.post("/api/upload", &[b'['; 1 << 20]).unwrap().0, 400);
    let control = json!({"a\u{0}": {"actual": "PASS"}});
    assert_eq!(server.post("/api/upload", &upload(time, time + 61, &control)).unwrap().0, 400);
    assert_eq!(server.json("/api/results/layout-tests")[0]["results"].as_array().unwrap().len(), 1);

    for page in ["/", "/?suite=layout-tests&test=css/a.html", "/suites", "/suites?suite=layout-tests", "/commits"] {
        let (status, html) = server.get(page);
        assert!(status == 200 && html.contains("<title>"), "{page}: {status}");
    }
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn acknowledged_uploads_are_there_once_after_kills() {
    let directory = tempfile::tempdir().unwrap();
    let base = now() - 86_400;
    let mut acknowledged = 0;
    for round in 0..5_i64 {
        let mut server = Server::start(directory.path());
        let killer = server.child.id();
        // Each round dies a little later after its first upload; whatever was acknowledged until then counts.
        let (started, wait) = (Instant::now(), Duration::from_millis(150 + 130 * round as u64));
        let kill = std::thread::spawn(move || {
            while started.elapsed() < wait {
                std::thread::yield_now();
            }
            Command::new("kill").args(["-KILL", &killer.to_string()]).status().unwrap();
        });
        loop {
            let time = base + acknowledged;
            match server.post("/api/upload", &upload(time, time, &json!({"t": {"actual": "CRASH"}}))) {
                Ok((200, _)) => acknowledged += 1,
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
        }
        kill.join().unwrap();
        server.wait();
    }
    assert!(acknowledged > 0);
    let server = Server::start(directory.path());
    let started = Instant::now();
    loop {
        let uuids = |path: &str| -> Vec<i64> {
            let found = server.json(path);
            let rows = found[0]["results"].as_array().cloned().unwrap_or_default();
            rows.iter().map(|row| row["uuid"].as_i64().unwrap()).collect()
        };
        let views = [uuids("/api/results/layout-tests/t?limit=50000"), uuids("/api/results/layout-tests?limit=50000")];
        // The upload in flight at a kill may be there or not, but never twice.
        let complete = views.iter().all(|view| {
            let mut once = view.clone();
            once.dedup();
            assert_eq!(&once, view, "a run is shown twice");
            (0..acknowledged).all(|index| view.contains(&((base + index) * 100)))
        });
        if complete {
            break;
        }
        assert!(started.elapsed() < DEADLINE, "{acknowledged} acknowledged, shown: {:?}", views.map(|view| view.len()));
    }
}
