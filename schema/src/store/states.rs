//! SQL about sets of states, made of the masks of [`crate::state`].

use crate::state::{FAIL, FAILURES, IMAGE_AUDIO_TEXT, RAN};

/// The condition that a result failed unexpectedly, from expressions of its two sets of states: what
/// [`crate::state::States::unexpected_state`] says in Rust.
pub fn is_unexpected(actual: &str, expected: &str) -> String {
    let covered = format!("bitOr({expected}, if(bitTest({expected}, {FAIL}), {IMAGE_AUDIO_TEXT}, 0))");
    format!("bitAnd(bitAnd({actual}, bitNot({covered})), {FAILURES}) != 0")
}

/// The condition that a test ran, from an expression of its set of states: what [`crate::state::States::ran`] says in Rust.
pub fn ran(actual: &str) -> String {
    format!("bitAnd({actual}, {RAN}) != 0")
}
