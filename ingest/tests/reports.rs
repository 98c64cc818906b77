//! Reports of test runners through the intake's own router: what becomes of them in the log, and what is refused.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;

use schema::event::Request;
use serde_json::{Value, json};
use support::Intake;

const JUNIT: &str = r#"<testsuite name="pytest" tests="3">
  <testcase classname="tests.test_a" name="test_good" time="0.012"/>
  <testcase classname="tests.test_a" name="test_bad" time="0.5"><failure message="expected 3">trace</failure></testcase>
  <testcase classname="tests.test_a" name="test_off"><skipped message="later"/></testcase>
</testsuite>"#;
const WHERE: &str = "suite=unit&repository_id=app&commit=9be1cfa0&timestamp=1790000000";

fn path(more: &str) -> String {
    format!("/api/reports?{WHERE}{more}")
}

/// The suite, the configuration, the start and the results of the only appended run.
async fn only_run(intake: &Intake) -> (Value, i64, Value) {
    let events = intake.events().await;
    assert_eq!(events.len(), 1);
    let Request::Upload { suite, configuration, commits, timestamp, links, .. } = &events[0].header.request else {
        unreachable!("an upload is appended as one")
    };
    assert_eq!((suite.as_str(), commits[0].hash.as_deref()), ("unit", Some("9be1cfa0")));
    let link = links.as_ref().and_then(|links| links.build.clone());
    let described = json!({ "configuration": configuration, "link": link, "branch": commits[0].branch });
    (described, *timestamp, serde_json::from_str(events[0].test_results.get()).unwrap())
}

fn named<'a>(results: &'a Value, end: &str) -> &'a Value {
    let results = results["results"].as_object().unwrap();
    let found: Vec<&Value> = results.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, leaf)| leaf).collect();
    assert_eq!(found.len(), 1, "{end}: {results:?}");
    found[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_report_is_an_upload() {
    let intake = Intake::start().await;
    let more = "&started=1790000100&link=https://ci.example.org/7&platform=linux&label.python=3.12";
    let taken = intake.post(&path(more), &[], JUNIT.into()).await;
    assert_eq!((taken.status, &taken.body["status"]), (200, &json!("ok")), "{}", taken.body);
    assert!(taken.headers.contains_key("resultsdb-receipt"));
    let (described, start, results) = only_run(&intake).await;
    let configuration = json!({ "platform": "linux", "python": "3.12" });
    let expected = json!({ "configuration": configuration, "link": "https://ci.example.org/7", "branch": "main" });
    assert_eq!((described, start), (expected, 1_790_000_100));
    assert_eq!(
        (&named(&results, "test_good")["actual"], &named(&results, "test_good")["time"]),
        (&json!("PASS"), &json!(12))
    );
    assert_eq!(
        (&named(&results, "test_bad")["actual"], &named(&results, "test_bad")["log"]),
        (&json!("FAIL"), &json!("expected 3\ntrace"))
    );
    assert_eq!(named(&results, "test_off")["actual"], "SKIP");
    assert_eq!(named(&results, "(run)")["actual"], "PASS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_may_hold_archives_and_parameters() {
    let intake = Intake::start().await;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("out/a.xml", options).unwrap();
    zip.write_all(JUNIT.as_bytes()).unwrap();
    zip.start_file("out/notes.txt", options).unwrap();
    zip.write_all(b"no report").unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let mut body = Vec::new();
    let mut part = |header: &str, content: &[u8]| {
        body.extend_from_slice(format!("--X\r\nContent-Disposition: form-data; {header}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    part("name=\"label.job\"", b"nightly");
    part("name=\"change\"", b"12");
    part("name=\"file\"; filename=\"reports.zip\"", &zip);
    part("name=\"file\"; filename=\"more.tap\"", b"1..1\nok 1 - from tap\n");
    body.extend_from_slice(b"--X--\r\n");
    let form = ("content-type", "multipart/form-data; boundary=X");
    let taken = intake.post(&path(""), &[form], body.clone()).await;
    assert_eq!(taken.status, 200, "{}", taken.body);
    let (described, _, results) = only_run(&intake).await;
    assert_eq!(
        (&described["branch"], &described["configuration"]),
        (&json!("change/12"), &json!({ "job": "nightly" }))
    );
    assert_eq!(results["results"].as_object().unwrap().len(), 5, "{results}");
    assert_eq!(named(&results, "from tap")["actual"], "PASS");

    let empty = intake.post(&path(""), &[form], b"--X--\r\n".to_vec()).await;
    assert_eq!(
        (empty.status, empty.body["description"].as_str().unwrap().starts_with("No report provided")),
        (400, true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_the_same_upload_even_without_a_start() {
    let intake = Intake::start().await;
    let key = ("idempotency-key", "build 7");
    let first = intake.post(&path(""), &[key], JUNIT.into()).await;
    let again = intake.post(&path(""), &[key], JUNIT.into()).await;
    assert_eq!((first.status, again.status), (200, 200), "{}", again.body);
    assert_eq!(first.headers["resultsdb-receipt"], again.headers["resultsdb-receipt"]);
    assert_eq!(intake.appended().await, 1);
    let other = intake.post(&path(""), &[key], JUNIT.replace("expected 3", "expected 4").into()).await;
    assert_eq!((other.status, intake.appended().await), (422, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_well_is_not_green() {
    let intake = Intake::start().await;
    let cut = &JUNIT[..JUNIT.len() - 30];
    assert_eq!(intake.post(&path("&exit_code=0"), &[], cut.into()).await.status, 200);
    let (_, _, results) = only_run(&intake).await;
    let run = named(&results, "(run)");
    assert_eq!(run["actual"], "ERROR");
    let log = run["log"].as_str().unwrap();
    assert!(log.contains("the report is broken off"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_refused_and_nothing_is_appended() {
    let intake = Intake::start().await;
    for (path, body, said) in [
        (path(""), "", "is empty"),
        (path(""), "<html><body>no</body></html>", "is in no form of report"),
        (path(""), "{\"colour\": \"red\"}", "is in no form of report"),
        (path(""), "<!DOCTYPE x [<!ENTITY a 'b'>]><testsuite/>", "document type"),
        (path("&colour=red"), JUNIT, "'colour' is no parameter"),
        (path("&label.Python=3"), JUNIT, "'Python' cannot be a member"),
        ("/api/reports".to_owned(), JUNIT, "No test suite specified"),
        ("/api/reports?suite=unit".to_owned(), JUNIT, "write repository_id="),
    ] {
        let refused = intake.post(&path, &[], body.into()).await;
        assert_eq!(refused.status, 400, "{path}: {body}: {}", refused.body);
        let description = refused.body["description"].as_str().unwrap();
        assert!(description.contains(said), "{path}: {description}");
        assert!(!description.contains("/tmp"), "{description}");
    }
    assert_eq!(intake.appended().await, 0);
}
