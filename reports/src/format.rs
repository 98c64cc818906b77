//! The forms of reports, and their words.

use std::str::FromStr;

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
    /// The JSON of Ginkgo.
    Ginkgo,
    /// The JSON lines of libtest, as cargo-nextest and `cargo test` write them.
    Libtest,
    /// The document of an upload.
    Resultsdb,
}

impl Format {
    /// All forms with their words.
    pub const ALL: [(&'static str, Self); 16] = [
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
        ("ginkgo", Self::Ginkgo),
        ("libtest", Self::Libtest),
        ("resultsdb", Self::Resultsdb),
    ];

    /// The word for the form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(word, _)| word)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Format;

    #[test]
    fn every_word_names_its_form() {
        for (word, format) in Format::ALL {
            assert_eq!(word.parse(), Ok(format));
            assert_eq!(format.as_str(), word);
        }
        assert!("xunit".parse::<Format>().unwrap_err().to_string().contains("auto, junit, ctrf"));
    }
}
