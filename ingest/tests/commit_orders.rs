//! Commits of one second get places of their own in it: what the intake appends says which.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use schema::commit::Commit;
use schema::event::{Event, Request};
use serde_json::{Value, json};
use support::Intake;

const SECOND: i64 = 1_790_000_000;

/// An intake whose store is away: what it knows of commits is what it has placed itself. What it appends counts as
/// processed at once.
async fn intake() -> Intake {
    Intake::start().await.processing().await
}

/// Uploads a run of some commits; status and answer.
async fn upload(intake: &Intake, commits: Value) -> (u16, Value) {
    let configuration = json!({"platform": "Mac", "version": "14", "is_simulator": false, "architecture": "arm64"});
    let document = json!({
        "suite": "s", "configuration": configuration, "commits": commits, "timestamp": SECOND + 60,
        "test_results": { "results": {"a": {}} },
    });
    let answer = intake.post("/api/upload", &[], document.to_string().into_bytes()).await;
    (answer.status, answer.body)
}

/// Hash and order of each commit of each appended upload.
async fn appended(intake: &Intake) -> Vec<(String, i64)> {
    let commits = |event: Event| match event.header.request {
        Request::Upload { commits, .. } => commits,
        _ => Vec::new(),
    };
    let place = |commit: Commit| (commit.hash.unwrap(), commit.order);
    intake.events().await.into_iter().flat_map(commits).map(place).collect()
}

fn commit(hash: &str) -> Value {
    json!({"repository_id": "w", "branch": "main", "timestamp": SECOND, "hash": hash})
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_one_second_are_placed_one_after_the_other_however_they_come() {
    let intake = Arc::new(intake().await);
    let hashes: Vec<String> = (0..20).map(|number| format!("a{number:02}")).collect();
    let uploads: Vec<_> = hashes
        .iter()
        .flat_map(|hash| [hash.clone(), hash.clone()])
        .map(|hash| {
            let intake = Arc::clone(&intake);
            tokio::spawn(async move { upload(&intake, json!([commit(&hash)])).await.0 })
        })
        .collect();
    for upload in uploads {
        assert_eq!(upload.await.unwrap(), 200);
    }
    let placed: BTreeSet<(String, i64)> = appended(&intake).await.into_iter().collect();
    assert_eq!(placed.len(), hashes.len(), "each commit has one place: {placed:?}");
    let orders: BTreeSet<i64> = placed.iter().map(|(_, order)| *order).collect();
    assert_eq!(orders, (0..20).collect(), "no place is given away twice, none is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_upload_may_name_several_commits_of_a_second() {
    let intake = intake().await;
    let ordered = json!({"repository_id": "w", "branch": "main", "timestamp": SECOND, "hash": "d4", "order": 7});
    let other = json!({"repository_id": "w", "branch": "side", "timestamp": SECOND, "hash": "b2"});
    let commits = json!([commit("a1"), commit("b2"), ordered, commit("c3"), commit("a1ff"), other]);
    assert_eq!(upload(&intake, commits).await.0, 200);
    let expected = [("a1", 0), ("b2", 1), ("d4", 7), ("c3", 8), ("a1ff", 0), ("b2", 0)];
    assert_eq!(appended(&intake).await, expected.map(|(hash, order)| (hash.to_owned(), order)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_without_room_refuses_another_commit() {
    let intake = intake().await;
    let full: Vec<Value> = (0..100).map(|number| commit(&format!("a{number:02}"))).collect();
    assert_eq!(upload(&intake, Value::Array(full)).await.0, 200);
    let (status, answer) = upload(&intake, json!([commit("b2")])).await;
    let description = answer["description"].as_str().unwrap();
    assert_eq!(status, 400, "{description}");
    assert!(description.starts_with("'main' of 'w' has 100 commits at second 1790000000 already"), "{description}");
    assert_eq!(upload(&intake, json!([commit("a42")])).await.0, 200, "known commits are taken as ever");
}
