//! A seeded data set that shows what the pages are for: 3 suites, 12 configurations, 200 commits on two repositories over 8
//! weeks, with flaky, broken, regressed, fixed and slow tests, one that failed before, and many that fail for one cause; a change
//! under review; and what people [`said`] of all that.

mod said;
mod under_review;

use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use client::server::Server;
use schema::clock::now_signed;
use schema::seconds::WEEK;
use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const COMMITS: i64 = 200;
const WEEKS: i64 = 8;
/// Each configuration runs every so many commits, as real queues that lag behind do.
const RUN_EVERY: i64 = 5;
const SUITES: [(&str, usize); 3] = [("layout-tests", 120), ("api-tests", 40), ("javascriptcore-tests", 60)];

/// An upload is answered once it is visible; many wait for one batch of the processor.
const WORKERS: usize = 8;
/// Configurations of a system on which nothing is connected to since a commit.
const NEW_SYSTEM: std::ops::Range<usize> = 4..8;
const REFUSED_SINCE: i64 = 170;
/// The commit with which a test came, little more than a week ago.
const CAME: i64 = 170;
/// Runs of this many newest commits come with their files.
const WITH_FILES: i64 = 20;
/// Separates the parts of a form.
const BOUNDARY: &str = "resultsdb-demonstration";

/// A request to post: path, content type, body.
type Prepared = (&'static str, String, Vec<u8>);

/// Posts the data set; the oldest commit lies eight weeks back.
pub(crate) fn post(server: &Server) -> anyhow::Result<()> {
    let now = now_signed();
    let step = WEEKS * WEEK as i64 / COMMITS;
    let configurations = configurations();
    let mut random = Random(0x5eed);
    let json = "application/json".to_owned();
    let (mut commits, mut runs): (Vec<Prepared>, Vec<Prepared>) = (Vec::new(), Vec::new());
    for index in 0..COMMITS {
        let commit = commit(index, now - (COMMITS - index) * step);
        commits.push(("/api/commits", json.clone(), commit.to_string().into_bytes()));
        for (position, configuration) in configurations.iter().enumerate() {
            if (index + position as i64) % RUN_EVERY != 0 {
                continue;
            }
            let (suite, tests) = SUITES[(index as usize / 5 + position) % SUITES.len()];
            let started = now - (COMMITS - index) * step + 600 + position as i64;
            let document = json!({
                "version": 0, "suite": suite, "configuration": configuration, "commits": [commit], "timestamp": started,
                "test_results": {
                    "details": { "link": format!("https://ci.example.org/builds/{index}-{position}") },
                    "run_stats": { "start_time": started, "end_time": started + took(index, position), "tests_skipped": 3 },
                    "results": results(tests, index, position, &mut random),
                },
            });
            runs.push(("/api/upload", json.clone(), document.to_string().into_bytes()));
            if index >= COMMITS - WITH_FILES && suite == SUITES[0].0 {
                runs.push(("/api/upload/archive", form(), archive(&document)?));
            }
        }
    }
    post_all(server, &commits)?;
    post_all(server, &runs)?;
    let with_media = |(path, said): (&'static str, Value)| (path, json.clone(), said.to_string().into_bytes());
    let rest = under_review::uploads(now, &mut random).into_iter().map(|upload| ("/api/upload", upload));
    let rest: Vec<Prepared> = rest.chain(said::requests(now)).map(with_media).collect();
    post_all(server, &rest)?;
    eprintln!("posted {COMMITS} commits and their runs to {}", server.url());
    Ok(())
}

/// Seconds of a run: configurations differ, no two runs are the same, and the first one became slower a week ago.
fn took(index: i64, position: usize) -> i64 {
    let usual = 600 + 40 * position as i64 + index * 17 % 60;
    if position == 0 && index >= COMMITS - COMMITS / WEEKS { 2 * usual } else { usual }
}

fn form() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// Posts everything, several at a time.
fn post_all(server: &Server, requests: &[Prepared]) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || -> anyhow::Result<()> {
            while let Some((path, media, body)) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                server.post_small(path, media, body)?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
    })
}

/// The form of an archive: a page that names the failed tests, and the text that each produced and should have.
fn archive(document: &Value) -> anyhow::Result<Vec<u8>> {
    let mut files: Vec<(String, String)> = Vec::new();
    let folders = document["test_results"]["results"].as_object().context("no results")?;
    for (folder, tests) in folders {
        for (test, leaf) in tests.as_object().into_iter().flatten() {
            if leaf["actual"] != leaf["expected"] {
                let name = format!("{folder}/{}", test.trim_end_matches(".html"));
                files.push((format!("{name}-actual.txt"), format!("{}: {name}\nwidth 100\n", leaf["actual"])));
                files.push((format!("{name}-expected.txt"), format!("\"PASS\": {name}\nwidth 120\n")));
            }
        }
    }
    let links: String = files.iter().map(|(name, _)| format!("<li><a href=\"{name}\">{name}</a></li>\n")).collect();
    let page = format!("<!DOCTYPE html>\n<title>Failures</title>\n<h1>Failures</h1>\n<ul>\n{links}</ul>\n");
    files.push(("results.html".to_owned(), page));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in &files {
        zip.start_file(format!("layout-test-results/{name}"), SimpleFileOptions::default())?;
        zip.write_all(contents.as_bytes())?;
    }
    let zip = zip.finish()?.into_inner();
    let mut body = Vec::with_capacity(zip.len() + 2048);
    for name in ["suite", "configuration", "commits", "timestamp"] {
        let value = document[name].as_str().map_or_else(|| document[name].to_string(), str::to_owned);
        write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")?;
    }
    write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"files.zip\"\r\n\r\n")?;
    body.extend_from_slice(&zip);
    write!(body, "\r\n--{BOUNDARY}--\r\n")?;
    Ok(body)
}

fn configurations() -> Vec<Value> {
    let mut found = Vec::new();
    for (platform, version, name, model) in [
        ("mac", "14.2.0", "Sonoma", "Mac14,3"),
        ("mac", "15.0.0", "Sequoia", "Mac15,6"),
        ("ios", "18.0.0", "iOS 18", "iPhone 12"),
    ] {
        for style in ["Release", "Debug"] {
            for flavor in ["wk1", "wk2"] {
                found.push(json!({
                    "platform": platform, "version": version, "version_name": name, "model": model, "style": style,
                    "flavor": flavor, "architecture": "arm64", "is_simulator": platform == "ios",
                }));
            }
        }
    }
    found
}

fn commit(index: i64, timestamp: i64) -> Value {
    let author = ["Ada", "Grace", "Barbara"][index as usize % 3];
    let repository = if index % 4 == 3 { "safari" } else { "webkit" };
    json!({
        "repository_id": repository, "branch": "main", "timestamp": timestamp, "order": 0,
        "hash": format!("{:040x}", 0xabcd_0000_0000_i64 + index * 7919), "identifier": format!("{}@main", 270_000 + index),
        "author": { "name": author, "emails": ["dev@example.org"] },
        "message": format!("Change number {index}"),
    })
}

fn results(tests: usize, commit: i64, configuration: usize, random: &mut Random) -> Value {
    let mut folders = Map::new();
    for number in 0..tests {
        let chance = random.percent();
        let on_new_system = NEW_SYSTEM.contains(&configuration);
        let (name, actual, expected, time) = match number {
            0 => ("flaky", if chance < 30 { "TEXT" } else { "PASS" }, "PASS", 40),
            1 => ("broken", "CRASH", "PASS", 30),
            2 => ("regressed", if commit > 140 { "TEXT" } else { "PASS" }, "PASS", 50),
            3 => ("fixed", if commit < 90 { "TIMEOUT" } else { "PASS" }, "PASS", 60),
            4 => ("slow", "PASS", "PASS", 9000),
            5 => ("expected-failure", "FAIL", "FAIL", 20),
            6 if configuration % 2 == 1 => ("debug-only", "IMAGE", "PASS", 35),
            8..=13 if on_new_system && commit >= REFUSED_SINCE => ("socket", "TEXT", "PASS", 70),
            8..=13 => ("socket", "PASS", "PASS", 30),
            14 => ("again", if (100..140).contains(&commit) || commit >= 180 { "TEXT" } else { "PASS" }, "PASS", 45),
            16 if commit < CAME => continue,
            16 => ("young", if chance < 20 { "TEXT" } else { "PASS" }, "PASS", 80),
            _ => ("steady", if chance == 0 { "TIMEOUT" } else { "PASS" }, "PASS", 25),
        };
        let folder = folders.entry(["css", "dom", "media", "svg"][number % 4]).or_insert_with(|| json!({}));
        if let Some(folder) = folder.as_object_mut() {
            let mut leaf = json!({ "actual": actual, "expected": expected, "time": time + chance });
            if actual == "TEXT" {
                leaf["log"] = match name {
                    "socket" => {
                        format!("Could not connect to 127.0.0.1:{} after {} ms: refused", 8800 + number, 900 + chance)
                    }
                    _ => format!("FAIL line {number} should be {} but was {chance}", chance + 1),
                }
                .into();
            }
            folder.insert(format!("{name}-{number:03}.html"), leaf);
        }
    }
    Value::Object(folders)
}

/// A linear congruential generator (Knuth's MMIX constants): the same data set every time.
struct Random(u64);

impl Random {
    fn percent(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % 100
    }
}
