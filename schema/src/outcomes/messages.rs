//! What failing tests said: the message of each that says why ([`primary`]), for lists that show many of them.

use crate::cause::primary::primary;
use crate::ids::TestId;

/// Bytes of the messages of one run. Of a run that breaks as a whole thousands of tests say the same.
const MAX_BYTES: usize = 1 << 20;
/// Bytes before a line: the test, and the line's length.
const HEAD_BYTES: usize = 10;

/// Adds what a test said to the messages of its run, while there is room for it.
pub(super) fn add(messages: &mut Vec<u8>, test: TestId, log: &str) {
    let Some(line) = primary(log) else { return };
    let Ok(length) = u16::try_from(line.len()) else { return };
    if messages.len() + HEAD_BYTES + line.len() > MAX_BYTES {
        return;
    }
    messages.extend(test.0.to_le_bytes());
    messages.extend(length.to_le_bytes());
    messages.extend(line.as_bytes());
}

/// Reads the messages of a run, in no order; bytes that are no message end them.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (TestId, &str)> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let [t0, t1, t2, t3, t4, t5, t6, t7, l0, l1] = *head;
        let (line, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([l0, l1])))?;
        bytes = rest;
        Some((TestId(u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7])), std::str::from_utf8(line).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cause::primary::MAX_CHARACTERS;

    #[test]
    fn a_run_keeps_so_many_messages() {
        let mut bytes = Vec::new();
        for test in 0..100_000 {
            add(&mut bytes, TestId(test), &"x".repeat(MAX_CHARACTERS));
        }
        assert!(bytes.len() <= MAX_BYTES && bytes.len() > MAX_BYTES - 2 * MAX_CHARACTERS);
        assert_eq!(messages(&bytes).count(), bytes.len() / (MAX_CHARACTERS + HEAD_BYTES));
    }

    proptest! {
        #[test]
        fn messages_come_back(logs in proptest::collection::vec((any::<u64>(), ".{0,300}"), 0..20)) {
            let mut bytes = Vec::new();
            for (test, log) in &logs {
                add(&mut bytes, TestId(*test), log);
            }
            let read: Vec<(TestId, String)> = messages(&bytes).map(|(test, line)| (test, line.to_owned())).collect();
            let said = |(test, log): &(u64, String)| Some((TestId(*test), primary(log)?));
            prop_assert_eq!(read, logs.iter().filter_map(said).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(messages(&bytes).count() <= bytes.len() / HEAD_BYTES);
        }
    }
}
