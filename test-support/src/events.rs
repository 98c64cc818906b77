//! Events of the log as the intake appends them.

use bytes::Bytes;
use schema::event::{self, Event, Header, Links, Request};
use serde_json::{Value, json};

/// The header of an event that the intake received at `received_at`, in seconds since 1970.
pub fn header(received_at: i64, request: Request) -> Header {
    Header {
        event_id: uuid::Uuid::now_v7(),
        received_at,
        request,
        payload: None,
        fingerprint: None,
        request_id: None,
        trace: None,
        actor: None,
    }
}

/// An upload's request. `configuration` and `commit` are as the log has them: versions are numbers, commits complete.
pub fn upload(suite: &str, configuration: Value, commit: Value, start: i64, links: Option<Links>) -> Request {
    Request::Upload {
        suite: suite.to_owned(),
        configuration: serde_json::from_value(configuration).unwrap(),
        commits: vec![serde_json::from_value(commit).unwrap()],
        timestamp: start,
        links,
        notes: None,
    }
}

/// A run that started at `start`, in seconds since 1970, and linked its build; `results` is the tree of its tests.
pub fn run(suite: &str, configuration: Value, commit: &Value, start: i64, results: &Value) -> Event {
    let document = json!({ "details": {}, "run_stats": {}, "results": results });
    let links = Links { queue: None, build: Some("https://ci.example.org/1".into()), worker: None };
    Event {
        header: header(start, upload(suite, configuration, commit.clone(), start, Some(links))),
        test_results: serde_json::value::to_raw_value(&document).unwrap(),
    }
}

/// The registration of a commit at `received_at`, in seconds since 1970.
pub fn commit(received_at: i64, commit: Value) -> Event {
    Event {
        header: header(received_at, Request::Commit(serde_json::from_value(commit).unwrap())),
        test_results: serde_json::value::to_raw_value(&()).unwrap(),
    }
}

/// An encoded run of two tests, one of which crashes; each index has a commit of its own.
pub fn encoded_run(suite: &str, index: i64) -> Bytes {
    let commit =
        json!({"repository_id": "w", "branch": "main", "timestamp": 1_790_000_000 + index, "revision": index + 1});
    let configuration =
        json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"});
    let request = upload(suite, configuration, commit, 1_790_000_050, Some(Links::default()));
    let header = header(1_790_000_100, request);
    event::encode(&header, r#"{"results":{"a":{"actual":"CRASH"},"b":{}}}"#).unwrap().into()
}
