//! What a failure of the log says, and whether it may pass.

use std::io::{Error, ErrorKind};

use eventlog::LogError;

/// What cannot be read as it was written is damaged, whatever else fails may work later.
pub(super) fn failed(folder: &str, error: &fjall::Error) -> LogError {
    let damaged = || LogError::Damaged { address: folder.to_owned(), cause: error.to_string() };
    match error {
        fjall::Error::Locked => LogError::InUse { address: folder.to_owned() },
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => refused(folder, error),
        fjall::Error::JournalRecovery(_)
        | fjall::Error::InvalidTrailer
        | fjall::Error::InvalidTag(_)
        | fjall::Error::InvalidVersion(_)
        | fjall::Error::Decompress(_)
        | fjall::Error::Unrecoverable
        // A write failed half-way: only a new start can tell what is there.
        | fjall::Error::Poisoned
        | fjall::Error::Storage(_) => damaged(),
        other => broken_off(folder, &other.to_string()),
    }
}

/// What the system refused, in its words, and what helps.
pub(super) fn refused(folder: &str, error: &Error) -> LogError {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => {
            "run this as the user whom the folder belongs to, or let this user read and write what is in it"
        }
        ErrorKind::ReadOnlyFilesystem => "mount its file system for writing, or use a copy of the folder elsewhere",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space",
        _ => "check the folder and its disk",
    };
    LogError::Folder { folder: folder.to_owned(), cause: error.to_string(), remedy }
}

/// What ended before it was done.
pub(super) fn broken_off(folder: &str, cause: &str) -> LogError {
    LogError::Folder { folder: folder.to_owned(), cause: cause.to_owned(), remedy: "start the process again" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERMISSION: i32 = 13;
    const READ_ONLY: i32 = 30;
    const NO_SPACE: i32 = 28;

    #[test]
    fn what_the_system_refuses_is_told_in_its_words() {
        for (code, words, remedy) in [
            (PERMISSION, "Permission denied (os error 13); ", "let this user read and write what is in it"),
            (READ_ONLY, "Read-only file system (os error 30); ", "use a copy of the folder elsewhere"),
            (NO_SPACE, "No space left on device (os error 28); ", "free some space"),
        ] {
            let of_database = failed("data/log", &fjall::Error::Io(Error::from_raw_os_error(code)));
            let of_tables = fjall::LsmError::Io(Error::from_raw_os_error(code));
            for error in [of_database, failed("data/log", &fjall::Error::Storage(of_tables))] {
                let told = error.to_string();
                let begin = format!("the event log in data/log cannot be used: {words}");
                assert!(told.starts_with(&begin) && told.ends_with(remedy) && error.passes(), "{told}");
            }
        }
    }

    #[test]
    fn what_a_start_may_mend_passes_and_damage_does_not() {
        let address = String::from("data/log");
        assert!(
            matches!(failed(&address, &fjall::Error::Locked), LogError::InUse { address: found } if found == address)
        );
        assert!(broken_off(&address, "its writer has stopped").passes());
        let poisoned = failed(&address, &fjall::Error::Poisoned);
        assert!(matches!(poisoned, LogError::Damaged { .. }) && !poisoned.passes());
        let tables = failed(&address, &fjall::Error::Storage(fjall::LsmError::Unrecoverable));
        assert!(matches!(tables, LogError::Damaged { .. }));
    }
}
