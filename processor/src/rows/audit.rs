//! The row of what somebody changed by hand.

use chrono::DateTime;
use schema::event::{Decision, Header, Request};
use schema::quarantine::QuarantineEntry;
use schema::store::rows::AuditRow;

use super::columns::seconds;

/// The row of an event that people ask for; none of what machines upload.
pub(super) fn row(header: &Header, version: u64) -> Option<AuditRow> {
    let (action, subject) = match &header.request {
        Request::Bug(link) => (
            if link.is_open { "linked a bug" } else { "unlinked a bug" },
            format!("{} {}: {}", link.suite, link.test, link.url),
        ),
        Request::Rename(rename) => {
            let action = if rename.is_open { "renamed a test" } else { "took a rename back" };
            (action, format!("{} {} to {}", rename.suite, rename.from, rename.to))
        }
        Request::Quarantine(entry) => quarantine(entry),
        Request::Owners(owners) => {
            let action = if owners.text.is_empty() { "took a file of owners back" } else { "sent a file of owners" };
            (action, owners.suite.clone())
        }
        Request::DeadLetterDecision(decided) => {
            let action = match decided.decision {
                Decision::Replayed => "replayed a dead letter",
                Decision::Discarded => "discarded a dead letter",
            };
            (action, format!("{}-{}", decided.partition, decided.offset))
        }
        Request::Key(key) => ("made a key", format!("{} {}: {}", key.id, key.name, key.scopes.join(", "))),
        Request::KeyEnd(end) => ("ended a key", end.id.clone()),
        Request::Upload { .. }
        | Request::Archive { .. }
        | Request::Ews { .. }
        | Request::Commit(_)
        | Request::IntakeReport(_)
        | Request::Over(_) => return None,
    };
    Some(AuditRow {
        done_at: seconds(header.received_at),
        event_id: header.event_id.to_string(),
        actor: header.actor.clone().unwrap_or_default(),
        action: action.to_owned(),
        subject,
        version,
    })
}

/// What was done to a test, and to which of its failures until when and why.
fn quarantine(entry: &QuarantineEntry) -> (&'static str, String) {
    let QuarantineEntry { suite, test, configuration, failure, reason, until, release, .. } = entry;
    let mut subject = format!("{suite} {test}");
    if let Some(failure) = failure {
        subject.push_str(&format!(" {failure}"));
    }
    if *configuration != Default::default() {
        subject.push_str(&format!(" on {}", configuration.name()));
    }
    if release.is_some() {
        return ("released a test from quarantine", subject);
    }
    let until = DateTime::from_timestamp(*until, 0).map(|until| until.format("%Y-%m-%d %H:%M UTC").to_string());
    ("quarantined a test", format!("{subject} until {}: {reason}", until.unwrap_or_default()))
}
