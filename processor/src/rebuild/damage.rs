//! Tables that cannot be read: what they hold is not known, and a rebuild need not know it.

use clickhouse::error::{Error, Result};

use crate::insert;

/// Codes of ClickHouse for what passes, and says nothing about the table: `TIMEOUT_EXCEEDED`, `TOO_MANY_SIMULTANEOUS_QUERIES`,
/// `SOCKET_TIMEOUT`, `NETWORK_ERROR`, `MEMORY_LIMIT_EXCEEDED`, `ALL_CONNECTION_TRIES_FAILED`, `QUERY_WAS_CANCELLED`.
const PASSING: [u32; 7] = [159, 202, 209, 210, 241, 279, 394];
/// Most letters of a cause: the store adds where it was to what was wrong.
const MAX_CAUSE: usize = 200;

/// What was read of a table; the cause where the store answers and cannot read it.
pub(super) fn told<T>(read: Result<T>) -> Result<Result<T, String>> {
    match read {
        Ok(found) => Ok(Ok(found)),
        Err(Error::BadResponse(text)) if insert::code(&text).is_some_and(|code| !PASSING.contains(&code)) => {
            Ok(Err(cause(&text)))
        }
        Err(error) => Err(error),
    }
}

fn cause(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MAX_CAUSE) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_what_passes() {
        let of = |text: &str| told::<u64>(Err(Error::BadResponse(text.to_owned())));
        let damaged = "Code: 40. DB::Exception: Checksum doesn't match:\n corrupted data.";
        assert!(of(damaged).is_ok_and(
            |told| told == Err("Code: 40. DB::Exception: Checksum doesn't match: corrupted data.".to_owned())
        ));
        assert!(
            of(&format!("Code: 39. {}", "é".repeat(999)))
                .is_ok_and(|told| told.is_err_and(|cause| cause.chars().count() == 201))
        );
        for passing in ["Code: 241. DB::Exception: Memory limit", "gone"] {
            assert!(of(passing).is_err(), "{passing}");
        }
        assert!(told::<u64>(Err(Error::TimedOut)).is_err());
        assert!(told(Ok(7)).is_ok_and(|told| told == Ok(7)));
    }
}
