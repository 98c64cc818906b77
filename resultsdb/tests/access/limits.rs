//! One caller cannot starve another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use test_support::clock::now;
use test_support::documents::upload;

use super::keyed::KeyedServer;

#[test]
fn a_greedy_caller_is_told_when_to_come_again() {
    let keyed = KeyedServer::start("limits = { requests_per_second = 1, burst = 5 }");
    let (_, greedy) = keyed.make(&["read"]);
    let (_, normal) = keyed.make(&["read"]);
    let statuses: Vec<u16> =
        (0..8).map(|_| keyed.status("GET", "/api/commits/repositories", Some(&greedy), "")).collect();
    assert_eq!(statuses[..5], [200; 5]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let refused = keyed.send("GET", "/api/commits/repositories", Some(&greedy), "", Vec::new());
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds));
    let page = keyed.send("GET", "/triage", Some(&greedy), "", Vec::new());
    assert!(page.status() == 429 && page.headers().contains_key("retry-after"), "{page:?}");
    assert_eq!(keyed.status("GET", "/api/commits/repositories", Some(&normal), ""), 200);
    // Whoever tries keys is counted by their address.
    let tried: Vec<u16> =
        (0..8).map(|_| keyed.status("GET", "/api/commits/repositories", Some("rdb_u_no"), "")).collect();
    assert!(tried[0] == 401 && tried.contains(&429), "{tried:?}");
}

/// The time within which 95 of 100 answers come.
fn p95(keyed: &KeyedServer, key: &str) -> Duration {
    let mut times: Vec<Duration> = (0..100)
        .map(|number| {
            let begun = Instant::now();
            // Each question is another one, so that no kept answer is given.
            assert_eq!(
                keyed.status("GET", &format!("/api/timeline/layout-tests?limit={}", 100 + number), Some(key), ""),
                200
            );
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[94]
}

#[test]
fn a_normal_caller_hardly_notices_a_greedy_one() {
    let keyed = KeyedServer::start("limits = { questions_at_once = 1, requests_per_second = 100000, burst = 100000 }");
    let tests = json!({ "a.html": {}, "b.html": { "actual": "FAIL" } });
    for index in 0..20 {
        let time = now() - 3600 * (index + 1);
        let document = upload(time - 60, time, &tests);
        assert_eq!(
            keyed.status("POST", "/api/upload", Some(&keyed.admin), std::str::from_utf8(&document).unwrap()),
            200
        );
    }
    let (greedy, normal) = (keyed.make(&["read"]).1, keyed.make(&["read"]).1);
    p95(&keyed, &normal);
    let alone = p95(&keyed, &normal);
    let stop = AtomicBool::new(false);
    let beside = std::thread::scope(|scope| {
        for thread in 0..16 {
            let (keyed, greedy, stop) = (&keyed, &greedy, &stop);
            scope.spawn(move || {
                let mut limit = 1000 + thread * 1000;
                while !stop.load(Ordering::Relaxed) {
                    limit += 1;
                    keyed.status("GET", &format!("/api/timeline/layout-tests?limit={limit}"), Some(greedy), "");
                }
            });
        }
        // Other tests run on the same machine; a caller that is starved is so each time.
        let beside = [(); 3].map(|()| p95(&keyed, &normal)).into_iter().min().unwrap_or_default();
        stop.store(true, Ordering::Relaxed);
        beside
    });
    eprintln!("p95 of a normal caller: {alone:?} alone, {beside:?} beside a greedy one");
    // Both run on the machine that sends for both; a few milliseconds are within its noise.
    assert!(beside <= alone * 2 + Duration::from_millis(15), "{alone:?} alone, {beside:?} beside a greedy caller");
}
