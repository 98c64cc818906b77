//! Backups of `serve`, taken while it works, and what is restored from them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod copies;
mod damage;
mod kills;

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::random::Random;
use test_support::server::{Binary, Server};

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
