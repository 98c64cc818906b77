//! The one message of a log that says why a test failed.
//!
//! Logs of most runners begin with it. Some begin with what led there: Go with the name of the test, Python with the whole
//! trace, Rust and GoogleTest with the place. Those are known by their marks, whichever reader they came through.

use std::borrow::Cow;

/// Characters of a message that are kept.
pub const MAX_CHARACTERS: usize = 240;
/// Lines of a log that are looked at, and bytes.
const LINES: usize = 400;
const BYTES: usize = 64 << 10;
/// Lines that belong to a message that goes on.
const MORE_LINES: usize = 2;

/// Beginnings of lines that say that a test failed, and not why.
const EMPTY_WORDS: [&str; 12] = [
    "=== RUN",
    "=== PAUSE",
    "=== CONT",
    "=== NAME",
    "--- FAIL",
    "--- SKIP",
    "--- PASS",
    "----",
    "────",
    "====",
    "~~~~",
    "****",
];
/// Lines that say the same, whole.
const EMPTY_LINES: [&str; 8] = ["Failed", "failed", "FAIL", "FAILED", "failures:", "unknown file", "null", "Error"];
/// Beginnings of lines that say what a comparison found.
const FOUND: [&str; 8] = ["Expected", "expected", "Received", "received", "Actual", "actual", "left:", "right:"];

/// The message of a log, in one line and cut off where it is long; none if the log says nothing.
pub fn primary(log: &str) -> Option<String> {
    let log = &log[..log.floor_char_boundary(BYTES)];
    let log = without_colours(log);
    let lines: Vec<&str> = log.lines().take(LINES).map(str::trim_end).collect();
    let said = of_trace(&lines).or_else(|| of_first(&lines)).or_else(|| Some(vec![said(&lines).next()?]))?;
    let message = said.join(" ");
    let mut told: String = message.chars().take(MAX_CHARACTERS).collect();
    if message.chars().nth(MAX_CHARACTERS).is_some() {
        told.push('…');
    }
    Some(told)
}

/// A text without colours of terminals.
pub(super) fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('\u{1b}');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // `[`, figures and semicolons, and the letter that ends the sequence.
        let Some(sequence) = part.strip_prefix('[') else {
            made.push_str(part);
            continue;
        };
        let rest = sequence.trim_start_matches(|it: char| it.is_ascii_digit() || it == ';' || it == '?');
        made.push_str(rest.strip_prefix(|it: char| it.is_ascii_alphabetic()).unwrap_or(rest));
    }
    Cow::Owned(made)
}

/// Lines that hold something.
fn said<'l>(lines: &[&'l str]) -> impl Iterator<Item = &'l str> {
    lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty())
}

/// The message of a log with a trace whose form is known.
fn of_trace<'l>(lines: &[&'l str]) -> Option<Vec<&'l str>> {
    let find = |is_meant: &dyn Fn(&str) -> bool| lines.iter().position(|line| is_meant(line));
    // pytest: the lines of the exception have an E.
    let marked = |line: &str| line.strip_prefix("E  ").is_some_and(|rest| !rest.trim().is_empty());
    if let Some(at) = find(&marked) {
        let mut rest = lines[at..].iter().map(|line| line.strip_prefix('E').unwrap_or(line).trim());
        return rest.next().map(|line| vec![line]);
    }
    // Rust: the message stands below the place, in a log that may begin with anything.
    if let Some(at) = find(&|line| line.starts_with("thread '") && line.contains("panicked at ")) {
        let (_, place) = lines[at].split_once("panicked at ")?;
        return Some(going_on(place, &lines[at + 1..]));
    }
    // Go.
    if let Some(at) = find(&|line| line.starts_with("panic: ")) {
        return Some(vec![lines[at].trim()]);
    }
    // Python: the exception stands below its indented trace.
    if let Some(at) = find(&|line| line.trim_start().starts_with("Traceback (most recent call last)")) {
        let depth = |line: &str| line.len() - line.trim_start().len();
        let own = depth(lines[at]);
        let is_below = |line: &&&str| !line.trim().is_empty() && depth(line) <= own;
        return lines[at + 1..].iter().find(is_below).map(|line| vec![line.trim()]);
    }
    None
}

/// The first line that says more than that something failed, with those that it announces.
fn of_first<'l>(lines: &[&'l str]) -> Option<Vec<&'l str>> {
    let at = lines.iter().position(|line| !line.trim().is_empty() && !is_empty_word(line.trim()))?;
    Some(going_on(lines[at].trim(), &lines[at + 1..]))
}

fn is_empty_word(line: &str) -> bool {
    EMPTY_WORDS.iter().any(|word| line.starts_with(word))
        || EMPTY_LINES.contains(&line)
        || line.contains("─────")
        || line.strip_prefix("test ").is_some_and(|rest| rest.ends_with("... FAILED"))
}

/// A line, and those below it that it needs: one that ends with a colon or only names a place announces the next, and what
/// a comparison expected and found belongs to it.
fn going_on<'l>(first: &'l str, below: &[&'l str]) -> Vec<&'l str> {
    let mut taken = vec![first];
    let mut last = first;
    for line in said(below).take(2 * MORE_LINES) {
        let is_found = FOUND.iter().any(|word| line.starts_with(word));
        if !(last.ends_with(':') || is_place(last) || is_found) || taken.len() > 2 * MORE_LINES {
            break;
        }
        taken.push(line);
        last = line;
    }
    taken
}

/// Whether a line is the name of a file and the number of a line, and no more.
fn is_place(line: &str) -> bool {
    let Some((file, number)) = line.rsplit_once(':') else { return false };
    !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()) && !file.contains(char::is_whitespace)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_message_of_each_runner_is_found() {
        let cases = [
            ("\n  \n  expected 1\nfound 2", "expected 1"),
            ("Failed\n=== RUN   TestFail\n    f_test.go:4: always\n--- FAIL: TestFail (0.00s)", "f_test.go:4: always"),
            (
                "Failed\n=== RUN   T\n--- FAIL: T (0.00s)\npanic: boom [recovered]\n\ngoroutine 7",
                "panic: boom [recovered]",
            ),
            ("Failed\n=== RUN   T", "Failed"),
            (
                "try 6\n\nthread 'a::b' (12) panicked at src/lib.rs:14:77:\nassertion `left == right` failed\n  left: 6\n right: 3\nstack",
                "src/lib.rs:14:77: assertion `left == right` failed left: 6 right: 3",
            ),
            (
                "self = <t.T>\n\n    def t(self):\n>       f()\nE       KeyError: 'a'\n\nt.py:4: KeyError",
                "KeyError: 'a'",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nValueError: no\n",
                "ValueError: no",
            ),
            (
                "gt.cc:7\nExpected equality of these values:\n  1 + 1\n    Which is: 2",
                "gt.cc:7 Expected equality of these values: 1 + 1",
            ),
            (
                "Error: expect(received).toBe(expected)\n\nExpected: 3\nReceived: 2\n    at a (/src/a.js:3:38)",
                "Error: expect(received).toBe(expected) Expected: 3 Received: 2",
            ),
            (
                "[one] › a.spec.js:4:3 › fail ─────────\n\n    Test timeout of 400ms exceeded.",
                "Test timeout of 400ms exceeded.",
            ),
            ("Setup failed:\nsetup broke\nmore", "Setup failed: setup broke"),
            ("\u{1b}[31mred\u{1b}[39m \u{1b}?", "red ?"),
        ];
        for (log, message) in cases {
            assert_eq!(primary(log).unwrap(), message, "{log}");
        }
        assert_eq!(primary(" \n\t"), None);
        let long = "é".repeat(MAX_CHARACTERS + 1);
        assert_eq!(primary(&long), Some(format!("{}…", "é".repeat(MAX_CHARACTERS))));
    }

    proptest! {
        #[test]
        fn every_log_that_says_something_has_a_message(log in "(\\PC|[\\n\\tE:'\u{1b}\\[ ]){0,400}") {
            let said = without_colours(&log).lines().any(|line| !line.trim().is_empty());
            let message = primary(&log);
            prop_assert_eq!(message.is_some(), said);
            let message = message.unwrap_or_default();
            prop_assert!(message.chars().count() <= MAX_CHARACTERS + 1);
            prop_assert!(!message.contains('\n'));
        }
    }
}
