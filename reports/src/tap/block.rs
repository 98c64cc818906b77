//! The block of YAML behind a test point, as far as it is needed: single values, and text over several lines.

use crate::limits;
use crate::model::Text;

/// A block that may follow a test point.
#[derive(Default)]
pub(super) struct Block {
    /// The indentation of the block's lines, inside one.
    indent: Option<usize>,
    ended: bool,
    /// The indentation of its members, which AVA writes deeper than the block.
    members: Option<usize>,
    values: Vec<(String, Text)>,
    /// The indentation of a text over several lines, inside one.
    literal: Option<usize>,
}

impl Block {
    /// Takes a line if it belongs to the block.
    pub(super) fn takes(&mut self, line: &str) -> bool {
        if self.ended {
            return false;
        }
        let indent = line.bytes().take_while(|&byte| byte == b' ').count();
        let rest = line[indent..].trim_end();
        let Some(block) = self.indent else {
            let begins = rest == "---" && indent > 0;
            self.indent = begins.then_some(indent);
            self.ended = !begins;
            return begins;
        };
        if rest == "..." && indent <= block {
            self.ended = true;
            return true;
        }
        match self.literal {
            Some(literal) if indent >= literal || rest.is_empty() => {
                if let Some((_, value)) = self.values.last_mut() {
                    value.push(line.get(literal..).unwrap_or_default().trim_end(), limits::MESSAGE_BYTES);
                    value.push("\n", limits::MESSAGE_BYTES);
                }
                return true;
            }
            _ => self.literal = None,
        }
        // A block that never ends must not swallow the report.
        if indent < block {
            self.ended = true;
            return false;
        }
        let members = *self.members.get_or_insert(indent);
        // Vitest writes the message into the error.
        let in_error =
            rest.starts_with("message:") && self.values.last().is_some_and(|(_, value)| value.as_str().is_empty());
        if (indent == members || in_error)
            && let Some((key, value)) = rest.split_once(':')
            && self.values.len() < limits::PROPERTIES
        {
            let value = value.trim();
            let literal = matches!(value, "|" | "|-" | "|+" | ">" | ">-" | ">+");
            self.literal = literal.then_some(members + 2);
            let value = if literal { String::new() } else { unquote(value) };
            self.values.push((key.trim().to_owned(), Text::new(&value, limits::MESSAGE_BYTES)));
        }
        true
    }

    fn value(&self, key: &str) -> &str {
        self.values.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value.as_str())
    }

    /// Whether the block has what only Node writes.
    pub(super) fn is_node(&self) -> bool {
        !self.value("failureType").is_empty()
    }

    pub(super) fn is_suite(&self) -> bool {
        self.value("type") == "suite"
    }

    pub(super) fn failure_type(&self) -> &str {
        self.value("failureType")
    }

    /// The exit code of a process that ended itself; -1 where a signal ended it.
    pub(super) fn exit_code(&self) -> Option<i64> {
        let code = self.value("exitCode");
        (!code.is_empty()).then(|| code.parse().unwrap_or(-1))
    }

    pub(super) fn milliseconds(&self) -> Option<f64> {
        self.value("duration_ms").parse().ok().and_then(crate::number::rounded)
    }

    pub(super) fn message(&self) -> &str {
        ["error", "message"].into_iter().map(|key| self.value(key)).find(|value| !value.is_empty()).unwrap_or("")
    }

    /// The file and line of the test, from `file:line:column`.
    pub(super) fn location(&self) -> (Option<String>, Option<u32>) {
        let mut parts = self.value("location").rsplitn(3, ':');
        let (column, line, file) = (parts.next(), parts.next(), parts.next());
        match (file, line.and_then(|line| line.parse().ok()), column) {
            (Some(file), Some(line), Some(_)) => (Some(file.to_owned()), Some(line)),
            _ => (None, None),
        }
    }
}

fn unquote(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    match (inner('\''), inner('"')) {
        (Some(inner), _) => inner.replace("''", "'"),
        (None, Some(inner)) => inner.replace("\\\"", "\"").replace("\\n", "\n"),
        (None, None) => value.trim_matches('~').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn a_block_has_values_and_texts() {
        let mut block = Block::default();
        for line in [
            "  ---",
            "  duration_ms: 2.5",
            "  location: '/src/a.js:4:3'",
            "  failureType: 'testCodeFailure'",
            "  error: |-",
            "    first: line",
            "    ",
            "      second",
            "  exitCode: 3",
            "  ...",
        ] {
            assert!(block.takes(line), "{line}");
        }
        assert!(!block.takes("ok 2"));
        assert_eq!(block.milliseconds(), Some(2.5));
        assert_eq!(block.location(), (Some("/src/a.js".to_owned()), Some(4)));
        assert_eq!(block.message(), "first: line\n\n  second\n");
        assert_eq!((block.failure_type(), block.exit_code(), block.is_node()), ("testCodeFailure", Some(3), true));
    }

    #[test]
    fn a_block_that_does_not_end_ends_with_its_indentation() {
        let mut block = Block::default();
        assert!(block.takes("  ---") && block.takes("  a: 1"));
        assert!(!block.takes("ok 2 - next"));
        assert!(!Block::default().takes("ok 2"));
    }
}
