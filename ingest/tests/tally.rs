//! What becomes of uploads is counted, and reported as one event.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use ingest::IntakeOptions;
use schema::event::Request;
use schema::intake_report::{IntakeReport, UploadFault};
use support::Intake;

const WHERE: &str = "/api/reports?suite=unit&repository_id=app&commit=9be1cfa0&timestamp=1790000000";

/// The reports among the appended events.
async fn reports(intake: &Intake) -> Vec<IntakeReport> {
    let report = |event: schema::event::Event| match event.header.request {
        Request::IntakeReport(report) => Some(report),
        _ => None,
    };
    intake.events().await.into_iter().filter_map(report).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_reported_once_whatever_became_of_them() {
    let options = IntakeOptions { report_after: Some(Duration::from_millis(20)), ..IntakeOptions::default() };
    let intake = Intake::with(options).await;
    assert_eq!(intake.post(WHERE, &[], b"1..1\nok 1 - a\n".to_vec()).await.status, 200);
    let odd = br#"{"suite":"s","commits":[{"repository_id":"w","branch":"main","timestamp":1790000000,"revision":1}],
        "configuration":{"platform":"Mac","version":"14","is_simulator":false,"architecture":"arm64"},
        "test_results":{"results":{"a":{"actual":"FAILED"}}}}"#;
    assert_eq!(intake.post("/api/upload", &[], odd.to_vec()).await.status, 200);
    for name in ["x", "y"] {
        assert_eq!(intake.post(&format!("{WHERE}&{name}=1"), &[], Vec::new()).await.status, 400);
    }
    assert_eq!(intake.post("/api/upload", &[("content-encoding", "br")], Vec::new()).await.status, 415);
    assert_eq!(intake.post("/api/bugs", &[], Vec::new()).await.status, 400, "no upload");
    let counted = |reports: &[IntakeReport]| -> (u64, u64) {
        (reports.iter().map(|it| it.taken).sum(), reports.iter().map(|it| it.refused).sum())
    };
    test_support::wait::until_async("all are reported", async || counted(&reports(&intake).await) == (2, 3)).await;
    let reports = reports(&intake).await;
    let mut problems: Vec<(u16, String, u64)> = Vec::new();
    for problem in reports.iter().flat_map(|report| &report.problems) {
        match problems.iter_mut().find(|known| (known.0, &known.1) == (problem.status, &problem.reason)) {
            Some(known) => known.2 += problem.count,
            None => problems.push((problem.status, problem.reason.clone(), problem.count)),
        }
    }
    problems.sort();
    let of: Vec<(u16, u64)> = problems.iter().map(|(status, _, count)| (*status, *count)).collect();
    assert_eq!(of, [(200, 1), (400, 2), (415, 1)], "{problems:?}");
    assert!(problems[0].1.contains("which is no state"), "{problems:?}");
    assert!(problems[1].1.starts_with("'…' is no parameter of this endpoint"), "{problems:?}");
    // What to do is told by the kind of the fault, whatever its words.
    let faults: Vec<_> = reports.iter().flat_map(|it| &it.problems).map(|it| (it.status, it.fault)).collect();
    assert!(faults.contains(&(200, Some(UploadFault::UnknownState))), "{faults:?}");
    assert!(faults.contains(&(400, Some(UploadFault::Other))), "{faults:?}");
    let example = reports.iter().flat_map(|it| &it.problems).find(|it| it.status == 415).unwrap();
    assert_eq!((example.path.as_str(), example.example.contains("'br'")), ("/api/upload", true));
}
