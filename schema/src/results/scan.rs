//! Steps through JSON that was found valid before, without finding that out again: where a value ends is all that a walk
//! asks. Libraries that step through JSON refuse texts that Python's encoder writes (halves of surrogate pairs), and
//! would make other rows of old events than were made before.

use std::borrow::Cow;

use memchr::memchr2;

use super::ResultsError;

/// A place in a valid JSON text. In any other text it answers nothing useful, but ends.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The first byte of what comes next, spaces aside.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Passes `byte` if it comes next.
    pub(super) fn pass(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Passes the value that comes next, and answers it as it is written.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.string(),
            b'[' | b'{' => self.nested(),
            _ => self.at += self.rest().iter().position(|byte| b",]} \n\r\t".contains(byte)).unwrap_or(usize::MAX / 2),
        }
        self.at = self.at.min(self.text.len());
        self.text.get(start..self.at)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(found) = memchr2(b'"', b'\\', self.rest()) {
            self.at += found + 1;
            if self.text.as_bytes()[self.at - 1] == b'"' {
                return;
            }
            // Whatever an escape stands for, its first byte ends nothing.
            self.at += 1;
        }
        self.at = self.text.len();
    }

    fn nested(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }
}

/// What a string stands for; borrowed unless it holds escapes.
pub(super) fn unquoted(quoted: &str) -> Result<Cow<'_, str>, ResultsError> {
    match quoted.get(1..quoted.len().saturating_sub(1)) {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(quoted).map(Cow::Owned).map_err(|error| ResultsError::Json(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_come_as_they_are_written() {
        let mut scanner = Scanner::new(r#" {"a\"b\\" : [1, "]", {}], "c":-1e9}"#);
        assert!(scanner.pass(b'{'));
        assert_eq!(scanner.value(), Some(r#""a\"b\\""#));
        assert!(scanner.pass(b':') && !scanner.pass(b':'));
        assert_eq!(scanner.value(), Some(r#"[1, "]", {}]"#));
        assert!(scanner.pass(b','));
        assert_eq!(scanner.value(), Some(r#""c""#));
        assert!(scanner.pass(b':'));
        assert_eq!(scanner.value(), Some("-1e9"));
        assert!(scanner.pass(b'}'));
        assert_eq!((scanner.peek(), scanner.value()), (None, None));
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[\\[\\]{}\",:\\\\ a1é]{0,40}") {
            let mut scanner = Scanner::new(&text);
            for _ in 0..=text.len() {
                if scanner.value().is_none_or(str::is_empty) && !scanner.pass(b',') {
                    break;
                }
            }
            prop_assert!(scanner.at <= text.len());
        }
    }
}
