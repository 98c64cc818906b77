//! Two texts as a unified diff, with the changed words of changed lines: bounded in size, in time and in lines shown.

use std::time::{Duration, Instant};

use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};

/// Larger texts are not compared, bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// After this long the rest is told apart coarsely.
const TIME: Duration = Duration::from_secs(1);
/// Lines around a change.
const CONTEXT: usize = 3;
/// Lines shown.
const MAX_LINES: usize = 4000;

/// How two texts differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Comparison {
    Same,
    /// One of them is larger than [`MAX_BYTES`].
    TooLarge,
    /// One of them is no text.
    Binary,
    Different {
        hunks: Vec<Vec<Line>>,
        /// Whether there are more lines than are shown.
        cut: bool,
    },
}

/// A line of one text or of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    sign: &'static str,
    class: &'static str,
    /// Numbers in the expected and the actual text, from 1.
    old: Option<usize>,
    new: Option<usize>,
    /// Its parts, and whether each is what changed.
    parts: Vec<(bool, String)>,
}

/// From the expected to the actual text.
pub(super) fn compare(expected: &[u8], actual: &[u8]) -> Comparison {
    if expected == actual {
        return Comparison::Same;
    }
    if expected.len().max(actual.len()) > MAX_BYTES {
        return Comparison::TooLarge;
    }
    if expected.contains(&0) || actual.contains(&0) {
        return Comparison::Binary;
    }
    let (expected, actual) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(actual));
    let deadline = Instant::now() + TIME;
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).deadline(deadline).diff_lines(&*expected, &*actual);
    let (mut hunks, mut shown, mut cut) = (Vec::new(), 0, false);
    for group in diff.grouped_ops(CONTEXT) {
        let mut lines = Vec::new();
        for operation in &group {
            for change in diff.iter_inline_changes_deadline(operation, Some(deadline)) {
                if shown == MAX_LINES {
                    cut = true;
                    break;
                }
                shown += 1;
                let (sign, class) = match change.tag() {
                    ChangeTag::Equal => (" ", "same"),
                    ChangeTag::Delete => ("-", "removed"),
                    ChangeTag::Insert => ("+", "added"),
                };
                let mut parts: Vec<(bool, String)> =
                    change.iter_strings_lossy().map(|(changed, text)| (changed, text.into_owned())).collect();
                if let Some((_, last)) = parts.last_mut() {
                    last.truncate(last.trim_end_matches(['\n', '\r']).len());
                }
                let number = |index: Option<usize>| index.map(|index| index + 1);
                lines.push(Line {
                    sign,
                    class,
                    old: number(change.old_index()),
                    new: number(change.new_index()),
                    parts,
                });
            }
        }
        if !lines.is_empty() {
            hunks.push(lines);
        }
    }
    Comparison::Different { hunks, cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expected: &str, actual: &str) -> Vec<String> {
        let Comparison::Different { hunks, .. } = compare(expected.as_bytes(), actual.as_bytes()) else {
            return Vec::new();
        };
        let line = |line: Line| {
            let parts = line.parts.into_iter().map(|(changed, text)| if changed { format!("[{text}]") } else { text });
            format!("{}{}", line.sign, parts.collect::<String>())
        };
        hunks.into_iter().flatten().map(line).collect()
    }

    #[test]
    fn changed_words_are_told_from_the_rest_of_their_line() {
        assert_eq!(
            shown("a\nwidth is 120 px\nz\n", "a\nwidth is 100 px\nz\n"),
            [" a", "-width is [120] px", "+width is [100] px", " z"]
        );
        assert_eq!(shown("same", "same"), Vec::<String>::new());
        assert_eq!(shown("", "new"), ["+new"]);
    }

    #[test]
    fn what_is_too_large_or_no_text_is_not_compared() {
        assert_eq!(compare(&vec![b'a'; MAX_BYTES + 1], b""), Comparison::TooLarge);
        assert_eq!(compare(b"\0", b"a"), Comparison::Binary);
    }

    #[test]
    fn texts_made_to_be_slow_end_in_time() {
        let text = |seed: u64| -> String {
            let mut state = seed;
            let mut word = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if state >> 63 == 0 { "a\n" } else { "b\n" }
            };
            (0..MAX_BYTES / 2).map(|_| word()).collect()
        };
        let begun = Instant::now();
        let found = compare(text(1).as_bytes(), text(2).as_bytes());
        assert!(matches!(found, Comparison::Different { cut: true, .. }));
        assert!(begun.elapsed() < 20 * TIME, "{:?}", begun.elapsed());
    }
}
