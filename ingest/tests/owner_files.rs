//! Files of owners as every kind of host has them, and what the intake appends of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use eventlog::EventLog;
use ingest::sources::{Source, SourceError};
use ingest::{IntakeOptions, SuiteFile, read_owner_files};
use outbound::{Outbound, OutboundOptions};
use schema::EVENTS_TOPIC;
use schema::blobs::Blobs;
use schema::event::{self, Request as Asked};
use schema::lease::Lease;
use schema::owners::{MAX_FILE_BYTES, SuiteOwners};
use serde_json::json;
use test_support::forge::{TOKEN, serve};
use test_support::git::git;
use test_support::processing::Surroundings;
use test_support::visits::Visits;
use test_support::wait::until_async;
use tokio::sync::watch;
use uuid::Uuid;

const START: i64 = 1_700_000_000;
const TEXT: &str = "# \u{1F980}\n/css/ @css\n\n";

/// The hosts of the tests listen on this machine.
fn local() -> Outbound {
    OutboundOptions { allow: vec!["127.0.0.1".to_owned()] }.try_into().unwrap()
}

fn file(source: &Source, path: &str) -> Result<Option<String>, SourceError> {
    source.file(&local(), "main", path)
}

fn commit(repository: &Path, message: &str) {
    git(repository, START, &["add", "."]);
    git(repository, START, &["commit", "-q", "-m", message]);
}

fn repository(at: &Path) {
    git(at, START, &["init", "-q", "-b", "main"]);
    for folder in [".github", "a b", "empty"] {
        std::fs::create_dir(at.join(folder)).unwrap();
    }
    std::fs::write(at.join(".github/CODEOWNERS"), TEXT).unwrap();
    std::fs::write(at.join("a b/%2F#*"), "* @odd\n").unwrap();
    std::fs::write(at.join("empty/FILE"), "").unwrap();
    std::fs::write(at.join("LATIN"), b"css/ @caf\xe9\n").unwrap();
    std::fs::write(at.join("LARGE"), "#".repeat(MAX_FILE_BYTES)).unwrap();
    std::fs::write(at.join("LARGER"), "#".repeat(MAX_FILE_BYTES + 1)).unwrap();
    commit(at, "files");
    git(at, 0, &["checkout", "-q", "-b", "other"]);
    std::fs::write(at.join("ELSEWHERE"), "* @other\n").unwrap();
    commit(at, "another branch");
    std::fs::write(at.join("WORK"), "* @nobody committed this\n").unwrap();
}

fn check(source: &Source) {
    assert_eq!(file(source, ".github/CODEOWNERS").unwrap().as_deref(), Some(TEXT));
    assert_eq!(file(source, "a b/%2F#*").unwrap().as_deref(), Some("* @odd\n"));
    assert_eq!(file(source, "empty/FILE").unwrap().as_deref(), Some(""));
    assert_eq!(file(source, "LARGE").unwrap().map(|text| text.len()), Some(MAX_FILE_BYTES));
    for missing in ["CODEOWNERS", "ELSEWHERE", "WORK", "*", ":(glob)*", "LATIN/a"] {
        assert!(matches!(file(source, missing), Ok(None)), "{missing}: {:?}", file(source, missing));
    }
    for (path, cause) in [("LATIN", "no text in UTF-8"), ("LARGER", "more than 1048576 bytes")] {
        let error = file(source, path).unwrap_err();
        assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
        assert!(error.to_string().starts_with(path) && error.to_string().contains(cause), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hosts_have_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let (work, token) = (folder.path().join("work"), folder.path().join("token"));
    std::fs::create_dir(&work).unwrap();
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    repository(&work);
    let (work_path, copy) = (work.display().to_string(), folder.path().join("copy.git"));
    git(folder.path(), 0, &["clone", "-q", "--bare", &work_path, &copy.display().to_string()]);
    let url = serve(work.clone()).await;
    let token_file = Some(token);
    let github = Source::Github { url: url.clone(), repository: "owner/name".into(), token_file: token_file.clone() };
    let gitlab = Source::Gitlab { url: url.clone(), project: "group/name".into(), token_file };
    let others = [
        Source::Github { url: url.clone(), repository: "owner/name".into(), token_file: None },
        Source::Gitlab { url, project: "group/name".into(), token_file: None },
    ];
    tokio::task::spawn_blocking(move || {
        let clones = [Source::Git { path: work }, Source::Git { path: copy }];
        for source in clones.iter().chain([&github, &gitlab]) {
            check(source);
        }
        for source in [&clones[0], &github] {
            let error = file(source, ".github").unwrap_err().to_string();
            assert!(error.contains(".github of ") && error.contains("no file"), "{error}");
        }
        assert!(matches!(file(&gitlab, ".github"), Ok(None)));
        for source in &clones {
            let error = source.file(&local(), "nowhere", "CODEOWNERS").unwrap_err();
            assert!(matches!(error, SourceError::Unknown(..)), "{error}");
        }
        for source in others {
            let error = file(&source, "CODEOWNERS").unwrap_err().to_string();
            assert!(error.contains("did not answer: status 401") && !error.contains(TOKEN), "{error}");
            let error = source.file(&Outbound::default(), "main", "CODEOWNERS").unwrap_err().to_string();
            assert!(error.contains("is private (loopback)"), "{error}");
        }
    })
    .await
    .unwrap();
}

/// Answers everything with what it was told last, and counts questions.
#[derive(Clone)]
struct Host {
    answer: Arc<Mutex<(u16, &'static str, String)>>,
    asked: Arc<AtomicUsize>,
    url: String,
}

impl Host {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let host =
            Self { answer: Arc::new(Mutex::new((404, "text/plain", String::new()))), asked: Arc::default(), url };
        let app = Router::new().fallback(Self::respond).with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        host
    }

    /// Answers so from now on; `location` is where a redirect leads, and the text of everything else.
    fn says(&self, status: u16, kind: &'static str, location: impl Into<String>) {
        *self.answer.lock().unwrap() = (status, kind, location.into());
    }

    async fn respond(State(host): State<Self>, _: Request) -> Response {
        let (status, kind, text) = host.answer.lock().unwrap().clone();
        host.asked.fetch_add(1, Ordering::SeqCst);
        let response = Response::builder().status(status).header("content-type", kind);
        let response = if status == 302 { response.header("location", text.clone()) } else { response };
        response.body(text.into()).unwrap()
    }

    /// Waits until a look that begins after this is over: of two more questions the first one may have been asked before.
    async fn looked(&self) {
        let before = self.asked.load(Ordering::SeqCst);
        until_async("the host is asked again", async || self.asked.load(Ordering::SeqCst) >= before + 6).await;
    }

    fn github(&self) -> Source {
        Source::Github { url: self.url.clone(), repository: "owner/name".into(), token_file: None }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_not_taken_for_one() {
    let host = Host::start().await;
    let elsewhere = Visits::start();
    let sources =
        [host.github(), Source::Gitlab { url: host.url.clone(), project: "group/name".into(), token_file: None }];
    let away = format!("http://127.0.0.1:{}/secret", elsewhere.port);
    for (status, kind, text, told) in [
        (403, "application/json", "{}", "did not answer: status 403 for /"),
        (429, "text/plain", "* @a\n", "did not answer: status 429 for /"),
        (500, "text/plain", "* @a\n", "did not answer: status 500 for /"),
        (302, "text/plain", away.as_str(), "a server follows no redirect to another host"),
        (200, "text/html; charset=utf-8", "<title> @a", "answers with text/html"),
        (200, "application/json", "[]", "answers with application/json"),
    ] {
        host.says(status, kind, text);
        for source in sources.clone() {
            let error = tokio::task::spawn_blocking(move || file(&source, "CODEOWNERS")).await.unwrap().unwrap_err();
            assert!(error.to_string().contains(told) && !error.to_string().contains("secret"), "{told} in {error}");
        }
    }
    assert_eq!(elsewhere.count(), 0);
}

/// Each intake of a test is another process to the others.
fn right(blobs: &Blobs) -> Lease {
    Lease::want(blobs, "owners", Uuid::now_v7().to_string())
}

/// What was appended of owners, and for whom.
async fn appended(around: &Surroundings) -> Vec<(SuiteOwners, String)> {
    let count: u64 = around.log.end_offsets(EVENTS_TOPIC).await.unwrap().iter().sum();
    let mut reader = around.log.read(EVENTS_TOPIC, &[0, 0]).await.unwrap();
    let mut records = Vec::new();
    while (records.len() as u64) < count {
        records.extend(reader.poll(100, 1 << 30, Duration::from_secs(10)).await.unwrap());
    }
    let owners = |record: &eventlog::Record| {
        let header = event::decode(&record.value).unwrap().header;
        let Asked::Owners(owners) = header.request else { panic!("{header:?}") };
        (owners, header.actor.unwrap_or_default())
    };
    records.iter().map(owners).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_intakes_append_what_is_new_once() {
    let around = Surroundings::start().await;
    let host = Host::start().await;
    let entry: SuiteFile =
        serde_json::from_value(json!({ "suite": "s", "folder": "tests", "files": ["CODEOWNERS"] })).unwrap();
    let options = IntakeOptions {
        sources: BTreeMap::from([("project".to_owned(), host.github())]),
        owner_files: BTreeMap::from([("project".to_owned(), vec![entry])]),
        owners_every: Some(Duration::from_millis(20)),
        outbound: local(),
        ..IntakeOptions::default()
    };
    let (stopping, stop) = watch::channel(false);
    let (applied, _batches) = watch::channel(0);
    let processor = around.processor(around.log.clone(), applied, stop.clone());
    let (log, client, blobs) = (around.log.clone(), around.client.clone(), around.blobs.clone());
    let intakes: Vec<_> = (0..2)
        .map(|_| {
            let log: Arc<dyn EventLog> = log.clone();
            let stop = stop.clone();
            tokio::spawn(read_owner_files(log, client.clone(), blobs.clone(), options.clone(), right, stop))
        })
        .collect();
    let said = |text: &str| {
        let (suite, text, folder) = ("s".to_owned(), text.to_owned(), "tests".to_owned());
        (SuiteOwners { suite, text, folder }, "the repository project".to_owned())
    };
    let mut expected = Vec::new();
    // Nothing is said where there is no file, where there never was one, and where what is there says nothing.
    for (status, kind, text, is_new) in [
        (404, "text/plain", "", false),
        (200, "text/plain", "# nobody\n", false),
        (200, "text/plain", "/tests/css/ @css\n", true),
        (200, "text/plain", "/tests/css/ @css\n", false),
        (404, "text/plain", "", false),
        (500, "text/plain", "* @all\n", false),
        (200, "text/plain", "no-owner\n", false),
        (200, "text/plain", "* @all\n", true),
        (200, "text/plain", "/tests/css/ @css\n", true),
        (200, "text/plain", "# nobody\n", true),
        (200, "text/plain", "\n", false),
    ] {
        host.says(status, kind, text);
        if is_new {
            expected.push(said(if text.contains('@') { text } else { "" }));
            until_async("what is new is appended", async || appended(&around).await.len() >= expected.len()).await;
        }
        host.looked().await;
        assert_eq!(appended(&around).await, expected, "{status} {text}");
    }
    stopping.send(true).unwrap();
    for intake in intakes {
        intake.await.unwrap();
    }
    processor.await.unwrap().unwrap();
    assert_eq!(around.count("owner_files FINAL").await, 1);
    around.engine.shutdown().await;
}
