//! Judgement: histories in, verdicts out. Pure functions without I/O, SQL or HTTP, so that each rule is one place and can
//! be tested against a plain model.
//!
//! [`history`] is what is judged: the cells of one test on one configuration. [`judge`] is the rule of verdicts:
//! [`change_points`] cut a history into segments whose [`evidence`] is judged by the thresholds of [`rules`]. [`finding`]
//! joins the judgements of a test's configurations for triage, [`episodes`] says whether a failure came back and whether a fix
//! holds, by the arithmetic of [`mending`], and [`detection`] with which commit a failure was found. [`changes`] finds what moved
//! together over the tests and configurations of a suite, and which commits may have done it. [`populations`] compares two
//! populations of results, [`compare`] two runs. [`interval`] is the statistics behind rankings, [`reruns`] says how many runs say
//! that a test is hardly flaky, [`slower`] and [`broken_run`] are rules of thumb that pages and questions share.

pub mod blame;
pub mod broken_run;
pub mod change_points;
pub mod changes;
pub mod compare;
pub mod detection;
pub mod episodes;
pub mod evidence;
pub mod finding;
pub mod history;
pub mod interval;
pub mod judge;
pub mod mending;
#[cfg(test)]
mod notation;
pub mod parallel;
pub mod populations;
pub mod reruns;
pub mod rules;
pub mod slower;
