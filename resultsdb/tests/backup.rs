//! Backups of `serve`, taken while it works, and what is restored from them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::contract::Corpus;
use test_support::documents::upload;
use test_support::load::Load;
use test_support::random::Random;
use test_support::server::{Binary, Server};
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();

fn command(arguments: &[&str], folders: &[(&str, &Path)]) -> std::process::Command {
    let mut command = RESULTSDB.command();
    command.args(arguments);
    folders.iter().for_each(|(flag, folder)| {
        command.arg(flag).arg(folder);
    });
    command
}

fn back_up(data: &Path, to: &Path) -> Output {
    command(&["backup"], &[("--data-dir", data), ("--to", to)]).output().unwrap()
}

fn restore(from: &Path, data: &Path) -> Output {
    command(&["restore"], &[("--from", from), ("--data-dir", data)]).output().unwrap()
}

fn check(data: &Path) -> Output {
    command(&["check"], &[("--data-dir", data)]).output().unwrap()
}

fn check_backup(backup: &Path) -> Output {
    command(&["check"], &[("--backup", backup)]).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What is said where a command fails with exit status 1.
fn fails(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout) + &text(&output.stderr)
}

/// How many objects a backup added.
fn added(output: &Output) -> usize {
    let said = succeeds(output);
    let (_, rest) = said.split_once("; ").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let list = if entry.file_type().unwrap().is_dir() { &mut folders } else { &mut files };
            list.push(entry.path());
        }
    }
    files.sort();
    files
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    // Journals have space reserved at their end.
    let at = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) / 2;
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

/// Questions beside the recorded ones.
const QUESTIONS: [&str; 7] = [
    "/api/flaky?weeks=2",
    "/api/flaky?suite=layout-tests&weeks=2",
    "/api/triage?suite=layout-tests",
    "/api/suites?recent=false",
    "/api/bugs",
    "/api/renames",
    "/api/upload?suite=layout-tests&limit=1000",
];

/// Every answer that does not depend on the second when it is given.
fn answers(corpus: &Corpus, server: &Server) -> Vec<(String, u16, String)> {
    let mut answers = corpus.answers(&server.url);
    answers.extend(QUESTIONS.map(|path| {
        let (status, body) = server.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        (path.to_owned(), status, body)
    }));
    answers
}

fn same(one: &[(String, u16, String)], other: &[(String, u16, String)]) {
    assert!(one.len() > 300 && one.len() == other.len(), "{} and {} answers", one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one, other);
    }
}

#[test]
fn a_restored_copy_answers_every_question_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup, copy) = (folder.path().join("data"), folder.path().join("backup"), folder.path().join("copy"));
    let corpus = Corpus::load();
    let server = RESULTSDB.serve(&data);
    assert!(corpus.replay(&server.url, &server.url).failures.is_empty());
    let bug = br#"{"suite":"layout-tests","test":"fast/*","url":"https://bugs.example.org/1"}"#;
    assert_eq!(server.post("/api/bugs", bug).unwrap().0, 200);
    let rename = br#"{"suite":"layout-tests","from":"fast/gone.html","to":"fast/here.html"}"#;
    assert_eq!(server.post("/api/renames", rename).unwrap().0, 200);
    std::fs::create_dir(data.join("keys")).unwrap();
    std::fs::write(data.join("keys/signing"), "a secret of another kind").unwrap();

    assert!(added(&back_up(&data, &backup)) > 50);
    until("the image is removed", || !data.join("store/clickhouse/shadow/resultsdb_backup").exists());
    let before = answers(&corpus, &server);
    succeeds(&restore(&backup, &copy));
    assert_eq!(std::fs::read_to_string(copy.join("keys/signing")).unwrap(), "a secret of another kind");
    let restored = RESULTSDB.serve(&copy);
    same(&before, &answers(&corpus, &restored));
    // The log goes on where it ended, in both.
    let time = now() - 600;
    for one in [&server, &restored] {
        let document = upload(time, time, &json!({"later.html": {"actual": "TEXT"}}));
        assert_eq!(one.post("/api/upload", &document).unwrap().0, 200);
    }
    let later = "/api/results/layout-tests/later.html";
    let shown = |server: &Server| server.json(later)[0]["results"][0]["uuid"].clone();
    assert_eq!((shown(&server), shown(&restored)), (json!(time * 100), json!(time * 100)));
    restored.stop();
    assert!(succeeds(&check(&copy)).ends_with("nothing is damaged\n"));
    // What is there is never overwritten.
    let refused = fails(&restore(&backup, &copy));
    assert!(refused.contains("is not empty"), "{refused}");
    let refused = fails(&check(&data));
    assert!(refused.contains("stop `serve`, then check"), "{refused}");
}

#[test]
fn a_backup_under_load_has_what_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let load = Load::new();
    let server = RESULTSDB.serve(&data);
    load.direct_to(&server.url);
    let uploaders = load.start();
    for round in 0..3 {
        let enough = load.acknowledged() + 40;
        until("the load goes on", || load.acknowledged() >= enough);
        let before = load.acknowledged_so_far();
        succeeds(&back_up(&data, &backup));
        let copy = folder.path().join(format!("copy-{round}"));
        succeeds(&restore(&backup, &copy));
        let restored = RESULTSDB.serve(&copy);
        load.check_of(&before, &restored);
        // What came during the backup is in the copy whole, or not at all.
        Load::check_agreement(&restored);
    }
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    load.check(&server);
    // A server that is stopped is backed up as well.
    server.stop();
    succeeds(&back_up(&data, &backup));
    let copy = folder.path().join("copy");
    succeeds(&restore(&backup, &copy));
    load.check(&RESULTSDB.serve(&copy));
}

#[test]
fn a_second_backup_copies_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let server = RESULTSDB.serve(&data);
    upload_large(&server, 1);
    let first = added(&back_up(&data, &backup));
    let blobs = files(&data.join("blobs")).len();
    assert!(blobs == 1 && first > blobs);
    server.stop();
    // The engine merges at any time; what it has merged is new. Once it is done, nothing is.
    until("nothing is new", || added(&back_up(&data, &backup)) == 0);
    let modified = |path: &PathBuf| std::fs::metadata(path).unwrap().modified().unwrap();
    let before: Vec<_> = files(&backup.join("objects")).iter().map(|path| (path.clone(), modified(path))).collect();

    let server = RESULTSDB.serve(&data);
    upload_large(&server, 2);
    assert!(added(&back_up(&data, &backup)) > 0);
    let blobs = files(&data.join("blobs"));
    assert_eq!(blobs.len(), 2);
    let digest = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let object = |digest: &str| backup.join("objects").join(&digest[..2]).join(digest);
    assert!(blobs.iter().all(|blob| object(&digest(blob)).is_file()));
    // What was there and still is was not written again.
    let kept: Vec<_> = before.iter().filter(|(path, _)| path.exists()).collect();
    assert!(kept.len() > 1 && kept.iter().all(|(path, time)| modified(path) == *time));
    // What no backup needs any more is gone, so that a backup does not grow without end.
    let manifest: Value = serde_json::from_slice(&std::fs::read(backup.join("manifest.json")).unwrap()).unwrap();
    let named = ["files", "segments"].iter().flat_map(|list| manifest["manifest"][list].as_array().unwrap());
    let named: std::collections::BTreeSet<&str> = named.map(|entry| entry["digest"].as_str().unwrap()).collect();
    let stored: Vec<String> = files(&backup.join("objects")).iter().map(|path| digest(path)).collect();
    assert_eq!(named, stored.iter().map(String::as_str).collect());
}

/// Uploads a run whose payload is a blob.
fn upload_large(server: &Server, number: u64) {
    let mut random = Random(number);
    let noise = |random: &mut Random| (0..3000).map(|_| format!("{:08x}", random.below(u64::MAX))).collect::<String>();
    let tests: serde_json::Map<String, Value> = (0..1000)
        .map(|index| (format!("{index}.html"), json!({"actual": "TEXT", "log": noise(&mut random)})))
        .collect();
    let time = now() - 600 - number as i64;
    let document = upload(time, time, &json!({ "large": tests }));
    assert_eq!(server.post("/api/upload", &document).unwrap().0, 200);
}

/// Starts a command, kills it once it has put a number of files into a folder, and says whether it was still at work.
fn kill_after(mut command: std::process::Command, folder: &Path, count: usize) -> bool {
    let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut ended = false;
    until("enough is written", || {
        ended = child.try_wait().unwrap().is_some();
        ended || (folder.is_dir() && count_files(folder) >= count)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    !ended
}

/// Files below a folder that changes meanwhile.
fn count_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count_files(&entry.path()),
        _ => 1,
    };
    entries.map(count).sum()
}

#[test]
fn a_killed_backup_is_never_restored_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let server = RESULTSDB.serve(&data);
    let load = Load::with_quota();
    load.direct_to(&server.url);
    load.allow(30);
    let uploaders = load.start();
    until("the uploads are acknowledged", || load.acknowledged() == 30);
    let taken = || command(&["backup"], &[("--data-dir", &data), ("--to", &backup)]);
    let (mut kills, mut count) = (0, 2);
    while kill_after(taken(), &backup, count) {
        let refused = fails(&restore(&backup, &folder.path().join("none")));
        assert!(refused.contains("was broken off") || refused.contains("there is no backup"), "{refused}");
        assert!(!folder.path().join("none").exists());
        (kills, count) = (kills + 1, count_files(&backup) + 25);
        assert!(kills < 100, "it never ends");
    }
    assert!(kills >= 3, "{kills} kills");
    // The server forgets a backup whose command is gone.
    until("the image is removed", || !data.join("store/clickhouse/shadow/resultsdb_backup").exists());
    let copy = folder.path().join("copy");
    succeeds(&restore(&backup, &copy));
    load.check(&RESULTSDB.serve(&copy));

    // A killed repetition leaves the backup before as it is.
    load.allow(30);
    until("more uploads are acknowledged", || load.acknowledged() == 60);
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    let stored = count_files(&backup);
    assert!(kill_after(taken(), &backup, stored + 5));
    assert!(succeeds(&check_backup(&backup)).ends_with("nothing is damaged\n"));
    succeeds(&restore(&backup, &folder.path().join("older")));

    // A server that is killed during a backup takes the next one.
    let mut server = server;
    let mut child = taken().stderr(Stdio::piped()).spawn().unwrap();
    until("the image is there", || data.join("store/clickhouse/shadow/resultsdb_backup").exists());
    server.kill();
    let ended = child.wait().unwrap();
    let server = RESULTSDB.serve(&data);
    assert!(!data.join("store/clickhouse/shadow/resultsdb_backup").exists(), "{ended}");
    succeeds(&back_up(&data, &backup));
    drop(server);
    let newest = folder.path().join("newest");
    succeeds(&restore(&backup, &newest));
    load.check(&RESULTSDB.serve(&newest));
}

#[test]
fn a_killed_restore_is_refused_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup, copy) = (folder.path().join("data"), folder.path().join("backup"), folder.path().join("copy"));
    let load = Load::with_quota();
    let server = RESULTSDB.serve(&data);
    load.direct_to(&server.url);
    load.allow(40);
    let uploaders = load.start();
    until("the uploads are acknowledged", || load.acknowledged() == 40);
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    succeeds(&back_up(&data, &backup));
    drop(server);
    let restored = || command(&["restore"], &[("--from", &backup), ("--data-dir", &copy)]);
    let (mut kills, mut count) = (0, 1);
    while kill_after(restored(), &copy, count) {
        // It may have been done, and killed before it could say so.
        if !copy.join("restore.unfinished").exists() {
            break;
        }
        let (port, config) = ("127.0.0.1:0", test_support::workspace::example("webkit.toml"));
        let serve = command(&["serve", "--listen", port], &[("--data-dir", &copy), ("--config", &config)]).output();
        let refused = fails(&serve.unwrap());
        assert!(refused.contains("is only half restored") && refused.trim().lines().count() == 1, "{refused}");
        for other in [back_up(&copy, &folder.path().join("other")), check(&copy)] {
            let refused = fails(&other);
            assert!(refused.contains("half restored") || refused.contains("no event log"), "{refused}");
        }
        (kills, count) = (kills + 1, count + 15);
        assert!(kills < 200, "it never ends");
    }
    assert!(kills >= 3, "{kills} kills");
    assert!(!copy.join("restore.unfinished").exists());
    load.check(&RESULTSDB.serve(&copy));
}

#[test]
fn a_flipped_byte_is_found_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let server = RESULTSDB.serve(&data);
    upload_large(&server, 1);
    server.stop();
    std::fs::write(data.join("key"), "secret").unwrap();
    succeeds(&back_up(&data, &backup));
    assert!(succeeds(&check(&data)).ends_with("nothing is damaged\n"));

    // In the backup: every object, and the manifest.
    let names: Vec<PathBuf> = files(&backup.join("objects"));
    assert!(names.len() > 20);
    let whole: Vec<Vec<u8>> = names.iter().map(|path| std::fs::read(path).unwrap()).collect();
    names.iter().for_each(|path| flip(path));
    let found = fails(&check_backup(&backup));
    for path in &names {
        assert!(found.contains(path.file_name().unwrap().to_str().unwrap()), "{}: {found}", path.display());
    }
    names.iter().zip(whole).for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    assert!(succeeds(&check_backup(&backup)).ends_with("nothing is damaged\n"));
    // A restore reads the same objects in the same way; some are enough.
    let manifest = backup.join("manifest.json");
    for (number, path) in names.iter().step_by(8).chain([&manifest]).enumerate() {
        let whole = std::fs::read(path).unwrap();
        flip(path);
        let name = path.file_name().unwrap().to_str().unwrap();
        let copy = folder.path().join(format!("copy-{number}"));
        let found = fails(&restore(&backup, &copy));
        assert!(found.contains(name), "{name}: {found}");
        assert_eq!(copy.join("restore.unfinished").exists(), *path != manifest);
        std::fs::write(path, whole).unwrap();
    }
    let lost = std::fs::read(&names[0]).unwrap();
    std::fs::remove_file(&names[0]).unwrap();
    let found = fails(&check_backup(&backup));
    assert!(found.contains("is missing"), "{found}");
    std::fs::write(&names[0], lost).unwrap();

    // In the data directory: log, blob, and a part of a table.
    let blob = files(&data.join("blobs")).remove(0);
    let journal = files(&data.join("log")).into_iter().find(|path| path.extension().is_some_and(|kind| kind == "jnl"));
    let part = files(&data.join("store/clickhouse/store")).into_iter().filter(|path| path.ends_with("data.bin"));
    let part = part.max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
    for path in [blob, journal.unwrap(), part] {
        let whole = std::fs::read(&path).unwrap();
        flip(&path);
        let found = fails(&check(&data));
        let place = if path.ends_with("data.bin") { path.parent().unwrap() } else { &path };
        assert!(found.contains("DAMAGED") && found.contains(place.to_str().unwrap()), "{}: {found}", path.display());
        assert!(found.contains("is damaged in 1 places"), "{found}");
        std::fs::write(&path, whole).unwrap();
    }
    assert!(succeeds(&check(&data)).ends_with("nothing is damaged\n"));
}

#[test]
fn a_good_backup_is_not_replaced_by_one_of_another_server() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, backup) = (folder.path().join("data"), folder.path().join("other"), folder.path().join("backup"));
    let server = RESULTSDB.serve(&data);
    let time = now() - 600;
    let document = |test: &str| upload(time, time, &json!({test: {}}));
    assert_eq!(server.post("/api/upload", &document("one.html")).unwrap().0, 200);
    succeeds(&back_up(&data, &backup));
    let stored = std::fs::read(backup.join("manifest.json")).unwrap();
    // One that lost everything, and one with other events.
    let empty = RESULTSDB.serve(&other);
    for _ in 0..2 {
        let refused = fails(&back_up(&other, &backup));
        assert!(refused.contains("give another place"), "{refused}");
        assert_eq!(std::fs::read(backup.join("manifest.json")).unwrap(), stored);
        assert_eq!(empty.post("/api/upload", &document("other.html")).unwrap().0, 200);
    }
    // A copy has the same events, and goes on.
    let copy = folder.path().join("copy");
    succeeds(&restore(&backup, &copy));
    succeeds(&back_up(&copy, &backup));

    let inside = fails(&back_up(&data, &data.join("backup")));
    assert!(inside.contains("lies in the data directory"), "{inside}");
    let home = fails(&back_up(&data, folder.path()));
    assert!(home.contains("which is no part of a backup"), "{home}");
    let none = fails(&restore(&folder.path().join("none"), &folder.path().join("new")));
    assert!(none.contains("there is no folder"), "{none}");
}
