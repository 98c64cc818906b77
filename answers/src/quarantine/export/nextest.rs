//! The filter of cargo-nextest that runs every test but those in quarantine.
//!
//! Reports name a test by its binary's id and its path. The id of a binary is its package, or has one part more, the name of
//! an integration test or the kind and name of another target; what stands between the two stands within both. A name is
//! therefore that of a path in either of two binaries, of which the filter names both: nextest refuses a filter about a binary
//! that does not exist, so that it cannot be written as two. [`taken_for`] finds the paths that are meant by that as well.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Between a binary and a test, and within either.
const SEPARATOR: &str = "::";

/// The filter for every test but these.
pub(super) fn text<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let tests: Vec<String> = names.map(|name| test(name)).collect();
    if tests.is_empty() { "all()\n".to_owned() } else { format!("not ({})\n", tests.join(" | ")) }
}

/// Those of the known names whose tests would be left out with this one; it may be among them.
pub(super) fn taken_for<'k>(name: &str, known: &'k BTreeSet<String>) -> Vec<&'k String> {
    let Places { binaries, paths } = Places::of(name);
    let all = binaries.iter().flat_map(|binary| paths.iter().map(move |path| format!("{binary}{SEPARATOR}{path}")));
    all.filter_map(|name| known.get(&name)).collect()
}

/// Where the test of a name may be.
struct Places {
    binaries: Vec<String>,
    /// One for each of the binaries.
    paths: Vec<String>,
}

impl Places {
    fn of(name: &str) -> Self {
        let mut parts = name.splitn(3, SEPARATOR).filter(|part| !part.is_empty());
        let (first, second, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let package = |path: String| (first.to_owned(), path);
        let target = |second: &str, rest: &str| (format!("{first}{SEPARATOR}{second}"), rest.to_owned());
        let places: Vec<(String, String)> = match (second, rest) {
            (None, _) => Vec::new(),
            (Some(path), None) => vec![package(path.to_owned())],
            // No path has a slash: it stands behind the kind of a target.
            (Some(second), Some(rest)) if second.contains('/') => vec![target(second, rest)],
            (Some(second), Some(rest)) => {
                vec![package(format!("{second}{SEPARATOR}{rest}")), target(second, rest)]
            }
        };
        let (binaries, paths) = places.into_iter().unzip();
        Self { binaries, paths }
    }
}

/// The test of a name.
fn test(name: &str) -> String {
    let Places { binaries, paths } = Places::of(name);
    if binaries.is_empty() {
        return format!("test(={})", escaped(name, "\\u"));
    }
    let binaries: Vec<String> = binaries.iter().map(|binary| escaped(binary, "\\x")).collect();
    let paths: Vec<String> = paths.iter().map(|path| format!("test(={})", escaped(path, "\\u"))).collect();
    format!("(binary_id(/^(?:{})$/) & ({}))", binaries.join("|"), paths.join(" | "))
}

/// A text that is taken as it is, where a sign's number may stand for it behind `sign`.
fn escaped(text: &str, sign: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':') {
            escaped.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{sign}{{{:x}}}", u32::from(letter));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_in_one_of_two_binaries() {
        let text = |name: &str| super::text([name.to_owned()].iter());
        assert_eq!(text("demo::pass"), "not ((binary_id(/^(?:demo)$/) & (test(=pass))))\n");
        assert_eq!(
            text("my-demo::it::a::b"),
            "not ((binary_id(/^(?:my\\x{2d}demo|my\\x{2d}demo::it)$/) & (test(=it::a::b) | test(=a::b))))\n"
        );
        assert_eq!(text("demo::bin/x::a::b"), "not ((binary_id(/^(?:demo::bin\\x{2f}x)$/) & (test(=a::b))))\n");
        assert_eq!(text("lone"), "not (test(=lone))\n");
        assert_eq!(text("b::x)|all("), "not ((binary_id(/^(?:b)$/) & (test(=x\\u{29}\\u{7c}all\\u{28}))))\n");
        assert_eq!(super::text([].iter()), "all()\n");
    }

    #[test]
    fn the_other_path_in_either_binary_is_taken_as_well() {
        let known: BTreeSet<String> =
            ["d::it::a", "d::a", "d::it::it::a", "d::other::a", "d::bin/x::a"].map(str::to_owned).into();
        assert_eq!(taken_for("d::it::a", &known), ["d::it::a", "d::a", "d::it::it::a", "d::it::a"]);
        assert_eq!(taken_for("d::bin/x::a", &known), ["d::bin/x::a"]);
        assert_eq!(taken_for("d::a", &known), ["d::a"]);
    }
}
