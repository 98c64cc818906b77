//! What is copied, and what copies answer.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::contract::Corpus;
use test_support::documents::upload;
use test_support::load::Load;
use test_support::server::Server;
use test_support::wait::until;

use super::{RESULTSDB, added, back_up, check, fails, files, restore, succeeds, upload_large};

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
    // A process that was killed as it began an image left the engine's count of them empty.
    let shadow = data.join("store/clickhouse/shadow");
    std::fs::create_dir_all(&shadow).unwrap();
    std::fs::write(shadow.join("increment.txt"), "").unwrap();
    succeeds(&back_up(&data, &backup));
    // A copy has the same events, and goes on.
    let copy = folder.path().join("copy");
    succeeds(&restore(&backup, &copy));
    succeeds(&back_up(&copy, &backup));

    let inside = fails(&back_up(&data, &data.join("backup")));
    assert!(inside.contains("lie in each other") && !data.join("backup").exists(), "{inside}");
    let home = fails(&back_up(&data, folder.path()));
    assert!(home.contains("lie in each other"), "{home}");
    let full = folder.path().join("full");
    std::fs::create_dir_all(full.join("letters")).unwrap();
    let full = fails(&back_up(&data, &full));
    assert!(full.contains("which is no part of a backup"), "{full}");
    let below = fails(&restore(&backup, &backup.join("new")));
    assert!(below.contains("lie in each other") && !backup.join("new").exists(), "{below}");
    let mut served = RESULTSDB.command();
    served.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&backup);
    assert!(fails(&served.output().unwrap()).contains("is a backup"));
    for scheme in ["file:///tmp/backup", "gs://bucket"] {
        let refused = fails(&back_up(&data, Path::new(scheme)));
        assert!(refused.contains("is no place that can be used"), "{refused}");
    }
    // Whoever else is on the machine reads neither.
    for place in [&data, &backup, &copy, &data.join("log"), &backup.join("objects")] {
        let mode = std::fs::metadata(place).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", place.display());
    }
    let none = fails(&restore(&folder.path().join("none"), &folder.path().join("new")));
    assert!(none.contains("there is no folder"), "{none}");
}
