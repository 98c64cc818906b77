//! The commands, as somebody at a terminal meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

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
