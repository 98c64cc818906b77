//! Events that earlier versions wrote are read by this one: each file is a record of the log as it was written.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use schema::access_key::{AccessKey, KeyEnd};
use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::event::{self, DeadLetterDecision, Decision, Header, Links, Remains, Request, UploadFingerprint};
use schema::intake_report::IntakeReport;
use schema::owners::SuiteOwners;
use schema::quarantine::{QuarantineEntry, Release};
use schema::rename::TestRename;
use schema::run_notes::RunNotes;
use serde_json::{Value, json};

fn configuration() -> Configuration {
    let members = json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"});
    serde_json::from_value(members).unwrap()
}

fn commits() -> Value {
    json!([{"repository_id": "webkit", "branch": "main", "timestamp": 1_700_000_000, "order": 0, "revision": 7}])
}

/// One event of each kind: the name of its file, its request, and its results.
fn events() -> Vec<(&'static str, Request, &'static str)> {
    let commits = || serde_json::from_value(commits()).unwrap();
    let bug = BugLink {
        suite: "layout-tests".into(),
        test: "fast/*".into(),
        url: "https://bugs.example.org/1".into(),
        note: "slow".into(),
        configuration: Configuration::default(),
        failure: None,
        message: None,
        is_open: true,
    };
    let rename = TestRename {
        suite: "layout-tests".into(),
        from: "fast/a.html".into(),
        to: "fast/b.html".into(),
        at: 1_700_000_150,
        is_open: true,
    };
    let entry = QuarantineEntry {
        suite: "layout-tests".into(),
        test: "fast/*".into(),
        configuration: configuration(),
        failure: Some("TEXT".into()),
        reason: "fails by chance".into(),
        owner: "webkit-layout".into(),
        bug: "https://bugs.example.org/1".into(),
        by: "ada".into(),
        since: 1_700_000_150,
        until: 1_701_000_000,
        release: None,
    };
    let released = QuarantineEntry { release: Some(Release { by: "grace".into() }), ..entry.clone() };
    let owners = SuiteOwners { suite: "layout-tests".into(), text: "css/ @css\n".into(), folder: "LayoutTests".into() };
    let links = Links { build: Some("https://ci.example.org/7".into()), ..Links::default() };
    vec![
        (
            "upload",
            Request::Upload {
                suite: "layout-tests".into(),
                configuration: configuration(),
                commits: commits(),
                timestamp: 1_700_000_100,
                links: Some(links),
                notes: None,
            },
            r#"{"results": {"a.html":{"actual":"TEXT","time":1.50}}}"#,
        ),
        (
            "noted_upload",
            Request::Upload {
                suite: "layout-tests".into(),
                configuration: labelled(),
                commits: commits(),
                timestamp: 1_700_000_100,
                links: None,
                notes: Some(Box::new(notes())),
            },
            r#"{"results": {"a.html":{"actual":"TEXT"}}}"#,
        ),
        (
            "key",
            Request::Key(AccessKey {
                id: "ab".repeat(6),
                name: "bots".into(),
                digest: "ab".repeat(32),
                scopes: vec!["upload:suite=layout-tests".into(), "read".into()],
                created_at: 1_700_000_000,
                expires_at: Some(1_707_776_000),
            }),
            "null",
        ),
        ("key_end", Request::KeyEnd(KeyEnd { id: "ab".repeat(6), at: 1_700_000_150 }), "null"),
        ("intake_report", Request::IntakeReport(report()), "null"),
        ("commit", Request::Commit(serde_json::from_value(self::commits()[0].clone()).unwrap()), "null"),
        ("bug", Request::Bug(bug), "null"),
        ("rename", Request::Rename(rename), "null"),
        ("quarantine", Request::Quarantine(entry.into()), "null"),
        ("quarantine_release", Request::Quarantine(released.into()), "null"),
        ("owners", Request::Owners(owners), "null"),
        (
            "archive",
            Request::Archive {
                suite: "layout-tests".into(),
                configuration: configuration(),
                commits: commits(),
                timestamp: 1_700_000_100,
                digest: "ab".repeat(32),
                size: 1234,
            },
            "null",
        ),
        (
            "ews",
            Request::Ews {
                suite: "layout-tests".into(),
                configuration: configuration(),
                commits: commits(),
                timestamp: 1_700_000_100,
                flaky_type: Some("flaky".into()),
                details: json!({"pr_number": 5}).as_object().cloned(),
            },
            r#"{"a.html":{"actual":"TEXT"}}"#,
        ),
        (
            "over",
            Request::Over(Box::new(Remains {
                configuration: Some(configuration()),
                commits: commits(),
                timestamp: 1_700_000_100,
            })),
            "null",
        ),
        (
            "dead_letter_decision",
            Request::DeadLetterDecision(DeadLetterDecision {
                partition: 3,
                offset: 7,
                found_at: 1_700_000_000,
                cause: "the event has format 7".into(),
                key: vec![0, 255],
                decision: Decision::Discarded,
            }),
            "\"07ff\"",
        ),
    ]
}

/// A configuration with members of a project's own.
fn labelled() -> Configuration {
    let mut configuration = configuration();
    configuration.labels.add("python", &"3.12".into()).unwrap();
    configuration
}

fn notes() -> RunNotes {
    serde_json::from_value(json!({
        "run": { "id": "77", "link": "https://ci.example.org/77", "exit_code": 1, "tool": "pytest" },
        "shard": { "index": 3, "count": 8, "of": "77" }, "expects": ["a.html"], "problems": ["the report is broken off"],
        "change": { "id": "12", "authors": ["ada"] },
    }))
    .unwrap()
}

fn report() -> IntakeReport {
    serde_json::from_value(json!({
        "intake": "one", "from": 1_700_000_000, "until": 1_700_000_060, "taken": 10, "refused": 2, "slow": 1,
        "problems": [{
            "status": 400, "reason": "No test suite specified", "count": 2, "example": "No test suite specified",
            "path": "/api/upload", "at": 1_700_000_030,
        }],
        "slowest": [{ "path": "/api/upload", "milliseconds": 12_345, "status": 200, "at": 1_700_000_040 }],
    }))
    .unwrap()
}

/// Events of keys have an actor; the others were written before there were any.
fn header(request: Request, results: &str) -> Header {
    let is_of_a_key = matches!(request, Request::Key(_) | Request::KeyEnd(_));
    Header {
        actor: is_of_a_key.then(|| "ada".into()),
        event_id: uuid::Uuid::from_u128(0x018b_cfe5_6800_7000_8000_0000_0000_0001),
        received_at: 1_700_000_200,
        fingerprint: UploadFingerprint::of(&request, results.as_bytes(), Some(b"a key")),
        request,
        payload: Some("cd".repeat(32)),
        request_id: Some("request-1".into()),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/events").join(format!("{name}.v1"))
}

#[test]
fn every_kind_of_event_is_read_as_it_was_first_written() {
    for (name, request, results) in events() {
        let written = std::fs::read(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = event::decode(&written).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.header, header(request, results), "{name}");
        assert_eq!(read.test_results.get(), results, "{name}");
    }
}

#[test]
fn events_of_before_there_were_optional_members_are_read() {
    let commit = &commits()[0];
    let text = json!({"event_id": uuid::Uuid::nil(), "received_at": 5, "request": {"commit": commit}}).to_string();
    let mut written = vec![1];
    written.extend(zstd::encode_all(format!("{text}\nnull").as_bytes(), 1).unwrap());
    let read = event::decode(&written).unwrap().header;
    assert_eq!((read.payload, read.fingerprint, read.request_id), (None, None, None));
    assert_eq!((read.trace, read.actor), (None, None));
}
