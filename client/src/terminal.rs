//! What others wrote, for a terminal.

/// A text in one line, without control characters, which a terminal would obey.
pub(crate) fn in_one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
