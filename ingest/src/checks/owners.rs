//! What the text of a file of owners may be, whoever it comes from.

use schema::owners::{MAX_FILE_BYTES, MAX_RULES, OwnersFile};

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
