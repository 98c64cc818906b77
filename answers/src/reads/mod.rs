//! Everything that is read from the store: SQL, and only here. Each file reads one kind of rows; [`statement`] keeps a text
//! and its values together, [`selection`] gives the conditions that a run filter means.

pub(crate) mod archives;
pub(crate) mod audit;
pub(crate) mod bugs;
pub(crate) mod causes;
pub(crate) mod commits;
pub(crate) mod configuration_cache;
pub(crate) mod configurations;
pub(crate) mod dead_letters;
pub(crate) mod durations;
#[cfg(test)]
mod engine_tests;
pub(crate) mod ews;
pub(crate) mod failures;
pub(crate) mod histories;
pub(crate) mod intake_reports;
pub(crate) mod joined_runs;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod new_tests;
pub(crate) mod newest_uploads;
pub(crate) mod outcomes;
pub(crate) mod owners;
pub(crate) mod populations;
pub(crate) mod quarantine;
pub(crate) mod received;
pub(crate) mod renames;
pub(crate) mod replaced;
pub(crate) mod repository_cache;
pub(crate) mod results;
pub(crate) mod rewritten;
pub(crate) mod run_notes;
pub(crate) mod run_outcomes;
pub(crate) mod run_repositories;
pub(crate) mod runs;
pub(crate) mod selection;
pub(crate) mod statement;
pub(crate) mod test_names;
pub(crate) mod tested_weeks;
pub(crate) mod told;
pub(crate) mod trends;
pub(crate) mod under_review;
pub(crate) mod uploads;
pub(crate) mod verdicts;
