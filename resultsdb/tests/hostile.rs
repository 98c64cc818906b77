//! Bad input costs its sender only: a clear 4xx, bounded memory, nothing partly stored, the service up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::io::Read;

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::server::Binary;

const RESULTSDB: Binary = test_support::resultsdb!();

/// What the process takes while it holds one large body and the engine idles, in KiB.
const PEAK_KIB: u64 = 900 << 10;

/// `count` times the same bytes, without holding them.
struct Repeated(&'static [u8], u64);

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let whole = (buffer.len() as u64 / self.0.len() as u64).min(self.1);
        for chunk in buffer.chunks_exact_mut(self.0.len()).take(whole as usize) {
            chunk.copy_from_slice(self.0);
        }
        self.1 -= whole;
        Ok(whole as usize * self.0.len())
    }
}

fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn bad_uploads_are_refused_with_a_reason_and_leave_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let time = now() - 3600;
    let good = upload(time, time, &json!({"a.html": {"actual": "PASS"}}));
    let text = String::from_utf8(good.clone()).unwrap();
    let changed = |member: &str, value: &str| {
        let mut document: Value = serde_json::from_str(&text).unwrap();
        document[member] = serde_json::from_str(value).unwrap();
        document.to_string().into_bytes()
    };
    let results = |results: &str| text.replace("{\"a.html\":{\"actual\":\"PASS\"}}", results).into_bytes();
    let mut not_utf8 = good.clone();
    not_utf8[20] = 0xff;
    let mut cases: Vec<(String, Vec<u8>)> = vec![
        ("truncated".into(), good[..good.len() - 1].to_vec()),
        ("not UTF-8".into(), not_utf8),
        ("trailing text".into(), [good.as_slice(), b"x"].concat()),
        ("empty".into(), Vec::new()),
        ("deep".into(), results(&format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)))),
        ("NUL in a name".into(), results("{\"a\\u0000b\":{}}")),
        ("control character in a name".into(), results("{\"a\\u001bb\":{}}")),
        ("half a surrogate in a name".into(), results("{\"a\\ud800\":{}}")),
        ("a test twice".into(), results("{\"a.html\":{\"actual\":\"PASS\"},\"a.html\":{\"actual\":\"TEXT\"}}")),
        ("number out of range".into(), changed("timestamp", "1e300")),
        ("huge time".into(), changed("timestamp", "99999999999999")),
        ("negative time".into(), changed("timestamp", "-5")),
        ("suite with control characters".into(), changed("suite", "\"a\\u0007\"")),
    ];
    for (member, values) in [
        ("suite", &["7", "[]", "{}", "null", "\"\""][..]),
        ("configuration", &["7", "[]", "\"x\"", "null", "{\"platform\":7}"]),
        ("commits", &["7", "{}", "\"x\"", "[]", "[7]", "[[]]", "[{}]", "[{\"repository_id\":\"webkit\",\"id\":{}}]"]),
        ("timestamp", &["{}", "[]", "\"soon\""]),
        ("test_results", &["7", "[]", "\"x\"", "null", "{}"]),
    ] {
        cases.extend(values.iter().map(|value| (format!("{member} = {value}"), changed(member, value))));
    }
    for (what, body) in &cases {
        let (status, answer) = server.post("/api/upload", body).unwrap();
        assert!((400..500).contains(&status), "{what}: {status} {answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {answer}");
    }
    assert_eq!(server.get("/api/suites").0, 404, "nothing is stored");
}

#[test]
fn the_command_line_is_told_of_results_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let time = now() - 3600;
    let file = directory.path().join("run.json");
    std::fs::write(&file, upload(time, time, &json!([{"a.html": {"actual": "PASS"}}]))).unwrap();
    let post = || {
        let mut command = RESULTSDB.command();
        command.args(["upload", "--url", &server.url]).arg(&file).output().unwrap()
    };
    let refused = post();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("'test_results.results' is a list: it must be an object of tests"), "{said}");
    assert_eq!(server.get("/api/suites").0, 404, "nothing is stored");
    std::fs::write(&file, upload(time, time, &json!({"a.html": {"actual": "PASS"}}))).unwrap();
    let taken = post();
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    assert_eq!(server.get("/api/suites").0, 200);
}

#[test]
fn huge_bodies_are_refused_in_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    for (what, unit, count) in [
        ("200 MB of [", &b"["[..], 200_000_000),
        ("200 MB of objects", b"{\"a\":", 40_000_000),
        ("200 MB of nothing", b" ", 200_000_000),
        ("300 MB", b"1", 300_000_000),
    ] {
        let body = ureq::SendBody::from_owned_reader(Repeated(unit, count));
        // The server may answer before it has read everything, and close.
        if let Ok(answer) = agent().post(format!("{}/api/upload", server.url)).send(body) {
            assert!(matches!(answer.status().as_u16(), 400 | 413), "{what}: {}", answer.status());
        }
        assert_eq!(server.get("/__health").0, 200, "{what}");
        let peak = peak_kib(server.child.id());
        assert!(peak < PEAK_KIB, "{what}: {peak} KiB");
    }
    eprintln!("peak {} MiB", peak_kib(server.child.id()) >> 10);
    let time = now() - 3600;
    let good = upload(time, time, &json!({"a.html": {"actual": "PASS"}}));
    assert_eq!(server.post("/api/upload", &good).unwrap().0, 200);
}
