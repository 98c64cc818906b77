//! One line of TAP.

use crate::junit::mocha;
use crate::model::Status;

/// What a test point says behind its `#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    /// The test did not run, with the reason.
    Skip(String),
    /// The test should fail for now, with the reason.
    Todo(String),
}

/// A test point: `ok` or `not ok`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) ok: bool,
    pub(crate) number: Option<u64>,
    /// The description without escapes, empty where there is none.
    pub(crate) description: String,
    pub(crate) directive: Option<Directive>,
    /// Time, milliseconds, where node-tap writes it as a comment.
    pub(crate) milliseconds: Option<f64>,
    /// The points inside it follow, up to a line with a closing brace.
    pub(crate) opens: bool,
    /// bats ended the test because it took too long.
    pub(crate) timed_out: bool,
}

impl Point {
    /// Whether the point stands for a hook that failed: one of Mocha, of bats, or of AVA.
    pub(super) fn is_hook(&self) -> bool {
        const OF_BATS: [&str; 4] = ["setup_file failed", "teardown_file failed", "setup_suite", "teardown_suite"];
        const OF_AVA: [&str; 3] = ["before hook", "after hook", "after.always hook"];
        let title = self.description.as_str();
        let of_ava =
            |hook: &&str| title.strip_suffix(*hook).is_some_and(|file| file.is_empty() || file.ends_with(" › "));
        mocha::is_hook(title) || OF_BATS.contains(&title) || OF_AVA.iter().any(of_ava)
    }

    /// The description without the time that `bats --timing` writes behind it, and that time, milliseconds.
    pub(super) fn timing(&self) -> Option<(&str, f64)> {
        let (title, time) = self.description.rsplit_once(" in ")?;
        let digits = time.strip_suffix("ms").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some((title, digits.parse().ok()?))
    }

    pub(crate) fn status(&self) -> Status {
        match (&self.directive, self.ok) {
            (Some(Directive::Skip(_)), _) => Status::Skipped,
            (Some(Directive::Todo(_)), true) => Status::UnexpectedPass,
            (Some(Directive::Todo(_)), false) => Status::ExpectedFailure,
            (None, true) => Status::Passed,
            (None, false) if self.timed_out => Status::Timeout,
            (None, false) => Status::Failed,
        }
    }
}

/// How many tests a script means to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) count: u64,
    /// Why it runs none.
    pub(crate) skipped: Option<String>,
}

/// Whether a line can only be one of TAP. The line of `go test` for a package, with a tab behind its `ok`, is none.
pub(crate) fn is_line(line: &str) -> bool {
    let rest = line.strip_prefix("not ok").or_else(|| line.strip_prefix("ok"));
    let follows = |rest: &str| {
        let bytes = rest.as_bytes();
        bytes.is_empty()
            || bytes[0] == b' ' && bytes.get(1).is_some_and(|byte| byte.is_ascii_digit() || b"-#".contains(byte))
    };
    rest.is_some_and(follows) || plan(line).is_some() || line.starts_with("TAP version ") || bail(line).is_some()
}

/// The reason of `Bail out!`.
pub(crate) fn bail(line: &str) -> Option<&str> {
    line.strip_prefix("Bail out!").map(str::trim)
}

pub(crate) fn plan(line: &str) -> Option<Plan> {
    let rest = line.strip_prefix("1..")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (count, rest) = rest.split_at(digits);
    let rest = rest.trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return None;
    }
    let comment = rest.trim_start_matches('#').trim();
    let skipped = word(comment, "skip").map(|reason| reason.trim_start_matches(':').trim().to_owned());
    Some(Plan { count: count.parse().ok()?, skipped })
}

pub(crate) fn point(line: &str) -> Option<Point> {
    let (ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    let rest = rest.trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = rest[..digits].parse().ok().filter(|_| {
        let next = rest.as_bytes().get(digits);
        next.is_none_or(|byte| byte.is_ascii_whitespace())
    });
    let rest = if number.is_some() { rest[digits..].trim_start() } else { rest };
    let rest = rest.strip_prefix("- ").or_else(|| (rest == "-").then_some("")).unwrap_or(rest);
    let (description, comment) = split_comment(rest);
    let comment = comment.trim();
    // node-tap and Vitest may write what is inside a test behind it, in braces.
    let inside = comment.strip_suffix('{').filter(|comment| comment.is_empty() || comment.ends_with(' '));
    let comment = inside.unwrap_or(comment).trim_end();
    let directive = if let Some(reason) = word(comment, "skip") {
        Some(Directive::Skip(reason.to_owned()))
    } else {
        word(comment, "todo").map(|reason| Directive::Todo(reason.to_owned()))
    };
    let time = comment.strip_prefix("time=").and_then(|time| time.strip_suffix("ms"));
    let milliseconds = time.and_then(|time| time.parse().ok()).and_then(crate::number::rounded);
    let limit = comment.strip_prefix("timeout after ").and_then(|limit| limit.strip_suffix('s'));
    let timed_out =
        !ok && limit.is_some_and(|limit| !limit.is_empty() && limit.bytes().all(|byte| byte.is_ascii_digit()));
    // What is neither directive nor time belongs to the description.
    let plain = directive.is_none() && milliseconds.is_none() && !timed_out;
    let opens = inside.is_some() && !plain;
    let description = unescape(if plain { rest } else { description }.trim());
    Some(Point { ok, number, description, directive, milliseconds, opens, timed_out })
}

/// Splits at the first `#` that is not escaped and stands behind a blank.
fn split_comment(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'#' if at == 0 || bytes[at - 1].is_ascii_whitespace() => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
        at += 1;
    }
    (text, "")
}

/// What follows a word at the beginning of a comment, in any case: `SKIP`, `skipped`, `todo`.
fn word<'a>(comment: &'a str, word: &str) -> Option<&'a str> {
    let start = comment.get(..word.len())?;
    let rest = &comment[word.len()..];
    let end = rest.find(|character: char| !character.is_alphanumeric()).unwrap_or(rest.len());
    (start.eq_ignore_ascii_case(word) && matches!(&rest[..end], "" | "ped" | "PED" | "s")).then(|| rest[end..].trim())
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(&next @ ('#' | '\\'))) => {
                plain.push(next);
                characters.next();
            }
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Directive, is_line, plan, point};
    use crate::model::Status;

    #[test]
    fn points_have_description_directive_and_time() {
        let read = |line: &str| {
            let point = point(line)?;
            Some((point.number, point.description.clone(), point.status()))
        };
        for (line, number, description, status) in [
            ("ok 1 - pass", Some(1), "pass", Status::Passed),
            ("not ok 2 - fail", Some(2), "fail", Status::Failed),
            ("ok 5", Some(5), "", Status::Passed),
            ("ok", None, "", Status::Passed),
            ("ok 6 # skip not today", Some(6), "", Status::Skipped),
            ("ok 7 - a # SKIPPED", Some(7), "a", Status::Skipped),
            ("not ok 8 - todo fails # TODO known bug", Some(8), "todo fails", Status::ExpectedFailure),
            ("ok 9 - todo passes # TODO known bug", Some(9), "todo passes", Status::UnexpectedPass),
            ("ok 10 - issue #12 \\# hash \\\\ back", Some(10), "issue #12 # hash \\ back", Status::Passed),
            ("ok 11 - a # time=12.5ms", Some(11), "a", Status::Passed),
            ("ok 12 - todo later # a note", Some(12), "todo later # a note", Status::Passed),
            ("ok 13 - skip\\# TODO", Some(13), "skip# TODO", Status::Passed),
            ("ok 3rd try", None, "3rd try", Status::Passed),
        ] {
            assert_eq!(read(line), Some((number, description.to_owned(), status)), "{line}");
        }
        assert_eq!(point("ok 11 - a # time=12.5ms").unwrap().milliseconds, Some(12.5));
        assert_eq!(point("ok 6 # skip a b").unwrap().directive, Some(Directive::Skip("a b".to_owned())));
        assert_eq!((point("okay"), point("not okay"), point("# ok")), (None, None, None));
    }

    #[test]
    fn plans_may_skip_everything() {
        assert_eq!(plan("1..3").map(|plan| (plan.count, plan.skipped)), Some((3, None)));
        assert_eq!(
            plan("1..0 # SKIP no database").map(|plan| (plan.count, plan.skipped)),
            Some((0, Some("no database".to_owned())))
        );
        assert_eq!((plan("1..x"), plan("1..2 3")), (None, None));
        assert!(is_line("not ok 1") && is_line("ok - a") && is_line("Bail out!"));
        assert!(!is_line("ok  \texample.com/demo\t0.003s") && !is_line("okay"));
    }
}
