//! A full disk: uploads are refused with when to try again, nothing acknowledged is lost, and once there is space again
//! the same process goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::load::Load;
use test_support::random::Random;
use test_support::server::{Binary, Server};
use test_support::wait::until;
use test_support::workspace::example;

const RESULTSDB: Binary = test_support::resultsdb!();

/// The whole disk, and what of it is in the way until the test frees it.
const DISK: &str = "700m";
const BALLAST_BYTES: u64 = 150 << 20;

/// A server whose data directory is a disk of its own, which nobody else sees but through the process.
fn start(mount: &Path) -> (Server, PathBuf) {
    let script = r#"mount -t tmpfs -o size="$1" resultsdb "$2" && head -c "$3" /dev/zero > "$2/ballast" &&
        exec "$4" serve --listen 127.0.0.1:0 --data-dir "$2/data" --config "$5""#;
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", DISK]).arg(mount);
    command.arg(BALLAST_BYTES.to_string()).arg(RESULTSDB.path()).arg(example("webkit.toml"));
    command.env("RUST_LOG", "error");
    let server = Server::run(command);
    let inside = PathBuf::from(format!("/proc/{}/root{}", server.child.id(), mount.display()));
    (server, inside)
}

/// Fills what is left of the disk.
fn fill(file: &Path) {
    let mut filler = std::fs::File::create(file).unwrap();
    let block = vec![0; 1 << 20];
    // Blocks until none fits, then bytes until there is no room for one.
    while filler.write_all(&block).is_ok() {}
    while filler.write_all(&block[..4096]).is_ok() {}
}

/// A backup of what a server uses, which sees its disk as the server does.
fn back_up(server: &Server, mount: &Path, to: &Path) -> Output {
    let mut command = Command::new("nsenter");
    command.args(["--target", &server.child.id().to_string(), "--user", "--mount", "--preserve-credentials"]);
    command.args([RESULTSDB.path(), "backup", "--data-dir"]).arg(mount.join("data")).arg("--to").arg(to);
    command.env_remove("RUST_LOG").output().unwrap()
}

#[test]
fn a_backup_says_that_the_disk_is_full() {
    let (mount, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (server, inside) = start(mount.path());
    let time = now() - 600;
    assert_eq!(server.post("/api/upload", &upload(time, time, &json!({"a.html": {}}))).unwrap().0, 200);
    fill(&inside.join("filler"));
    let refused = back_up(&server, mount.path(), copy.path());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("Error: the disk of ") && said.contains(" is full, so that no image of the tables"),
        "{said}"
    );
    assert!(said.ends_with("; free some space\n") && said.lines().count() == 1, "{said}");

    std::fs::remove_file(inside.join("filler")).unwrap();
    let taken = back_up(&server, mount.path(), copy.path());
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
}

/// A run that neither compresses nor repeats another.
fn large(random: &mut Random, time: i64) -> Vec<u8> {
    let noise = |random: &mut Random| (0..400).map(|_| format!("{:08x}", random.below(1 << 31))).collect::<String>();
    let tests: Map<String, Value> =
        (0..500).map(|index| (format!("{index}.html"), json!({"actual": "TEXT", "log": noise(random)}))).collect();
    let mut document: Value = serde_json::from_slice(&upload(time, time, &json!({ "large": tests }))).unwrap();
    document["suite"] = json!("large-tests");
    document.to_string().into_bytes()
}

#[test]
fn a_full_disk_costs_nothing_that_was_acknowledged() {
    let mount = tempfile::tempdir().unwrap();
    let (server, inside) = start(mount.path());
    let mut random = Random(9);
    let load = Load::with_quota();
    load.direct_to(&server.url);
    load.allow(30);
    let uploaders = load.start();
    until("the first uploads are there", || load.acknowledged() == 30);

    let begin = now() / 86_400 * 86_400 - 3 * 86_400;
    let mut kept = Vec::new();
    let refused = (0..2000).find_map(|number| {
        let document = large(&mut random, begin + number);
        let answer = agent().post(format!("{}/api/upload", server.url)).header("Prefer", "wait=1").send(&document[..]);
        let answer = answer.unwrap();
        if answer.status() == 200 {
            kept.push(begin + number);
            return None;
        }
        Some((answer.status().as_u16(), answer.headers().get("retry-after").cloned()))
    });
    let (status, retry_after) = refused.expect("the disk is never full");
    assert_eq!(status, 503);
    assert!(retry_after.is_some());
    assert!(kept.len() > 5, "{} were taken", kept.len());
    eprintln!("{} large uploads until the disk was full", kept.len());

    std::fs::remove_file(inside.join("ballast")).unwrap();
    load.allow(30);
    until("uploads are taken again", || load.acknowledged() == 60);
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    load.check(&server);
    let shown = server.json("/api/results/large-tests/large/7.html?limit=50000");
    let shown: Vec<i64> =
        shown[0]["results"].as_array().unwrap().iter().map(|it| it["start_time"].as_i64().unwrap()).collect();
    assert!(kept.iter().all(|start| shown.contains(start)), "{} of {}", shown.len(), kept.len());
}
