//! What became of the uploads of the last day: taken, refused, dead, slow, and what was wrong with them.
//!
//! Data flow: reports of the intakes, and dead letters → counts, and problems by reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schema::intake_report::{IntakeProblem, IntakeReport, SlowUpload, UploadFault};
use schema::seconds::HOUR;
use schemars::JsonSchema;
use serde::Serialize;

use crate::dead_letters;
use crate::error::{AnswerError, broken};
use crate::reads::intake_reports;
use crate::store::Store;

/// How far back, hours.
const HOURS: u64 = 24;
/// Problems and slow uploads of an answer.
const MAX_PROBLEMS: usize = 20;
const MAX_SLOWEST: usize = 10;
/// Dead letters that are looked at, the newest.
const MAX_LETTERS: u64 = 1000;

/// What became of the uploads of the last day.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecentUploads {
    /// How far back, hours.
    pub hours: u64,
    /// Uploads that were taken, repetitions among them.
    pub taken: u64,
    /// Uploads that were refused.
    pub refused: u64,
    /// Uploads that were taken and could not be processed; of very many the newest thousand.
    pub dead: u64,
    /// Uploads that were answered late.
    pub slow: u64,
    /// What was wrong, the most frequent first.
    pub problems: Vec<UploadProblem>,
    /// The slowest uploads, the slowest first.
    pub slowest: Vec<SlowestUpload>,
}

/// What was wrong with some uploads.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UploadProblem {
    /// What became of them.
    pub outcome: UploadOutcome,
    /// HTTP status of the answer.
    pub status: u16,
    /// The error without what differs from one upload to the next.
    pub reason: String,
    /// How many uploads.
    pub count: u64,
    /// The error of the last of them, in full.
    pub example: String,
    /// Where that one was sent; the id of the dead letter if it is one.
    pub path: String,
    /// When that was, seconds since 1970.
    pub at: i64,
    /// What its sender, or whoever runs the server, can do.
    pub advice: &'static str,
}

/// What became of an upload with a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UploadOutcome {
    /// It was refused.
    Refused,
    /// It was taken and could not be processed.
    Dead,
    /// It was taken, with a warning.
    Warned,
}

/// An upload that was answered late.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SlowestUpload {
    /// Where it was sent.
    pub path: String,
    /// From its first byte to its answer, milliseconds.
    pub milliseconds: u64,
    /// HTTP status of the answer.
    pub status: u16,
    /// When it was answered, seconds since 1970.
    pub at: i64,
    /// The request's id, if it has one.
    pub request_id: Option<String>,
}

/// What became of the uploads of the last day, as far as intakes have reported: they do each minute.
pub async fn find(store: &Store) -> Result<RecentUploads, AnswerError> {
    let since = store.clock.now().saturating_sub(HOURS * HOUR);
    let mut found = RecentUploads {
        hours: HOURS,
        taken: 0,
        refused: 0,
        dead: 0,
        slow: 0,
        problems: Vec::new(),
        slowest: Vec::new(),
    };
    let mut problems: BTreeMap<(u16, String), UploadProblem> = BTreeMap::new();
    for report in intake_reports::since(store, since).await? {
        let report: IntakeReport = serde_json::from_str(&report).map_err(broken)?;
        found.taken += report.taken;
        found.refused += report.refused;
        found.slow += report.slow;
        found.slowest.extend(report.slowest.into_iter().map(slowest));
        for problem in report.problems {
            add(&mut problems, problem);
        }
    }
    found.problems = problems.into_values().collect();
    let letters = dead_letters::find(store, &[], MAX_LETTERS).await?;
    let mut causes: BTreeMap<String, UploadProblem> = BTreeMap::new();
    for letter in letters.into_iter().filter(|letter| u64::from(letter.found_at) >= since) {
        found.dead += 1;
        let known = causes.entry(letter.cause.clone()).or_insert_with(|| UploadProblem {
            outcome: UploadOutcome::Dead,
            status: 200,
            reason: letter.cause.clone(),
            count: 0,
            example: letter.cause,
            path: letter.id,
            at: letter.found_at.into(),
            advice: DEAD,
        });
        known.count += 1;
    }
    found.problems.extend(causes.into_values());
    found.problems.sort_by_key(|problem| (Reverse(problem.count), problem.outcome, problem.reason.clone()));
    found.problems.truncate(MAX_PROBLEMS);
    found.slowest.sort_by_key(|slow| Reverse(slow.milliseconds));
    found.slowest.truncate(MAX_SLOWEST);
    Ok(found)
}

fn slowest(of: SlowUpload) -> SlowestUpload {
    let SlowUpload { path, milliseconds, status, at, request_id } = of;
    SlowestUpload { path, milliseconds, status, at, request_id }
}

/// Adds a problem to those of its status and reason; the newest report comes first, and with it the example.
fn add(problems: &mut BTreeMap<(u16, String), UploadProblem>, problem: IntakeProblem) {
    let IntakeProblem { status, fault, reason, count, example, path, at } = problem;
    let key = (status, reason.clone());
    let advice = advice(status, fault);
    let outcome = if status < 400 { UploadOutcome::Warned } else { UploadOutcome::Refused };
    let new = UploadProblem { outcome, status, reason, count: 0, example, path, at, advice };
    problems.entry(key).or_insert(new).count += count;
}

const DEAD: &str = "Look at the dead letter, mend what its cause names, then replay it.";
/// What to do about a fault that there is no other advice for.
const MEND: &str = "Have the sender mend what the example says. Sending it again does not help.";

/// What can be done about a refusal or a warning. What reports of earlier versions do not tell is mended as the example says.
fn advice(status: u16, fault: Option<UploadFault>) -> &'static str {
    match status {
        413 => return "Send the run in parts, or its reports in a zip to /api/reports.",
        415 => return "Send the body without Content-Encoding; files with reports may be gzip or zip themselves.",
        422 => {
            return "Have the sender use a new Idempotency-Key for each upload, and the old one only for its repetitions.";
        }
        503 => return "Look at the server's log, its disk and its store; senders try again by themselves.",
        _ => {}
    }
    match fault.unwrap_or(UploadFault::Other) {
        UploadFault::UnknownState => {
            "Have the sender write a known state, such as FAIL or SKIP: what nobody knows counts as not run."
        }
        UploadFault::CommitAhead => {
            "Set the clock of the machine that makes the commits or runs the tests, or send the times of both as they were."
        }
        UploadFault::Expired => "Send runs sooner after their commit, or raise the retention of the suite.",
        UploadFault::UnknownForm => {
            "Send the runner's own report file; name its form with format=… if it is one of the known forms."
        }
        UploadFault::EmptyReport => "Look into the runner's log: it ended before it wrote its report.",
        UploadFault::NoReport => "Look whether the runner wrote its report where the upload looks for it.",
        UploadFault::PartialConfiguration => {
            "Send platform, version, is_simulator and architecture, or post reports to /api/reports, which requires none."
        }
        UploadFault::Configuration => "Have the sender write the configuration as /documentation says.",
        UploadFault::Suite => "Have the sender name the suite.",
        UploadFault::Commit => "Have the sender name a commit that is known, or give its hash, branch and time.",
        UploadFault::Time => "Have the sender write times as seconds since 1970.",
        UploadFault::Results => "Have the sender write results as an object of tests, as /documentation says.",
        UploadFault::Other => MEND,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_advice() {
        assert!(advice(413, Some(UploadFault::Other)).contains("zip"));
        assert!(advice(400, Some(UploadFault::PartialConfiguration)).contains("/api/reports"));
        assert!(advice(400, Some(UploadFault::Configuration)).contains("as /documentation says"));
        assert!(advice(200, Some(UploadFault::UnknownState)).contains("known state"));
        assert_eq!((advice(400, Some(UploadFault::Other)), advice(400, None)), (MEND, MEND));
    }

    #[test]
    fn reports_of_other_versions_are_read() {
        let problem = r#"{"status":400,"reason":"r","count":2,"example":"e","path":"/api/upload","at":7}"#;
        let read = |problem: &str| serde_json::from_str::<IntakeProblem>(problem).unwrap().fault;
        assert_eq!(read(problem), None);
        let with = |fault: &str| problem.replace("{", &format!("{{\"fault\":\"{fault}\","));
        assert_eq!(read(&with("no-report")), Some(UploadFault::NoReport));
        assert_eq!(read(&with("not-thought-of")), Some(UploadFault::Other));
    }
}
