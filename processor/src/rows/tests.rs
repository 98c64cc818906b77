//! From events to rows.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use schema::configuration::Configuration;
use schema::event::{Event, Header, Request};
use schema::quarantine::{QuarantineEntry, Release};
use schema::rename::TestRename;
use schema::retention::{DEFAULT_SECONDS, Retention, RetentionRule};
use schema::store::results::RunResults;
use schema::store::rows::{QuarantineRow, RenameRow};

use super::EventRows;
use super::columns::WEEK_SECONDS;
use super::registration::HOUR_SECONDS;

fn event(results: &str) -> Event {
    let commit = serde_json::json!({"repository_id": "w", "branch": "main", "timestamp": 1_700_000_000, "revision": 1});
    let configuration =
        serde_json::json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"});
    let header = Header {
        event_id: Default::default(),
        received_at: 1_700_000_100,
        request: Request::Upload {
            suite: "s".into(),
            configuration: serde_json::from_value(configuration).unwrap(),
            commits: vec![serde_json::from_value(commit).unwrap()],
            timestamp: 1_700_000_050,
            links: None,
            notes: None,
        },
        payload: None,
        fingerprint: None,
        request_id: None,
        trace: None,
        actor: None,
    };
    Event { header, test_results: serde_json::from_str(results).unwrap() }
}

fn results(rows: &EventRows) -> usize {
    rows.results.iter().map(RunResults::len).sum()
}

#[test]
fn one_upload_makes_rows_in_every_view() {
    let mut rows = EventRows::default();
    rows.add(event(r#"{"results":{"a":{"actual":"CRASH"},"b":{}},"run_stats":{"x":1}}"#), 1);
    assert_eq!((rows.runs.len(), results(&rows), rows.failures.len(), rows.tests.len()), (1, 2, 1, 2));
    assert_eq!(rows.runs[0].stats.split(",\"tests_failed").next().unwrap(), r#"{"x":1,"tests_run":2"#);
    assert_eq!((rows.uploads.len(), rows.commits.len(), rows.configurations.len(), rows.suites.len()), (1, 1, 1, 1));
}

#[test]
fn a_surprising_pass_is_kept_beside_the_failures() {
    let mut rows = EventRows::default();
    let pass = r#"{"actual":"PASS","expected":"TEXT"}"#;
    rows.add(event(&format!(r#"{{"results":{{"a":{pass},"b":{{"actual":"PASS"}},"c":{{"actual":"TEXT"}}}}}}"#)), 1);
    let kept: Vec<(&str, u8, u8)> =
        rows.failures.iter().map(|row| (row.test.as_str(), row.worst, row.worst_unexpected)).collect();
    assert_eq!(kept, [("a", 8, 8), ("c", 4, 4)]);
}

#[test]
fn a_week_whose_commits_were_tested_is_noted_once() {
    let mut rows = EventRows::default();
    rows.add(event(r#"{"results":{"a":{}}}"#), 1);
    rows.add(event(r#"{"results":{"b":{}}}"#), 2);
    // 1,700,000,000 is a Tuesday.
    let monday = 1_700_000_000 / 86_400 * 86_400 - 86_400;
    let weeks: Vec<(u32, u32)> = rows.tested_weeks.iter().map(|row| (row.start_week, row.commit_week)).collect();
    assert_eq!(weeks, [(monday, monday)]);
}

#[test]
fn what_did_not_run_is_stored_as_such_and_is_no_failure() {
    let mut rows = EventRows::default();
    let tests =
        r#"{"a":{"actual":"SKIP"},"b":{"actual":"FAILED"},"c":{"actual":"NOTRUN"},"d":{"actual":"TEXT bad"},"e":{}}"#;
    rows.add(event(&format!(r#"{{"results":{tests},"run_stats":{{"tests_skipped":7}}}}"#)), 1);
    let run = &rows.runs[0];
    assert_eq!((run.tests_run, run.tests_not_run, run.tests_unknown, run.tests_unexpected_failed), (5, 3, 2, 1));
    assert!(run.stats.starts_with(r#"{"tests_skipped":7,"tests_run":5,"tests_failed":1,"#), "{}", run.stats);
    assert_eq!((rows.failures.len(), rows.failures[0].test.as_str(), results(&rows)), (1, "d", 5));
}

#[test]
fn malformed_results_leave_no_half_of_themselves() {
    let mut rows = EventRows::default();
    rows.add(event(r#"{"results":{"a":{"actual":"CRASH"},"b":{"c":{},"d":1}}}"#), 1);
    assert_eq!((rows.uploads.len(), rows.runs.len(), results(&rows), rows.failures.len()), (1, 0, 0, 0));
}

#[test]
fn a_name_is_written_once_a_week() {
    let mut rows = EventRows::default();
    rows.add(event(r#"{"results":{"a":{},"b":{}}}"#), 1);
    rows.add(event(r#"{"results":{"b":{},"c":{},"d":{"e":{},"f":1}}}"#), 2);
    rows.add(event(r#"{"results":{"b":{},"c":{}}}"#), 3);
    let names = |rows: &EventRows| rows.tests.iter().map(|row| row.test.clone()).collect::<Vec<_>>();
    assert_eq!(names(&rows), ["a", "b", "c"]);
    let mut next = EventRows::new(Arc::new(rows.written().clone()), Arc::default());
    next.add(event(r#"{"results":{"c":{},"d":{}}}"#), 4);
    let mut later = event(r#"{"results":{"a":{}}}"#);
    later.header.received_at += i64::from(WEEK_SECONDS);
    next.add(later, 5);
    assert_eq!((names(&next), results(&next)), (vec!["d".to_owned(), "a".to_owned()], 3));
}

#[test]
fn a_configuration_is_written_once_an_hour_and_a_suite_once_a_week() {
    let mut rows = EventRows::default();
    rows.add(event(r#"{"results":{"a":{}}}"#), 1);
    rows.add(event(r#"{"results":{"a":{}}}"#), 2);
    let counts = |rows: &EventRows| (rows.repositories.len(), rows.configurations.len(), rows.suites.len());
    assert_eq!(counts(&rows), (1, 1, 1));
    let configuration = &rows.configurations[0];
    assert_eq!(configuration.last_start_time % HOUR_SECONDS, 0);
    assert!(configuration.last_start_time >= rows.runs[0].start_time, "it is not forgotten early");
    let written = Arc::new(rows.written().clone());
    let mut same = EventRows::new(Arc::clone(&written), Arc::default());
    same.add(event(r#"{"results":{"a":{}}}"#), 3);
    assert_eq!(counts(&same), (0, 0, 0));
    let mut later = event(r#"{"results":{"a":{}}}"#);
    later.header.received_at += i64::from(WEEK_SECONDS);
    if let Request::Upload { timestamp, .. } = &mut later.header.request {
        *timestamp += i64::from(HOUR_SECONDS);
    }
    let mut next = EventRows::new(written, Arc::default());
    next.add(later, 4);
    assert_eq!(counts(&next), (0, 1, 1));
}

#[test]
fn a_rename_is_a_row_that_a_later_one_replaces() {
    let rename = |number: u128, at: i64, is_open: bool| {
        let mut event = event("null");
        event.header.event_id = uuid::Uuid::from_u128(number << 64);
        let (suite, from, to) = ("s".into(), "a".into(), "b".into());
        event.header.request = Request::Rename(TestRename { suite, from, to, at, is_open });
        event
    };
    let mut rows = EventRows::default();
    rows.add(rename(5, 1_700_000_000, true), 9);
    rows.add(rename(6, -1, false), 3);
    let row = |at, is_open, version| RenameRow {
        suite: "s".into(),
        from_test: "a".into(),
        to_test: "b".into(),
        renamed_at: at,
        is_open,
        recorded_at: 1_700_000_100,
        version,
    };
    // The time of the event decides and not its offset: renames may come through any partition.
    assert_eq!(rows.renames, [row(1_700_000_000, 1, 5), row(0, 0, 6)]);
    assert!(rows.tests.is_empty() && rows.runs.is_empty() && rows.results.is_empty());
}

#[test]
fn a_release_is_a_row_that_replaces_the_one_of_its_entry() {
    let entry = |number: u128, release: Option<Release>| {
        let mut event = event("null");
        event.header.event_id = uuid::Uuid::from_u128(number << 64);
        event.header.actor = Some("grace".into());
        let entry = QuarantineEntry {
            suite: "s".into(),
            test: "a*".into(),
            configuration: Configuration { platform: Some("Mac".into()), ..Configuration::default() },
            failure: Some("TEXT".into()),
            reason: "by chance".into(),
            owner: "layout".into(),
            bug: String::new(),
            by: "ada".into(),
            since: 1_700_000_050,
            until: 1_700_086_400,
            release,
        };
        event.header.request = Request::Quarantine(entry.into());
        event
    };
    let mut rows = EventRows::default();
    rows.add(entry(5, None), 9);
    rows.add(entry(6, Some(Release { by: "grace".into() })), 3);
    let [parked, released] = rows.quarantine.as_slice() else { unreachable!("{:?}", rows.quarantine) };
    let key = |row: &QuarantineRow| {
        (row.suite.clone(), row.test.clone(), row.configuration.clone(), row.failure.clone(), row.since, row.until)
    };
    assert_eq!(key(parked), key(released));
    assert_eq!(parked.configuration, r#"{"platform":"Mac"}"#);
    assert_eq!((parked.released_at, parked.released_by.as_str(), parked.version), (0, "", 5));
    assert_eq!(
        (released.released_at, released.released_by.as_str(), released.parked_by.as_str(), released.version),
        (1_700_000_100, "grace", "ada", 6)
    );
    let told: Vec<(&str, &str)> = rows.audit.iter().map(|row| (row.action.as_str(), row.subject.as_str())).collect();
    assert_eq!(
        told,
        [
            ("quarantined a test", "s a* TEXT on Mac until 2023-11-15 22:13 UTC: by chance"),
            ("released a test from quarantine", "s a* TEXT on Mac"),
        ]
    );
}

#[test]
fn expired_runs_are_not_stored() {
    let mut late = event(r#"{"results":{"a":{}}}"#);
    late.header.received_at = 1_700_000_000 + DEFAULT_SECONDS;
    let mut rows = EventRows::default();
    rows.add(late, 1);
    assert!(rows.runs.is_empty() && rows.results.is_empty() && rows.uploads.is_empty());
}

#[test]
fn a_run_is_stored_for_as_long_as_its_suite_is_kept() {
    let rule = RetentionRule { suite: Some("s*".into()), branch: None, weeks: 4 };
    let retention = Arc::new(Retention::new(Some(1), vec![rule]).unwrap());
    for (received_at, runs) in [(1_700_000_000 + 4 * 7 * 86_400 - 1, 1), (1_700_000_000 + 4 * 7 * 86_400, 0)] {
        let mut late = event(r#"{"results":{"a":{}}}"#);
        late.header.received_at = received_at;
        let mut rows = EventRows::new(Arc::default(), Arc::clone(&retention));
        rows.add(late, 1);
        assert_eq!((rows.runs.len(), rows.uploads.len(), rows.suites.len()), (runs, runs, 1));
    }
}
