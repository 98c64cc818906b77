//! How the form of a report is told by its content, and who reads it.

use std::io::BufRead;

use crate::error::Stop;
use crate::format::Format;
use crate::model::Source;
use crate::run::Assembler;
use crate::{json, lines, tap, xml_forms};

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
    /// The family of a form.
    pub(crate) fn of(format: Format) -> Self {
        match format {
            Format::Junit | Format::Robot | Format::Trx | Format::Nunit | Format::OpenTest => Self::Xml,
            Format::Ctrf
            | Format::GoogleTest
            | Format::Pytest
            | Format::Jest
            | Format::Playwright
            | Format::Ginkgo
            | Format::Resultsdb => Self::Json,
            Format::Go => Self::Go,
            Format::Tap => Self::Tap,
            Format::Bazel => Self::Bazel,
            Format::Libtest => Self::Libtest,
        }
    }

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
            Self::Xml => xml_forms::read(input, format, out, source),
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
    // Ginkgo has a list of suites.
    let is_list = start.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{'));
    (is_list || start.starts_with('{')).then_some(Family::Json)
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
mod tests {
    use super::{Family, recognise};

    #[test]
    fn forms_are_told_by_their_beginning() {
        for (head, family) in [
            ("\n <?xml version=\"1.0\"?>", Some(Family::Xml)),
            ("<testsuite>", Some(Family::Xml)),
            ("{\"reportFormat\":\"CTRF\"}", Some(Family::Json)),
            ("{\n  \"tests\": 1", Some(Family::Json)),
            ("[\n  {\n    \"SuitePath\": \"\"", Some(Family::Json)),
            ("[1] hello", None),
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
}
