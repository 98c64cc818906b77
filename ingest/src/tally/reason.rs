//! Errors without what differs from one upload to the next, so that they can be counted.

/// The longest reason, characters.
const MAX_CHARACTERS: usize = 200;

/// The error with `…` in place of numbers, names in quotes, and addresses.
pub(super) fn of(error: &str) -> String {
    let mut reason = String::new();
    let mut rest = error;
    while let Some(first) = rest.chars().next() {
        if reason.chars().count() >= MAX_CHARACTERS {
            break;
        }
        let skipped = quoted(&reason, rest).or_else(|| number(rest)).unwrap_or(0);
        if skipped > 0 {
            reason.push_str(if first == '\'' { "'…'" } else { "…" });
            rest = &rest[skipped..];
        } else {
            reason.push(if first.is_control() { ' ' } else { first });
            rest = &rest[first.len_utf8()..];
        }
    }
    reason
}

/// Bytes of a text in quotes at the beginning; an apostrophe within a word begins none.
fn quoted(before: &str, text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if before.chars().next_back().is_some_and(char::is_alphanumeric) {
        return None;
    }
    // A name may hold quotes itself: the last one that ends a word closes it, before the next opens.
    let end =
        inner.match_indices('\'').find(|(at, _)| !inner[at + 1..].starts_with(|next: char| next.is_alphanumeric()))?;
    Some(1 + end.0 + 1)
}

/// Bytes of the digits at the beginning.
fn number(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_differs_is_left_out() {
        for (error, reason) in [
            ("'actual' of test 'x/t' has 'FAILED', which is no state", "'…' of test '…' has '…', which is no state"),
            ("The body is larger than 256 MiB", "The body is larger than … MiB"),
            ("it doesn't help", "it doesn't help"),
            ("an open 'quote", "an open 'quote"),
        ] {
            assert_eq!(of(error), reason);
        }
    }

    proptest! {
        #[test]
        fn any_error_has_a_short_reason(error in "(\\PC|['0-9\n]){0,300}") {
            let reason = of(&error);
            prop_assert!(reason.chars().count() <= MAX_CHARACTERS + 2 && !reason.contains('\n'));
        }
    }
}
