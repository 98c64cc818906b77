//! Answers: a typed question, the statements that it means, and a typed answer.
//!
//! Data flow: a question of [`ask`] → the stored configurations that match and the commits that bound it → one bounded,
//! partition-pruned statement per table (`reads`) → the rules of the crate `analysis` → an answer whose members are
//! described once, for JSON, OpenAPI and CSV ([`table`]). Nothing here knows HTTP, pages or query texts.
//!
//! Each answer is a file: [`timeline`], [`triage`], [`flaky`], [`compare`], [`durations`], … [`search`] is the language in
//! which lists of tests are narrowed.

pub mod archives;
pub mod ask;
pub mod audit;
pub mod boards;
mod broken_now;
pub mod bugs;
mod by_test;
pub mod cause_masks;
pub mod causes;
mod change_cache;
pub mod changes;
pub mod columnar;
pub mod commit_names;
mod commit_order;
mod commit_range;
pub mod commit_runs;
pub mod commit_search;
pub mod commits;
pub mod compare;
pub mod costs;
pub mod dead_letters;
pub mod durations;
pub mod episodes;
mod error;
pub mod ews;
pub mod failures;
pub mod flaky;
pub mod guest;
mod histories;
pub mod keys;
mod late_runs;
pub mod links;
pub mod messages;
pub mod new_tests;
pub mod news;
pub mod overview;
pub mod owner_totals;
pub mod owners;
pub mod plan;
pub mod populations;
pub mod quarantine;
mod reads;
pub mod recent_uploads;
pub mod remarks;
pub mod renames;
pub mod results;
pub mod rules_preview;
pub mod run_details;
mod run_documents;
pub mod run_failures;
mod run_outcomes;
pub mod search;
pub mod silent;
pub mod slowest;
pub mod stable_id;
pub mod standing;
mod statement_limits;
pub mod statistics;
mod store;
pub mod suite_rules;
pub mod suites;
pub mod summary;
pub mod suspects;
pub mod table;
mod test_name_cache;
pub mod test_names;
pub mod timeline;
pub mod told;
pub mod trends;
pub mod triage;
pub mod under_review;
pub mod uploads;
pub mod verdicts;
mod watermark;

pub use cause_masks::SuiteMask;
pub use commit_range::RunBounds;
pub use error::{AnswerError, broken, invalid, not_found};
pub use owners::OwnerPattern;
pub use reads::selection::{OfConfiguration, RunPlace, Selection};
pub use statement_limits::StatementLimits;
pub use store::{Repository, Store};
pub use suite_rules::SuiteRules;
pub use watermark::{StoreWatermark, Watermark};
