//! Which runs an archive may be of, through the intake's own router.
#![allow(clippy::unwrap_used)]

mod support;

use schema::event::Request;
use serde_json::{Value, json};
use support::{Answer, Intake};

/// The end of an archive: one without files.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

async fn post(intake: &Intake, fields: &[(&str, &str)]) -> Answer {
    let commits = r#"[{"repository_id":"app","branch":"main","timestamp":1790000000,"hash":"9be1cfa0"}]"#;
    let mut body = Vec::new();
    let mut part = |header: &str, content: &[u8]| {
        body.extend_from_slice(format!("--X\r\nContent-Disposition: form-data; {header}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in [("suite", "unit"), ("commits", commits)].iter().chain(fields) {
        part(&format!("name=\"{name}\""), value.as_bytes());
    }
    part("name=\"file\"; filename=\"run.zip\"", EMPTY_ZIP);
    body.extend_from_slice(b"--X--\r\n");
    intake.post("/api/upload/archive", &[("content-type", "multipart/form-data; boundary=X")], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_a_run_of_reports_may_lack_what_the_reference_requires() {
    let intake = Intake::start().await;
    let whole = r#"{"platform":"mac","version":"14","is_simulator":false,"architecture":"arm64"}"#;
    let taken: [(&[(&str, &str)], Value); 4] = [
        (&[("label.python", "3.12"), ("platform", "linux")], json!({ "python": "3.12", "platform": "linux" })),
        (&[("platform", "linux")], json!({ "platform": "linux" })),
        (&[("configuration", r#"{"job":"nightly"}"#)], json!({ "job": "nightly" })),
        // What the reference passes over is passed over beside its own field.
        (
            &[("configuration", whole), ("platform", "linux"), ("unheard", "x")],
            json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" }),
        ),
    ];
    for (fields, _) in &taken {
        let answer = post(&intake, fields).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("ok")), "{fields:?}: {}", answer.body);
    }
    let configuration = |event: schema::event::Event| match event.header.request {
        Request::Archive { configuration, .. } => serde_json::to_value(configuration).unwrap(),
        other => unreachable!("an archive is appended as one, not {other:?}"),
    };
    let stored: Vec<Value> = intake.events().await.into_iter().map(configuration).collect();
    assert_eq!(stored.len(), taken.len());
    for (_, expected) in &taken {
        assert!(stored.contains(expected), "{expected}: {stored:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_without_labels_is_the_reference_s_and_complete() {
    let intake = Intake::start().await;
    let refused: [(&[(&str, &str)], &str); 5] = [
        (&[], "Cannot register a partial configuration"),
        (&[("configuration", r#"{"platform":"mac"}"#)], "Cannot register a partial configuration"),
        (&[("configuration", "{}"), ("label.job", "x")], "Cannot register a partial configuration"),
        (&[("label.platform", "linux")], "'label.platform' is a named member of a configuration"),
        (&[("label.Job", "x")], "'Job'"),
    ];
    for (fields, because) in refused {
        let answer = post(&intake, fields).await;
        let said = answer.body["description"].as_str().unwrap();
        assert!(answer.status == 400 && said.contains(because), "{fields:?}: {said}");
    }
    assert_eq!(intake.appended().await, 0);
}
