//! Judgement: histories in, verdicts out. Pure functions without I/O, SQL or HTTP, so that each rule is one place and can
//! be tested against a plain model.
//!
//! [`blame`] finds the range of commits that broke something, [`verdict`] says how one configuration is doing, [`triage`]
//! what a test's configurations mean together, [`compare`] what changed between two runs. [`interval`] is the statistics
//! behind rankings, [`slower`] and [`broken_run`] are the two rules of thumb that pages and questions share.

pub mod blame;
pub mod broken_run;
pub mod compare;
pub mod interval;
pub mod slower;
pub mod triage;
pub mod verdict;
