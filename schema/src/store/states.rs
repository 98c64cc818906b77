//! SQL about sets of states, made of the masks of [`crate::state`].

use crate::state::{FAIL, FAILURES, IMAGE_AUDIO_TEXT, NAMES, NOT_RAN, RAN};

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

/// The names of a set of states, worst first, from an expression of it: what [`crate::state::States`] shows in Rust.
pub fn names(states: &str) -> String {
    let names: Vec<String> = NAMES.iter().chain(&NOT_RAN).map(|name| format!("'{name}'")).collect();
    format!(
        "arrayStringConcat(arrayMap(bit -> arrayElement([{}], bit + 1), bitPositionsToArray({states})), ' ')",
        names.join(", ")
    )
}
