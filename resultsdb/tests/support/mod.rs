//! Servers for the tests, driven through their public doors: commands, signals, HTTP.
#![allow(dead_code)]

pub mod model;
pub mod replay;
pub mod stack;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A process that prints the address it listens on.
pub struct Server {
    pub child: Child,
    pub url: String,
}

impl Server {
    /// `serve` on a data directory, with the configuration that mirrors the recorded server.
    pub fn start(data_dir: &Path) -> Self {
        let data_dir = data_dir.display().to_string();
        let config = example("webkit.toml").display().to_string();
        Self::spawn(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &data_dir, "--config", &config])
    }

    pub fn spawn(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_resultsdb"));
        command.args(arguments);
        Self::run(command)
    }

    pub fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the address line").to_owned();
        Self { child, url }
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("{}{path}", self.url)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    pub fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Result<(u16, String), ureq::Error> {
        post(&self.url, path, body)
    }

    pub fn signal(&self, signal: &str) {
        signal_to(self.child.id(), signal);
    }

    /// Waits until the process ends.
    pub fn wait(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < DEADLINE, "still running");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a condition.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn signal_to(process: u32, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

pub fn post(url: &str, path: &str, body: &[u8]) -> Result<(u16, String), ureq::Error> {
    let mut response = agent().post(format!("{url}{path}")).send(body)?;
    let status = response.status().as_u16();
    Ok((status, response.body_mut().read_to_string()?))
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(DEADLINE))
        .build()
        .into()
}

pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

/// A run of one configuration on one commit.
pub fn upload(timestamp: i64, start: i64, results: &Value) -> Vec<u8> {
    json!({
        "version": 0, "suite": "layout-tests", "timestamp": start,
        "configuration": {"platform": "Mac", "version": "14.2", "is_simulator": false, "architecture": "arm64", "style": "Release"},
        "commits": [{"repository_id": "webkit", "branch": "main", "timestamp": timestamp, "hash": format!("{timestamp:040x}"), "message": "A change"}],
        "test_results": {"details": {"link": "https://ci.example.org/1"}, "run_stats": {"tests_skipped": 2}, "results": results},
    })
    .to_string()
    .into_bytes()
}
