//! The forms of reports, and how each is told by its content.

use std::io::BufRead;
use std::str::FromStr;

use crate::error::Stop;
use crate::model::Source;
use crate::run::Assembler;
use crate::{json, lines, tap, xml};

/// A form of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JUnit XML, in the dialect of whatever wrote it. Bazel's `test.xml` is one.
    Junit,
    /// The Common Test Report Format.
    Ctrf,
    /// The stream of `go test -json`.
    Go,
    /// The Test Anything Protocol, 12 to 14.
    Tap,
    /// Bazel's build event stream, as JSON lines.
    Bazel,
    /// Robot Framework's `output.xml`.
    Robot,
    /// Visual Studio's TRX.
    Trx,
    /// NUnit 3.
    Nunit,
    /// Open Test Reporting, events or hierarchy.
    OpenTest,
    /// The JSON of googletest.
    GoogleTest,
    /// pytest-json-report.
    Pytest,
    /// The JSON of Jest, which Vitest writes too.
    Jest,
    /// The JSON of Playwright.
    Playwright,
    /// The JSON lines of libtest, as cargo-nextest and `cargo test` write them.
    Libtest,
}

impl Format {
    /// All forms with their words.
    pub const ALL: [(&'static str, Self); 14] = [
        ("junit", Self::Junit),
        ("ctrf", Self::Ctrf),
        ("go", Self::Go),
        ("tap", Self::Tap),
        ("bazel", Self::Bazel),
        ("robot", Self::Robot),
        ("trx", Self::Trx),
        ("nunit", Self::Nunit),
        ("opentest", Self::OpenTest),
        ("googletest", Self::GoogleTest),
        ("pytest", Self::Pytest),
        ("jest", Self::Jest),
        ("playwright", Self::Playwright),
        ("libtest", Self::Libtest),
    ];

    /// The word for the form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(word, _)| word)
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::Junit | Self::Robot | Self::Trx | Self::Nunit | Self::OpenTest => Family::Xml,
            Self::Ctrf | Self::GoogleTest | Self::Pytest | Self::Jest | Self::Playwright => Family::Json,
            Self::Go => Family::Go,
            Self::Tap => Family::Tap,
            Self::Bazel => Family::Bazel,
            Self::Libtest => Family::Libtest,
        }
    }
}

/// A word names no form of report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no form of report {0:?}; the forms are auto, {forms}", forms = forms())]
pub struct UnknownFormat(String);

fn forms() -> String {
    Format::ALL.map(|(word, _)| word).join(", ")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, format)| *format).ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

/// What the beginning of a report tells of its form. The root of XML and the members of JSON tell the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Xml,
    Json,
    Go,
    Libtest,
    Bazel,
    Tap,
}

impl Family {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
            Self::Go => "go",
            Self::Libtest => "libtest",
            Self::Bazel => "bazel",
            Self::Tap => "tap",
        }
    }

    pub(crate) fn read(
        self,
        input: &mut dyn BufRead,
        format: Option<Format>,
        out: &mut Assembler<'_>,
        source: &mut Source,
    ) -> Result<(), Stop> {
        match self {
            Self::Xml => xml::read(input, format, out, source),
            Self::Json => json::read(input, format, out, source),
            Self::Go => lines::go::read(input, out, source),
            Self::Libtest => lines::libtest::read(input, out, source),
            Self::Bazel => lines::bazel::read(input, out, source),
            Self::Tap => tap::read(input, out, source),
        }
    }
}

/// Tells the form of a report by its first bytes.
pub(crate) fn recognise(head: &[u8]) -> Option<Family> {
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start_matches(|character: char| character.is_whitespace() || character == '\0');
    if start.starts_with('<') {
        return Some(Family::Xml);
    }
    // What a build prints may stand before the first event or test.
    if let Some(family) = start.lines().take(100).find_map(of_line) {
        return Some(family);
    }
    start.starts_with('{').then_some(Family::Json)
}

fn of_line(line: &str) -> Option<Family> {
    let line = line.trim_end();
    if line.starts_with('{') {
        let has = |member: &str| line.contains(member);
        let first = |member: &str| line[1..].trim_start().starts_with(member);
        return if (first("\"Time\"") || first("\"ImportPath\"") || first("\"Action\"")) && has("\"Action\"") {
            Some(Family::Go)
        } else if first("\"type\"") && has("\"event\"") {
            Some(Family::Libtest)
        } else if first("\"id\"") && has("\"children\"") | has("\"started\"") | has("\"progress\"") {
            Some(Family::Bazel)
        } else {
            None
        };
    }
    tap::is_line(line).then_some(Family::Tap)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Family, Format, recognise};

    #[test]
    fn forms_are_told_by_their_beginning() {
        for (head, family) in [
            ("\n <?xml version=\"1.0\"?>", Some(Family::Xml)),
            ("<testsuite>", Some(Family::Xml)),
            ("{\"reportFormat\":\"CTRF\"}", Some(Family::Json)),
            ("{\n  \"tests\": 1", Some(Family::Json)),
            ("{\"Time\":\"2026\",\"Action\":\"start\"}\n", Some(Family::Go)),
            ("go: downloading x\n{\"ImportPath\":\"a\",\"Action\":\"build-output\"}\n", Some(Family::Go)),
            ("{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\n", Some(Family::Libtest)),
            ("{\"id\":{\"started\":{}},\"children\":[]}\n", Some(Family::Bazel)),
            ("TAP version 14\n", Some(Family::Tap)),
            ("1..3\nok 1\n", Some(Family::Tap)),
            ("# note\nnot ok 1 - a\n", Some(Family::Tap)),
            ("hello\n", None),
            ("", None),
        ] {
            assert_eq!(recognise(head.as_bytes()), family, "{head}");
        }
    }

    #[test]
    fn every_word_names_its_form() {
        for (word, format) in Format::ALL {
            assert_eq!(word.parse(), Ok(format));
            assert_eq!(format.as_str(), word);
        }
        assert!("xunit".parse::<Format>().unwrap_err().to_string().contains("auto, junit, ctrf"));
    }
}
