//! Blobs that no event names are removed, and no others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;
use test_support::clock::{DAY, fake, now};
use test_support::documents::{ARCHIVE_TYPE, archive, packed, upload};
use test_support::http::agent;
use test_support::random::Random;
use test_support::server::{Binary, Server};

const RESULTSDB: Binary = test_support::resultsdb!();

/// Logs that are too large for the log of events even when they are compressed.
fn large_results() -> serde_json::Value {
    let mut random = Random(7);
    let mut log = || {
        let mut text = String::new();
        (0..120_000).for_each(|_| write!(text, "{:08x}", random.below(1 << 31)).unwrap());
        text
    };
    (0..24).map(|test| (format!("{test}.html"), json!({ "actual": "TEXT", "log": log() }))).collect()
}

fn files() -> Vec<u8> {
    packed("log.txt", b"hello")
}

/// The digests of the blobs that are there.
fn blobs(data_dir: &Path) -> BTreeSet<String> {
    let files = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = files(data_dir.join("blobs")).filter(|path| path.file_name().unwrap().len() == 2);
    folders.flat_map(files).map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

fn blob(data_dir: &Path, digest: &str) -> PathBuf {
    data_dir.join("blobs").join(&digest[..2]).join(digest)
}

/// Makes every blob as old as that.
fn age(data_dir: &Path, days: i64) {
    let stored = SystemTime::now() - Duration::from_secs((days * DAY) as u64);
    for digest in blobs(data_dir) {
        let file = File::options().write(true).open(blob(data_dir, &digest)).unwrap();
        file.set_times(FileTimes::new().set_modified(stored)).unwrap();
    }
}

/// Runs a command of a data folder that nobody serves, so many days later, and returns what it tells.
fn told(data_dir: &Path, days: i64, words: &[&str]) -> Result<String, String> {
    let mut command = RESULTSDB.command();
    if days > 0 {
        fake(&mut command);
        command.env("FAKETIME", format!("+{days}d")).env("NO_FAKE_STAT", "1");
    }
    let output = command.arg(words[0]).arg("--data-dir").arg(data_dir).args(&words[1..]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn stop(mut server: Server) {
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn what_no_event_names_is_removed_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = &directory.path().join("data");
    let server = RESULTSDB.serve(data_dir);
    let time = now() - 40 * DAY;
    assert_eq!(server.post("/api/upload", &upload(time, time + 60, &large_results())).unwrap().0, 200);
    let large = blobs(data_dir);
    assert_eq!(large.len(), 1, "the results are in a blob");
    let request = agent().post(format!("{}/api/upload/archive", server.url)).header("content-type", ARCHIVE_TYPE);
    assert_eq!(request.send(&archive(time, time + 60, &files())).unwrap().status(), 200);
    let named = blobs(data_dir);
    assert_eq!(named.len(), 2);
    let shown = server.json("/api/results/layout-tests/7.html?recent=false");
    let refused = told(data_dir, 0, &["sweep"]).unwrap_err();
    assert!(
        refused.contains(
            "is in use by another process; stop that one, or use another folder; a `serve` that runs sweeps by itself"
        ),
        "{refused}"
    );
    stop(server);

    // An intake that died before it appended the event.
    let orphan = blake3::hash(b"orphan").to_hex().to_string();
    std::fs::create_dir_all(blob(data_dir, &orphan).parent().unwrap()).unwrap();
    std::fs::write(blob(data_dir, &orphan), b"orphan").unwrap();
    let nothing_over = "shortened: 0 events that are over, by 0 bytes\n";
    let swept = |blobs: usize, bytes: usize| format!("removed: {blobs} blobs, {bytes} bytes\n{nothing_over}");
    // What is young may be named by an event that is still to come.
    assert!(told(data_dir, 0, &["sweep"]).unwrap().ends_with(&swept(0, 0)));
    let short = told(data_dir, 0, &["sweep", "--grace-days", "1"]).unwrap_err();
    assert!(short.contains("two days at least"), "{short}");
    age(data_dir, 8);
    let rehearsed = told(data_dir, 0, &["sweep", "--dry-run"]).unwrap();
    assert_eq!(
        rehearsed,
        "2 events, 0 of them unreadable, name 2 blobs that are older\nwould be removed: 1 blobs, 6 bytes\n\
         would be shortened: 0 events that are over, by 0 bytes\n"
    );
    assert_eq!(blobs(data_dir).len(), 3);
    assert!(told(data_dir, 0, &["sweep"]).unwrap().ends_with(&swept(1, 6)));
    assert_eq!(blobs(data_dir), named);
    let server = RESULTSDB.serve(data_dir);
    assert_eq!(server.json("/api/results/layout-tests/7.html?recent=false"), shown);
    assert_eq!(
        server.get(&format!("/archive/log.txt?suite=layout-tests&uuid={time}00&recent=false")),
        (200, "hello".to_owned())
    );
    stop(server);

    // Archives are over after eight weeks, results where the configuration says so; a rebuild can do without both.
    assert!(told(data_dir, 20, &["sweep"]).unwrap().ends_with(&swept(0, 0)));
    assert!(told(data_dir, 60, &["sweep"]).unwrap().ends_with(&swept(1, files().len())));
    assert_eq!(blobs(data_dir), large);
    let config = directory.path().join("config.toml");
    let keeping = |weeks: u64| {
        std::fs::write(&config, format!("retention_weeks = {weeks}\n")).unwrap();
        told(data_dir, 0, &["sweep", "--config", &config.display().to_string()]).unwrap()
    };
    // The tables may have it for a while yet.
    assert!(keeping(5).ends_with(&swept(0, 0)));
    assert!(keeping(3).contains("removed: 1 blobs"));
    assert!(blobs(data_dir).is_empty());
    let config = config.display().to_string();
    let rebuilt = told(data_dir, 0, &["rebuild", "--config", &config, "--accept-differences"]).unwrap();
    assert!(rebuilt.starts_with("2 events, 0 of them unreadable"), "{rebuilt}");
}

#[test]
fn contents_that_come_again_are_stored_anew_once_they_are_old() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    let time = now() - 3600;
    let send = |start: i64| {
        let request = agent().post(format!("{}/api/upload/archive", server.url)).header("content-type", ARCHIVE_TYPE);
        assert_eq!(request.send(&archive(time, start, &files())).unwrap().status(), 200);
    };
    send(time + 60);
    age(directory.path(), 30);
    let digest = blobs(directory.path()).pop_first().unwrap();
    let stored = || std::fs::metadata(blob(directory.path(), &digest)).unwrap().modified().unwrap();
    let old = stored();
    send(time + 120);
    assert!(stored() > old + Duration::from_secs(29 * DAY as u64));
}

#[test]
fn a_log_that_lost_its_end_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let (data_dir, other) = (&directory.path().join("data"), directory.path().join("other"));
    let server = RESULTSDB.serve(data_dir);
    let time = now() - 3600;
    let request = agent().post(format!("{}/api/upload/archive", server.url)).header("content-type", ARCHIVE_TYPE);
    assert_eq!(request.send(&archive(time, time + 60, &files())).unwrap().status(), 200);
    stop(server);
    stop(RESULTSDB.serve(&other));
    age(data_dir, 30);
    let named = blobs(data_dir);
    // The log of a server to which nothing was uploaded: as if the disk had lost what was.
    std::fs::remove_dir_all(data_dir.join("log")).unwrap();
    std::fs::rename(other.join("log"), data_dir.join("log")).unwrap();
    for command in ["sweep", "rebuild"] {
        let refused = told(data_dir, 0, &[command]).unwrap_err();
        assert!(refused.contains("the log of events has lost its end"), "{refused}");
    }
    let examined = RESULTSDB.command().arg("doctor").arg("--data-dir").arg(data_dir).output().unwrap();
    let found = String::from_utf8(examined.stdout).unwrap();
    assert_eq!(examined.status.code(), Some(1));
    assert!(found.contains("wrong  end of the log: the log of events has lost its end"), "{found}");
    assert_eq!(blobs(data_dir), named);
}
