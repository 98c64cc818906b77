//! The JSON API. A file has the operations of one kind of question: their parameters and shapes as the OpenAPI document
//! shows them, and for each a handler that reads its parameters into a question, asks it and answers.

pub(crate) mod access;
pub(crate) mod bug_trackers;
pub(crate) mod bugs;
pub(crate) mod causes;
pub(crate) mod changes;
pub(crate) mod commits;
pub(crate) mod compare;
pub(crate) mod costs;
pub(crate) mod dead_letters;
pub(crate) mod durations;
pub(crate) mod ews;
pub(crate) mod failures;
pub(crate) mod flaky;
mod json_body;
pub(crate) mod links;
pub(crate) mod live;
pub(crate) mod openapi;
pub(crate) mod owners;
pub(crate) mod populations;
pub(crate) mod recent_uploads;
pub(crate) mod renames;
pub(crate) mod results;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod sql;
pub(crate) mod suites;
pub(crate) mod summary;
pub(crate) mod test_metrics;
pub(crate) mod test_names;
pub(crate) mod timeline;
pub(crate) mod trends;
pub(crate) mod triage;
pub(crate) mod uploads;
pub(crate) mod verdicts;
