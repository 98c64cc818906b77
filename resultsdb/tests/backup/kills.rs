//! What is left of a backup or a restore that is killed.

use std::path::Path;
use std::process::{Child, Stdio};

use test_support::load::Load;
use test_support::wait::until;

use super::{RESULTSDB, back_up, check, check_backup, command, fails, restore, succeeds};

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
        let answer = restore(&backup, &folder.path().join("none"));
        if answer.status.success() {
            // It was killed after its last file: the backup is whole, and looked at below.
            break;
        }
        let refused = fails(&answer);
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
            assert!(refused.contains("is only half restored"), "{refused}");
        }
        (kills, count) = (kills + 1, count + 15);
        assert!(kills < 200, "it never ends");
    }
    assert!(kills >= 3, "{kills} kills");
    assert!(!copy.join("restore.unfinished").exists());
    load.check(&RESULTSDB.serve(&copy));
}
