//! The files that one layout test leaves: `NAME-actual.*`, `NAME-expected.*`, `NAME-diff.*` and their like.

use super::file_type::content_type;

/// What may follow a test's name; longer ones first.
const ROLES: [&str; 10] = [
    "expected-mismatch",
    "pretty-diff",
    "crash-log",
    "expected",
    "actual",
    "stderr",
    "sample",
    "diffs",
    "wdiff",
    "diff",
];

/// What the files of one test have in common.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family<'a> {
    /// Path up to the role, without its `-`.
    stem: &'a str,
}

/// The same file as it came out and as it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) actual: String,
    pub(super) expected: String,
}

impl<'a> Family<'a> {
    /// The family of a file, if its name tells one.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let (bare, extension) = path.rsplit_once('.')?;
        if extension.contains('/') {
            return None;
        }
        ROLES.iter().find_map(|role| Some(Self { stem: bare.strip_suffix(role)?.strip_suffix('-')? }))
    }

    /// The members among these names, sorted.
    pub(super) fn members<'b>(&self, names: impl Iterator<Item = &'b str>) -> Vec<String> {
        let mut members: Vec<String> =
            names.filter(|name| Family::of(name).is_some_and(|it| it.stem == self.stem)).map(str::to_owned).collect();
        members.sort();
        members.dedup();
        members
    }

    /// The pair with this extension.
    fn pair(&self, extension: &str, is_there: impl Fn(&str) -> bool) -> Option<Pair> {
        let of = |role: &str| format!("{}-{role}.{extension}", self.stem);
        let actual = Some(of("actual")).filter(|name| is_there(name))?;
        let expected = ["expected", "expected-mismatch"].map(of).into_iter().find(|name| is_there(name))?;
        Some(Pair { actual, expected })
    }

    /// The images to compare, and the one that shows where they differ.
    pub(super) fn images(&self, is_there: impl Fn(&str) -> bool) -> Option<(Pair, Option<String>)> {
        ["png", "jpg", "jpeg"].into_iter().find_map(|extension| {
            let pair = self.pair(extension, &is_there)?;
            Some((pair, Some(format!("{}-diff.{extension}", self.stem)).filter(|name| is_there(name))))
        })
    }

    /// The texts to compare.
    pub(super) fn texts(&self, is_there: impl Fn(&str) -> bool) -> Option<Pair> {
        self.pair("txt", is_there)
    }

    /// Whether the page of a member compares something.
    pub(super) fn is_compared(&self, name: &str, is_there: impl Fn(&str) -> bool) -> bool {
        if is_image(name) { self.images(is_there).is_some() } else { self.texts(is_there).is_some() }
    }
}

/// Whether a page shows it as an image.
pub(super) fn is_image(path: &str) -> bool {
    content_type(path).starts_with("image/")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = [
        "css/a-actual.png",
        "css/a-diff.png",
        "css/a-expected.png",
        "css/a-actual.txt",
        "css/a-b-actual.txt",
        "css/a-b-expected.txt",
        "css/a.html",
    ];

    #[test]
    fn a_family_is_told_by_its_names() {
        let there = |name: &str| NAMES.contains(&name);
        let family = Family::of("css/a-diff.png").unwrap();
        assert_eq!(
            family.members(NAMES.into_iter()),
            ["css/a-actual.png", "css/a-actual.txt", "css/a-diff.png", "css/a-expected.png"]
        );
        let (pair, diff) = family.images(there).unwrap();
        assert_eq!((pair.actual.as_str(), pair.expected.as_str()), ("css/a-actual.png", "css/a-expected.png"));
        assert_eq!(diff.as_deref(), Some("css/a-diff.png"));
        assert_eq!(family.texts(there), None);
        assert!(Family::of("css/a-b-expected.txt").unwrap().is_compared("css/a-b-expected.txt", there));
    }

    #[test]
    fn other_names_have_no_family() {
        for name in ["a.html", "actual.txt", "a-actual", "a-actual.d/x", "", "-"] {
            assert_eq!(Family::of(name), None, "{name}");
        }
        assert_eq!(Family::of("-actual.txt"), Some(Family { stem: "" }));
    }
}
