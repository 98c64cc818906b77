//! The address of the pages: an origin, without a path.

use query::ArchiveOrigin;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};

/// What is expected, for whoever wrote something else.
const EXPECTED: &str = "where people find the pages, such as \"https://results.example.org\", without a path";

/// Reads it; a slash at the end is left out.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if ArchiveOrigin::try_from(text.clone()).is_err() {
        return Err(D::Error::invalid_value(Unexpected::Str(&text), &EXPECTED));
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}
