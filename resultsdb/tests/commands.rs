//! The commands, as somebody at a terminal meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::server::Binary;

const RESULTSDB: Binary = test_support::resultsdb!();

fn run(arguments: &[&str]) -> Output {
    Command::new(RESULTSDB.path()).args(arguments).env("RUST_BACKTRACE", "full").output().unwrap()
}

#[test]
fn errors_are_one_line_without_a_backtrace() {
    let unreachable = "http://127.0.0.1:9";
    let wrong = [
        vec!["migrate", "--config", "no/such/file.toml"],
        vec!["serve", "--data-dir", "data", "--config", "no/such/file.toml"],
        vec!["upload", "no/such/file.json", "--url", unreachable],
        vec!["rules", "preview", "--config", "no/such/file.toml", "--url", unreachable],
    ];
    for arguments in wrong {
        let Output { status, stdout, stderr } = run(&arguments);
        let said = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && stdout.is_empty(), "{arguments:?}");
        assert!(said.contains("no/such/file") && said.trim_end().lines().count() == 1, "{arguments:?}: {said}");
    }
}

/// A command that can be for a deployment or for a folder names both where it is told neither.
#[test]
fn what_a_command_is_for_is_asked_in_the_same_words() {
    for (command, what) in [("doctor", "check"), ("rebuild", "rebuild"), ("sweep", "sweep"), ("export", "export")] {
        let asked = Command::new(RESULTSDB.path()).arg(command).env_remove("RESULTSDB_CONFIG").output().unwrap();
        let said = format!(
            "Error: it is not said what to {what}: give --config FILE for a deployment, or --data-dir DIR for what `serve` uses\n"
        );
        assert_eq!((asked.status.code(), String::from_utf8(asked.stderr).unwrap()), (Some(1), said));
    }
    let asked = run(&["check"]);
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(said.contains("give --data-dir DIR for what `serve` uses, or --backup PLACE"), "{said}");
}

/// Nobody is sent to a file that says nothing of what is wrong.
#[test]
fn a_wrong_member_is_looked_for_where_it_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ok.toml");
    std::fs::write(&file, "title = 'x'").unwrap();
    let told = |name: &str, value: &str, flags: &[&str]| {
        let mut command = Command::new(RESULTSDB.path());
        command.args(["doctor", "--config"]).arg(&file).args(flags).env(name, value);
        let Output { status, stderr, .. } = command.output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && !said.contains("ok.toml") && said.trim_end().lines().count() == 1, "{said}");
        said
    };
    let said = told("RESULTSDB__SWEEP__DAYS", "x", &[]);
    assert!(
        said.starts_with("Error: in the environment variable RESULTSDB__SWEEP__DAYS, sweep.days: invalid type"),
        "{said}"
    );
    // Flags win over variables.
    let said = told("RESULTSDB__SWEEP__DAYS", "x", &["--set", "sweep.days=y"]);
    assert!(said.starts_with("Error: in the flag --set sweep.days: invalid type"), "{said}");
    let said = told("RESULTSDB__TITLE", "y", &["--set", "sweep.dayz=3"]);
    assert!(said.starts_with("Error: in the flag --set sweep.dayz: unknown field `dayz`"), "{said}");
}

/// A command as a user who may do nothing that a folder's permissions do not say, whoever runs the tests.
fn without_rights(arguments: &[&str], data_dir: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "setpriv", "--bounding-set=-all", "--inh-caps=-all", RESULTSDB.path()]);
    command.args(arguments).arg("--data-dir").arg(data_dir).env_remove("RUST_LOG");
    command
}

/// The same of a command to which the folder's file system is mounted for reading alone.
fn read_only(arguments: &[&str], data_dir: &Path) -> Command {
    let script = r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(data_dir).arg(RESULTSDB.path());
    command.args(arguments).arg("--data-dir").arg(data_dir).env_remove("RUST_LOG");
    command
}

/// A folder that the system keeps from this user is not taken for an empty one, and advice is about the folder.
#[test]
fn a_folder_that_may_not_be_used_is_told_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let (data_dir, backup) = (directory.path().join("data"), directory.path().join("backup"));
    RESULTSDB.serve(&data_dir).stop();
    let to = backup.to_str().unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let told = |mut command: Command| {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let said = String::from_utf8(stderr).unwrap() + &String::from_utf8(stdout).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        for nonsense in ["Fjall", "Os {", "check that it runs", "Stop `serve`", "no event log"] {
            assert!(!said.contains(nonsense), "{nonsense}: {said}");
        }
        said
    };
    let log = data_dir.join("log").canonicalize().unwrap();
    let refused = |words: &str| format!("the event log in {} cannot be used: {words}; ", log.display());
    let commands = [&["check"][..], &["backup", "--to", to], &serve, &["doctor"]];

    let words = refused("Read-only file system (os error 30)");
    for command in commands {
        let said = told(read_only(command, &data_dir));
        assert!(said.contains(&words) && said.contains("mount its file system for writing"), "{command:?}: {said}");
    }

    let closed = |folder: &Path, mode: u32| std::fs::set_permissions(folder, Permissions::from_mode(mode)).unwrap();
    closed(&log, 0);
    let words = refused("Permission denied (os error 13)");
    for command in commands {
        let said = told(without_rights(command, &data_dir));
        assert!(said.contains(&words) && said.contains("let this user read and write"), "{command:?}: {said}");
    }
    closed(&log, 0o700);
    closed(&data_dir, 0);
    for command in [&["check"][..], &["backup", "--to", to], &["sweep"], &["rebuild"], &["export"], &["doctor"]] {
        let said = told(without_rights(command, &data_dir));
        assert!(
            said.ends_with(" may not be read by this user; run this as the user of `serve`\n"),
            "{command:?}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    closed(&data_dir, 0o700);
}

/// What `serve` has no use for is refused before anything is made, right or wrong.
#[test]
fn serve_refuses_a_cluster() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    for (replicas, told) in [
        (2, "[clickhouse.cluster] of the configuration is of no use to `serve`"),
        (0, "clickhouse.cluster: a cluster has at least one replica"),
    ] {
        let cluster = format!("clickhouse.cluster={{name='results', replicas={replicas}}}");
        let Output { status, stdout, stderr } =
            run(&["serve", "--data-dir", data_dir.to_str().unwrap(), "--listen", "127.0.0.1:0", "--set", &cluster]);
        let said = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && stdout.is_empty() && !data_dir.exists(), "{said}");
        assert!(said.contains(told) && said.trim_end().lines().count() == 1, "{said}");
    }
}

/// A blob store that cannot be written is told in one line: what, where, and what to do, and its cause once.
#[test]
fn a_blob_store_that_cannot_be_written_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    RESULTSDB.serve(&data_dir).stop();
    let told = |command: &str| {
        let Output { status, stdout, stderr } = run(&[command, "--data-dir", data_dir.to_str().unwrap()]);
        let said = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && stdout.is_empty() && said.trim_end().lines().count() == 1, "{said}");
        assert!(said.matches("os error").count() == 1 && !said.contains("Generic"), "{said}");
        said
    };
    let blobs = data_dir.join("blobs");
    std::fs::write(blobs.join("exports"), "a file where a folder should be").unwrap();
    let said = told("export");
    assert!(said.starts_with("Error: the blob store cannot be read or written: "), "{said}");
    assert!(
        said.contains("blobs/exports") && said.contains("; check that it is there and that this user may"),
        "{said}"
    );
    std::fs::remove_file(blobs.join("exports")).unwrap();
    std::fs::remove_dir_all(&blobs).unwrap();
    std::fs::write(&blobs, "").unwrap();
    for command in ["export", "sweep"] {
        let said = told(command);
        assert!(
            said.contains("data/blobs cannot be made for blobs: ") && said.contains("let this user write"),
            "{said}"
        );
    }
}

#[test]
fn a_preview_says_which_verdicts_other_thresholds_would_change() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(&directory.path().join("data"));
    for number in 0..12 {
        let time = now() - 3600 * (12 - number);
        let mut results: Map<String, Value> = (0..20).map(|steady| (format!("steady-{steady}"), json!({}))).collect();
        results.insert("chance".into(), json!({ "actual": if number % 3 == 0 { "TEXT" } else { "PASS" } }));
        let (status, answer) = server.post("/api/upload", &upload(time, time, &results.into())).unwrap();
        assert_eq!(status, 200, "{answer}");
    }
    let file = directory.path().join("rules.toml");
    let preview = |rules: &str| {
        std::fs::write(&file, rules).unwrap();
        run(&["rules", "preview", "--config", file.to_str().unwrap(), "--weeks", "4", "--url", &server.url])
    };
    let same = preview("");
    assert_eq!(String::from_utf8(same.stdout).unwrap(), "0 of 1 verdicts would change\n");
    let other = preview("[[rules]]\nsuite = \"layout-*\"\nthresholds = { flaky_flips = 100 }\n");
    let said = String::from_utf8(other.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("layout-tests chance on ") && lines[0].ends_with(": flaky → passing"), "{said}");
    assert_eq!(lines[1..], ["1 of 1 verdicts would change", "  1 × flaky → passing"], "{said}");
    let wrong = preview("[[rules]]\nthresholds = { flaky_flip = 100 }\n");
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && said.contains("unknown field `flaky_flip`"), "{said}");
    server.stop();
}
