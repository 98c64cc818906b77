//! Views made anew from the events give the answers that they gave before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Output, Stdio};

use schema::EVENTS_TOPIC;
use schema::blobs::Blobs;
use schema::lease::Lease;
use test_support::clock::now;
use test_support::contract::Corpus;
use test_support::http::agent;
use test_support::load::Load;
use test_support::random::Random;
use test_support::server::Binary;
use test_support::stack::Stack;
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();

fn rebuild(data_dir: &Path, arguments: &[&str]) -> Output {
    let mut command = RESULTSDB.command();
    command.arg("rebuild").arg("--data-dir").arg(data_dir).args(arguments).output().unwrap()
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn fails(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Statements to the store while no server runs.
fn execute(data_dir: &Path, statements: &[&str]) {
    let password = data_dir.join("password");
    std::fs::write(&password, "only for this test").unwrap();
    let (store, password) = (data_dir.join("store").display().to_string(), password.display().to_string());
    let engine = RESULTSDB.spawn(&["engine", "--data-dir", &store, "--password-file", &password, "--port", "0"]);
    for statement in statements {
        let request = agent()
            .post(format!("{}/?database=resultsdb", engine.url))
            .header("X-ClickHouse-User", "default")
            .header("X-ClickHouse-Key", "only for this test");
        let mut response = request.send(*statement).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status().as_u16(), 200, "{text}");
    }
    engine.stop();
}

fn same(before: &[(String, u16, String)], after: &[(String, u16, String)]) {
    assert!(before.len() > 300, "only {} questions", before.len());
    for ((name, status, one), (_, now, other)) in before.iter().zip(after) {
        assert_eq!(status, now, "{name}");
        let different = one.bytes().zip(other.bytes()).position(|(one, other)| one != other);
        if let Some(at) = different.or((one.len() != other.len()).then(|| one.len().min(other.len()))) {
            let around = |text: &str| {
                String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(200)..text.len().min(at + 200)]).into_owned()
            };
            panic!("{name} differs:\n{}\n{}", around(one), around(other));
        }
    }
}

#[test]
fn a_lost_view_comes_back_with_the_same_answers() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path();
    let corpus = Corpus::load();
    let server = RESULTSDB.serve(data_dir);
    assert!(corpus.replay(&server.url, &server.url).failures.is_empty());
    let bug = br#"{"suite":"layout-tests","test":"fast/*","url":"https://bugs.example.org/1"}"#;
    assert_eq!(server.post("/api/bugs", bug).unwrap().0, 200);
    let bugs = server.json("/api/bugs");
    let rename = br#"{"suite":"layout-tests","from":"fast/gone.html","to":"fast/here.html"}"#;
    assert_eq!(server.post("/api/renames", rename).unwrap().0, 200);
    let renames = server.json("/api/renames");
    assert_eq!(renames[0]["to"], "fast/here.html");
    let until = now() + 86_400;
    let entry = format!(r#"{{"suite":"layout-tests","test":"fast/*","reason":"flaky","until":{until}}}"#);
    assert_eq!(server.post("/api/quarantine", entry.as_bytes()).unwrap().0, 200);
    let quarantine = server.json("/api/quarantine");
    assert_eq!(quarantine["entries"][0]["until"], until);
    let before = corpus.answers(&server.url);
    assert!(fails(&rebuild(data_dir, &[])).contains("is in use by another process; stop that one"));
    server.stop();

    // Nothing is lost, so nothing differs.
    let told = succeeds(&rebuild(data_dir, &[]));
    assert!(told.contains("results"), "{told}");
    assert!(fails(&rebuild(data_dir, &[])).contains("--drop-old"));
    assert_eq!(succeeds(&rebuild(data_dir, &["--drop-old"])), "removed 31 old tables\n");
    let server = RESULTSDB.serve(data_dir);
    same(&before, &corpus.answers(&server.url));
    assert_eq!((server.json("/api/bugs"), server.json("/api/renames")), (bugs, renames));
    assert_eq!(server.json("/api/quarantine"), quarantine);
    server.stop();

    // Nothing can be lost of a table that is empty; of another one something may be.
    let gone = "INSERT INTO commit_names VALUES ('gone', 'a name', 'default', 1, 1)";
    execute(data_dir, &["TRUNCATE TABLE results", gone]);
    let refused = fails(&rebuild(data_dir, &["--views", "results,commit_names"]));
    assert!(refused.contains("rows differ: commit_names ") && !refused.contains("results 0 →"), "{refused}");
    let other = fails(&rebuild(data_dir, &["--views", "results"]));
    let told =
        "another rebuild was broken off; go on with `resultsdb rebuild --views results,commit_names` and the same";
    assert!(other.contains(told), "{other}");
    succeeds(&rebuild(data_dir, &["--views", "results,commit_names", "--accept-differences"]));
    let server = RESULTSDB.serve(data_dir);
    same(&before, &corpus.answers(&server.url));
    server.stop();
    assert!(fails(&rebuild(data_dir, &["--views", "runs,walks"])).contains("'walks' is not a view"));

    // Weeks before a day are taken over, whatever is in them.
    succeeds(&rebuild(data_dir, &["--drop-old"]));
    let today = chrono::DateTime::from_timestamp(now(), 0).unwrap().format("%Y-%m-%d").to_string();
    let told = succeeds(&rebuild(data_dir, &["--from", &today]));
    assert!(told.contains("results"), "{told}");
    let server = RESULTSDB.serve(data_dir);
    same(&before, &corpus.answers(&server.url));
}

#[test]
fn a_rebuild_that_is_killed_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let load = Load::new();
    let server = RESULTSDB.serve(directory.path());
    load.direct_to(&server.url);
    let uploaders = load.start();
    until("enough is uploaded", || load.acknowledged() >= 300);
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    server.stop();
    let mut random = Random(7);
    let mut kills = 0;
    loop {
        let mut child = RESULTSDB
            .command()
            .args(["rebuild", "--views", "results,runs,failures", "--data-dir"])
            .arg(directory.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The longer it lives, the further it comes; in the end it is done.
        let patience = std::time::Duration::from_millis(250 + 60 * kills + random.below(60));
        let started = std::time::Instant::now();
        while started.elapsed() < patience && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        // It may have been done, and killed before it could say so.
        if output.status.success() || String::from_utf8_lossy(&output.stderr).contains("--drop-old") {
            break;
        }
        kills += 1;
        assert!(kills < 100, "it never ends");
    }
    assert!(kills > 0);
    load.check(&RESULTSDB.serve(directory.path()));
}

/// What Kafka has forgotten comes from the archive; without it, what is gone is gone, and nobody pretends otherwise.
#[test]
fn a_deployment_is_rebuilt_from_the_archive() {
    let stack = Stack::start(RESULTSDB);
    let corpus = Corpus::load();
    let outcome = corpus.replay(&stack.ingest.url, &stack.query.url);
    assert!(outcome.failures.is_empty(), "{}", outcome.failures.join("\n"));
    stack.archived();
    stack.broker.forget(EVENTS_TOPIC);
    let before = corpus.answers(&stack.query.url);
    succeeds(&stack.command("rebuild").output().unwrap());
    same(&before, &corpus.answers(&stack.query.url));
    succeeds(&stack.command("rebuild").arg("--drop-old").output().unwrap());

    std::fs::remove_dir_all(stack.blobs().join("events")).unwrap();
    let refused = fails(&stack.command("rebuild").output().unwrap());
    assert!(refused.contains("neither in the archive nor in the log"), "{refused}");
}

#[test]
fn a_deployment_is_rebuilt_while_it_works() {
    let mut stack = Stack::start(RESULTSDB);
    let load = Load::new();
    load.direct_to(&stack.ingest.url);
    let uploaders = load.start();
    for round in 0..4 {
        let enough = load.acknowledged() + 20;
        until("the load goes on", || load.acknowledged() >= enough);
        if round % 2 == 1 {
            stack.restart_processor();
        }
        succeeds(&stack.command("rebuild").output().unwrap());
        succeeds(&stack.command("rebuild").arg("--drop-old").output().unwrap());
    }
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    load.check(&stack.query);
}

#[test]
fn two_rebuilds_exclude_each_other() {
    let stack = Stack::start(RESULTSDB);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let blobs = Blobs::in_folder(&stack.blobs()).unwrap();
    let right = runtime.block_on(async {
        let mut right = Lease::want(&blobs, "rebuild", "a test".into());
        right.held().await;
        right
    });
    let mut child = stack.command("rebuild").stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    lines.read_line(&mut told).unwrap();
    assert_eq!(told, "waiting for another rebuild or sweep (a test)\n");
    assert!(child.try_wait().unwrap().is_none());
    runtime.block_on(right.release());
    told.clear();
    lines.read_to_string(&mut told).unwrap();
    assert!(child.wait().unwrap().success(), "{told}");
}
