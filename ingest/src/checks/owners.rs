//! What the text of a file of owners may be, and the paths that are named with it, whoever it comes from.

use schema::owners::{MAX_FILE_BYTES, MAX_RULES, OwnersFile};
use schema::results::MAX_NAME_BYTES;

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextFault {
    #[error("has more than {MAX_FILE_BYTES} bytes or {MAX_RULES} lines")]
    Long,
    #[error("names no owner, as css/ @owner does")]
    Nobody,
}

/// # Errors
/// The text is too long, or that of no file of owners; an empty one takes a file back, and is right.
pub(crate) fn check_text(text: &str) -> Result<(), TextFault> {
    if text.len() > MAX_FILE_BYTES || text.lines().count() > MAX_RULES {
        return Err(TextFault::Long);
    }
    if !text.is_empty() && OwnersFile::parse(text).names_nobody() {
        return Err(TextFault::Nobody);
    }
    Ok(())
}

/// The folder of a checkout that a text names, without slashes around it; empty for the checkout itself. None of a text that leads
/// out of the checkout, or names no folder.
pub(crate) fn folder_in_checkout(text: &str) -> Option<&str> {
    let below = text.trim().trim_matches('/');
    (below.is_empty() || is_path(below)).then_some(below)
}

/// Whether a text is a path that stays in its checkout.
pub(crate) fn is_path(text: &str) -> bool {
    let is_line = text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control);
    is_line && !text.trim().is_empty() && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
