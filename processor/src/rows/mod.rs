//! From an event to the rows of every view. Rows depend on nothing but the event, its position in the log, and the
//! configured retention, so that a redelivered event and a rebuild make the same rows again.
//!
//! [`EventRows::add`] leads each kind of event to its own file, which adds rows to the collection of all tables.

mod access;
mod archive;
mod audit;
mod bug;
mod columns;
mod commit;
mod dead_letter_decision;
mod event_rows;
mod ews;
mod messages;
mod owners;
mod quarantine;
mod receipt;
mod registration;
mod rename;
mod results;
mod run_notes;
mod upload;

use columns::{json, seconds, time_version};
use registration::runs_of_branches;
use schema::event::{Event, Header, Request};
use schema::store::rows::IntakeReportRow;

pub use event_rows::{EventRows, WrittenRows};

impl EventRows {
    /// Adds the rows of one event; `version` is its offset plus one.
    pub fn add(&mut self, event: Event, version: u64) {
        let Event { header, test_results } = event;
        let (received_at, time_version) = (header.received_at, time_version(&header.event_id));
        self.audit.extend(audit::row(&header, time_version));
        match header.request {
            Request::Upload { suite, configuration, commits, timestamp, links, notes } => {
                let runs = runs_of_branches(&suite, &configuration, &commits, timestamp, version);
                registration::add(self, &runs, &configuration, received_at);
                upload::add(self, runs, &commits, upload::Said { links, notes }, test_results, received_at);
                commit::add(self, &commits, time_version);
            }
            Request::Archive { suite, configuration, commits, timestamp, digest, size } => {
                let runs = runs_of_branches(&suite, &configuration, &commits, timestamp, version);
                registration::add(self, &runs, &configuration, received_at);
                archive::add(self, runs, &digest, size, received_at);
                commit::add(self, &commits, time_version);
            }
            Request::Ews { suite, configuration, commits, timestamp, flaky_type, details } => {
                let runs = runs_of_branches(&suite, &configuration, &commits, timestamp, version);
                registration::add(self, &runs, &configuration, received_at);
                let change = ews::Change { flaky_type, details, received_at };
                ews::add(self, &runs, test_results.get(), &change);
                commit::add(self, &commits, time_version);
            }
            Request::Over(left) => {
                let runs = |configuration| runs_of_branches("", configuration, &left.commits, left.timestamp, version);
                if let Some(configuration) = &left.configuration {
                    registration::add_configuration(self, &runs(configuration), configuration);
                }
                commit::add(self, &left.commits, time_version);
            }
            Request::Commit(commit) => commit::add(self, &[commit], time_version),
            Request::Bug(link) => self.bugs.push(bug::row(link, received_at, time_version)),
            Request::Rename(rename) => self.renames.push(rename::row(rename, received_at, time_version)),
            Request::Owners(owners) => self.owner_files.push(owners::row(owners, received_at, time_version)),
            Request::Quarantine(entry) => self.quarantine.push(quarantine::row(*entry, received_at, time_version)),
            Request::Key(key) => self.access_keys.push(access::key(key, time_version)),
            Request::KeyEnd(end) => self.access_key_ends.push(access::end(end)),
            Request::IntakeReport(report) => self.intake_reports.push(IntakeReportRow {
                until: seconds(report.until),
                report: json(&report),
                intake: report.intake,
                version,
            }),
            Request::DeadLetterDecision(decision) => {
                self.dead_letter_decisions.push(dead_letter_decision::row(decision, &test_results, time_version));
            }
        }
    }

    /// Adds the rows by which a repetition of an upload is recognised, and by which its receipt says that it had expired;
    /// none for other events.
    pub fn add_receipts(&mut self, header: &Header, partition: u32, offset: u64) {
        receipt::add(self, header, partition, offset);
        receipt::add_expired(self, header, partition, offset);
    }
}

#[cfg(test)]
mod tests;
