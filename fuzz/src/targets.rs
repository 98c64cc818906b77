//! Readers of reports, each with what is known of what it reads.

use reports::Format;

use crate::mutate::{JSON, LINES, XML};
use crate::packing::Packing;

/// A reader of reports.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// The form that the bytes are said to be in; told by their content where there is none.
    pub(crate) format: Option<Format>,
    pub(crate) packing: Packing,
    /// Pieces that mean something to the reader.
    pub(crate) tokens: &'static [&'static str],
    /// Whether tests are handed on as they are read, so that a report that is cut off has the first tests of the whole one.
    /// What still ran when a stream of events was cut off are tests that died, so those forms do not.
    pub(crate) streams: bool,
    /// The fewest bytes that a test of the report takes.
    pub(crate) bytes_per_test: usize,
}

impl Target {
    const fn of(name: &'static str, format: Format, tokens: &'static [&'static str], bytes_per_test: usize) -> Self {
        Self { name, format: Some(format), packing: Packing::Plain, tokens, streams: false, bytes_per_test }
    }

    const fn streaming(self) -> Self {
        Self { streams: true, ..self }
    }

    const fn recognised(name: &'static str, packing: Packing) -> Self {
        Self { name, format: None, packing, tokens: LINES, streams: false, bytes_per_test: 2 }
    }
}

/// All readers of reports.
pub const TARGETS: [Target; 20] = [
    Target::of("junit", Format::Junit, XML, "<testcase/>".len()),
    Target::of("ctrf", Format::Ctrf, JSON, 2).streaming(),
    Target::of("go", Format::Go, LINES, 2),
    Target::of("tap", Format::Tap, LINES, "ok\n".len()).streaming(),
    Target::of("bazel", Format::Bazel, LINES, 2),
    Target::of("robot", Format::Robot, XML, "<test/>".len()).streaming(),
    Target::of("trx", Format::Trx, XML, "<t/>".len()),
    Target::of("nunit", Format::Nunit, XML, "<test-case/>".len()).streaming(),
    Target::of("opentest", Format::OpenTest, XML, "<child/>".len()),
    Target::of("googletest", Format::GoogleTest, JSON, 2).streaming(),
    Target::of("pytest-json", Format::Pytest, JSON, 2).streaming(),
    Target::of("jest", Format::Jest, JSON, 2),
    Target::of("playwright", Format::Playwright, JSON, 2).streaming(),
    Target::of("ginkgo", Format::Ginkgo, JSON, 2),
    Target::of("libtest", Format::Libtest, LINES, 2),
    Target::of("resultsdb", Format::Resultsdb, JSON, 2).streaming(),
    Target::recognised("recognise", Packing::Plain),
    Target::recognised("gzip", Packing::Gzip),
    Target::recognised("zip-stream", Packing::ZipStream),
    Target::recognised("zip-file", Packing::ZipFile),
];
