//! What changed between two commits: for each test, what it did on either of them.
//!
//! [`attempts`] joins all runs of a commit, [`change`] says what is different, [`details`] what ran on one side only and what
//! became slower.

mod attempts;
mod change;
mod details;

pub use attempts::{Attempts, ComparedState};
pub use change::{Change, change};
pub use details::{Details, Times, details};
