//! Judgement: histories in, verdicts out. Pure functions without I/O, SQL or HTTP, so that each rule is one place and can
//! be tested against a plain model.
//!
//! [`history`] is what is judged: the cells of one test on one configuration. [`judge`] is the rule: [`change_points`] cut
//! a history into segments, `flakiness`, `streak` and `absence` say what the newest one means, [`rules`] has the thresholds. [`finding`] joins the judgements of a test's configurations. [`populations`] compares two populations of
//! results, [`compare`] two runs. [`interval`] is the statistics behind rankings, [`slower`] and [`broken_run`] are rules
//! of thumb that pages and questions share.

mod absence;
pub mod blame;
pub mod broken_run;
pub mod change_points;
pub mod compare;
pub mod evidence;
pub mod finding;
mod flakiness;
pub mod history;
pub mod interval;
pub mod judge;
#[cfg(test)]
mod notation;
pub mod populations;
pub mod rules;
pub mod slower;
mod streak;
pub mod triage;
pub mod verdict;
