//! Counts what becomes of uploads, and appends a report of it to the log: one event for all uploads of a minute. What was
//! counted since the last report is lost when the process ends; nothing else is.

mod reason;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use schema::clock::now_signed;
use schema::event::REQUEST_ID_HEADER;
use schema::intake_report::{IntakeProblem, IntakeReport, SlowUpload};
use uuid::Uuid;

use crate::append::{AcceptedRequest, EventAppender, no_payload};
use crate::error::ReportedFault;
use crate::sender::Sender;

/// How long a report waits for more uploads.
const REPORT_AFTER: Duration = Duration::from_secs(60);
/// Reasons of one report; uploads with others are counted together.
const MAX_REASONS: usize = 50;
/// The reason of those.
const OTHER_REASONS: &str = "other reasons";
/// Slow uploads that a report names.
const MAX_SLOWEST: usize = 10;
/// An upload that takes longer is slow.
const SLOW: Duration = Duration::from_secs(10);
/// The longest example, characters.
const MAX_EXAMPLE: usize = 1000;

/// Counts uploads; a clone counts for the same process.
#[derive(Clone)]
pub(crate) struct Tally {
    appender: EventAppender,
    intake: Arc<str>,
    report_after: Duration,
    counts: Arc<Mutex<Counts>>,
}

/// What was counted since the last report.
#[derive(Default)]
struct Counts {
    /// Seconds since 1970.
    from: i64,
    taken: u64,
    refused: u64,
    slow: u64,
    problems: BTreeMap<(u16, String), IntakeProblem>,
    slowest: Vec<SlowUpload>,
    /// Whether a report is on its way.
    is_scheduled: bool,
}

/// What became of one upload.
struct AnsweredUpload {
    path: String,
    status: u16,
    /// What was wrong with it, refused or taken with a warning.
    problem: Option<ReportedFault>,
    took: Duration,
    /// Seconds since 1970.
    at: i64,
    request_id: Option<String>,
}

impl Tally {
    /// Reports through an appender. `report_after` is for tests.
    pub(crate) fn new(appender: EventAppender, report_after: Option<Duration>) -> Self {
        Self {
            appender,
            intake: Uuid::now_v7().to_string().into(),
            report_after: report_after.unwrap_or(REPORT_AFTER),
            counts: Arc::default(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an upload, and sees to it that it is reported.
    fn count(&self, upload: AnsweredUpload) {
        let mut counts = self.counts();
        counts.add(upload);
        if !std::mem::replace(&mut counts.is_scheduled, true) {
            let tally = self.clone();
            tokio::spawn(async move { tally.report_later().await });
        }
    }

    /// Appends what has been counted after a while; while the log is away, again after another one.
    async fn report_later(&self) {
        loop {
            tokio::time::sleep(self.report_after).await;
            let report = self.counts().report(&self.intake, now_signed());
            let until = report.until;
            let request = schema::event::Request::IntakeReport(report.clone());
            let appended = async {
                let accepted = AcceptedRequest::new(request, no_payload(), until, &Sender::intake())?;
                self.appender.append(self.intake.as_bytes(), accepted).await
            };
            match appended.await {
                Ok(_) => {
                    if self.counts().is_reported(&report) {
                        return;
                    }
                }
                Err(error) => tracing::warn!(%error, "what became of uploads is not reported yet"),
            }
        }
    }
}

impl Counts {
    fn add(&mut self, upload: AnsweredUpload) {
        let AnsweredUpload { path, status, problem, took, at, request_id } = upload;
        if self.taken + self.refused == 0 {
            self.from = at;
        }
        if status < 400 {
            self.taken += 1;
        } else {
            self.refused += 1;
        }
        if let Some(ReportedFault { fault, text }) = problem {
            let mut fault = Some(fault);
            let mut key = (status, reason::of(&text));
            if !self.problems.contains_key(&key) && self.problems.len() >= MAX_REASONS {
                key.1 = OTHER_REASONS.to_owned();
                fault = None;
            }
            let example = text.chars().take(MAX_EXAMPLE).collect();
            let count = self.problems.get(&key).map_or(0, |known| known.count) + 1;
            let reason = key.1.clone();
            let path = path.clone();
            self.problems.insert(key, IntakeProblem { status, fault, reason, count, example, path, at });
        }
        if took >= SLOW {
            self.slow += 1;
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            self.slowest.push(SlowUpload { path, milliseconds, status, at, request_id });
            self.slowest.sort_by_key(|slow| std::cmp::Reverse(slow.milliseconds));
            self.slowest.truncate(MAX_SLOWEST);
        }
    }

    /// What was counted so far.
    fn report(&self, intake: &str, until: i64) -> IntakeReport {
        IntakeReport {
            intake: intake.to_owned(),
            from: self.from,
            until,
            taken: self.taken,
            refused: self.refused,
            slow: self.slow,
            problems: self.problems.values().cloned().collect(),
            slowest: self.slowest.clone(),
        }
    }

    /// Forgets what a report says; whether that is all.
    fn is_reported(&mut self, report: &IntakeReport) -> bool {
        self.from = report.until;
        self.taken -= report.taken;
        self.refused -= report.refused;
        self.slow -= report.slow;
        for problem in &report.problems {
            let key = (problem.status, problem.reason.clone());
            if let Some(known) = self.problems.get_mut(&key) {
                known.count -= problem.count;
                if known.count == 0 {
                    self.problems.remove(&key);
                }
            }
        }
        self.slowest.retain(|slow| !report.slowest.contains(slow));
        let is_all = self.taken + self.refused == 0;
        self.is_scheduled = !is_all;
        is_all
    }
}

/// Counts the request that it leads on.
pub(crate) async fn count(State(tally): State<Tally>, path: MatchedPath, request: Request, next: Next) -> Response {
    let (begun, path) = (Instant::now(), path.as_str().to_owned());
    let request_id = request.headers().get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
    let request_id = request_id.map(|id| id.chars().take(100).collect());
    let response = next.run(request).await;
    tally.count(AnsweredUpload {
        path,
        status: response.status().as_u16(),
        problem: response.extensions().get::<ReportedFault>().cloned(),
        took: begun.elapsed(),
        at: now_signed(),
        request_id,
    });
    response
}

#[cfg(test)]
mod tests {
    use schema::intake_report::UploadFault;

    use super::*;

    fn answered(status: u16, problem: Option<&str>, seconds: u64) -> AnsweredUpload {
        AnsweredUpload {
            path: "/api/upload".into(),
            status,
            problem: problem.map(|text| ReportedFault { fault: UploadFault::Suite, text: text.to_owned() }),
            took: Duration::from_secs(seconds),
            at: 7,
            request_id: None,
        }
    }

    #[test]
    fn uploads_are_counted_by_what_became_of_them() {
        let mut counts = Counts::default();
        counts.add(answered(200, None, 0));
        counts.add(answered(200, Some("odd: 'a'"), 60));
        counts.add(answered(400, Some("'suite' of 1 is wrong"), 0));
        counts.add(answered(400, Some("'suite' of 2 is wrong"), 20));
        let report = counts.report("i", 9);
        assert_eq!((report.taken, report.refused, report.slow), (2, 2, 2));
        let problems: Vec<(u16, u64, &str)> =
            report.problems.iter().map(|problem| (problem.status, problem.count, problem.example.as_str())).collect();
        assert_eq!(problems, [(200, 1, "odd: 'a'"), (400, 2, "'suite' of 2 is wrong")]);
        assert!(report.problems.iter().all(|problem| problem.fault == Some(UploadFault::Suite)));
        assert_eq!(report.slowest[0].milliseconds, 60_000);
        // One more came while the report was appended.
        counts.add(answered(400, Some("'suite' of 3 is wrong"), 0));
        assert!(!counts.is_reported(&report));
        let rest = counts.report("i", 11);
        assert_eq!((rest.from, rest.taken, rest.refused, rest.slow), (9, 0, 1, 0));
        assert_eq!((rest.problems.len(), rest.problems[0].count, rest.slowest.len()), (1, 1, 0));
        assert!(counts.is_reported(&rest));
    }

    #[test]
    fn many_reasons_take_bounded_memory() {
        let mut counts = Counts::default();
        for index in 0..1000u32 {
            let word: String = index.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
            counts.add(answered(400, Some(&format!("wrong {word}")), 11));
        }
        let report = counts.report("i", 9);
        assert_eq!((report.problems.len(), report.slowest.len(), report.slow), (MAX_REASONS + 1, MAX_SLOWEST, 1000));
        assert_eq!(report.problems.iter().map(|problem| problem.count).sum::<u64>(), 1000);
    }
}
