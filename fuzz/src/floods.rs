//! Large inputs of one hostile pattern each: what random changes of small reports do not make.

use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use reports::{Item, Options, RunReader};

use crate::memory;
use crate::pieces::Pieces;

/// The most memory that reading may take, bytes.
const MEMORY: usize = 64 << 20;
/// The longest that reading may take: some hundred times what the patterns take.
const TIME: Duration = Duration::from_secs(60);

/// Suites that stand around the tests of one pattern.
const SUITES: usize = 400;

/// A head, a piece that is repeated with its number in place of `{n}`, the number before in place of `{p}`, as many
/// levels of indentation in place of `{i}`, and `{x}` as a long text. `{s}` in the head is four hundred suites of JUnit.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// Its name, for people.
    pub name: &'static str,
    head: &'static str,
    piece: &'static str,
    /// Bytes of the long text.
    long: usize,
    count: u64,
    tail: &'static str,
}

const fn flood(
    name: &'static str,
    head: &'static str,
    piece: &'static str,
    long: usize,
    count: u64,
    tail: &'static str,
) -> Flood {
    Flood { name, head, piece, long, count, tail }
}

impl Flood {
    /// How often the piece is repeated. A debug build takes so much longer that it has to do with less.
    fn repeated(&self) -> u64 {
        if cfg!(debug_assertions) && self.count > 10_000 { self.count / 20 } else { self.count }
    }

    fn piece(&self, number: u64, long: &str) -> String {
        let (own, before) = (number.to_string(), (number - 1).to_string());
        let piece = self.piece.replace("{n}", &own).replace("{p}", &before).replace("{x}", long);
        // Deep indentation is only made where it is asked for.
        match piece.contains("{i}") {
            true => piece.replace("{i}", &"    ".repeat(usize::try_from(number).unwrap_or_default())),
            false => piece,
        }
    }
}

/// All patterns.
pub const FLOODS: [Flood; 30] = [
    flood("packages of go that never end", "", "{\"Action\":\"start\",\"Package\":\"package-{n}\"}\n", 0, 400_000, ""),
    flood(
        "builds of go",
        "{\"Action\":\"start\"}\n",
        "{\"Action\":\"build-output\",\"ImportPath\":\"package-{n}\",\"Output\":\"\"}\n",
        0,
        400_000,
        "",
    ),
    flood("packages of go with long names", "", "{\"Action\":\"start\",\"Package\":\"{n}-{x}\"}\n", 100_000, 1_500, ""),
    flood(
        "tests of go that never end",
        "",
        "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"test-{n}\"}\n",
        0,
        400_000,
        "",
    ),
    flood(
        "tests of go that run again",
        "",
        "{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"test\"}\n",
        0,
        100_000,
        "",
    ),
    flood(
        "tests of libtest that never end",
        "",
        "{\"type\":\"test\",\"event\":\"started\",\"name\":\"{n}-{x}\"}\n",
        4_000,
        20_000,
        "",
    ),
    flood(
        "targets of Bazel",
        "{\"id\":{\"started\":{}},\"children\":[],\"started\":{}}\n",
        "{\"id\":{\"testResult\":{\"label\":\"//{n}{x}\"}},\"testResult\":{\"status\":\"PASSED\"}}\n",
        100_000,
        1_000,
        "",
    ),
    flood(
        "nodes of Open Test Reporting inside each other",
        "<events>",
        "<started id=\"{n}\" parentId=\"{p}\" name=\"{n}\"/>",
        0,
        90_000,
        "</events>",
    ),
    flood(
        "nodes of Open Test Reporting with long names",
        "<events>",
        "<started id=\"{n}\" parentId=\"a\" name=\"{n}{x}\"/>",
        100_000,
        1_500,
        "</events>",
    ),
    flood(
        "suites of JUnit inside each other",
        "",
        "<testsuite name=\"{n}{x}\"><testcase/><testcase/>",
        100_000,
        500,
        "",
    ),
    flood("tests of JUnit below many suites", "{s}", "<testcase name=\"{n}\"/>", 4_000, 100_000, ""),
    flood("outputs of JUnit's suites", "", "<testsuite><testcase/><system-out>{x}</system-out>", 1_000_000, 200, ""),
    flood(
        "properties of JUnit's suites",
        "",
        "<testsuite><properties><property name=\"{x}\" value=\"{x}\"/><property name=\"{x}\" value=\"{x}\"/></properties><testcase/>",
        500_000,
        200,
        "",
    ),
    flood(
        "failures of one test",
        "<testsuite><testcase name=\"a\">",
        "<failure message=\"{x}\" type=\"{x}\">{x}</failure>",
        200_000,
        400,
        "</testcase></testsuite>",
    ),
    flood(
        "errors of one suite",
        "<testsuite>",
        "<error message=\"{x}\" type=\"{x}\">{x}</error>",
        200_000,
        400,
        "</testsuite>",
    ),
    flood(
        "tests of one name in Surefire",
        "<testsuite xmlns:xsi=\"x\" xsi:noNamespaceSchemaLocation=\"surefire-test-report.xsd\">",
        "<testcase name=\"a\" classname=\"b\"><failure/></testcase>",
        0,
        100_000,
        "</testsuite>",
    ),
    flood("long attributes", "<testsuite><testcase name=\"a\"", " a{n}=\"{x}\"", 1_000_000, 200, "/></testsuite>"),
    flood("quotes without attributes", "<testsuite><testcase ", "\"{n}\"", 0, 5_000_000, "/></testsuite>"),
    flood(
        "results of TRX with long names",
        "<TestRun><Results>",
        "<UnitTestResult testName=\"{n}{x}\"/>",
        100_000,
        1_500,
        "</Results></TestRun>",
    ),
    flood(
        "messages of one result of TRX",
        "<TestRun><Results><UnitTestResult><Output><ErrorInfo>",
        "<Message>{x}</Message>",
        60_000,
        2_000,
        "</ErrorInfo></Output></UnitTestResult></Results></TestRun>",
    ),
    flood(
        "definitions of TRX",
        "<TestRun>",
        "<Results><UnitTestResult testName=\"{x}\"/></Results><TestDefinitions><UnitTest id=\"{n}\"><TestMethod className=\"{x}\"/></UnitTest></TestDefinitions>",
        50_000,
        2_000,
        "</TestRun>",
    ),
    flood(
        "properties of NUnit",
        "<test-run>",
        "<test-case name=\"{n}\"><properties><property name=\"{x}\" value=\"{x}\"/><property name=\"{x}\" value=\"{x}\"/></properties></test-case>",
        500_000,
        100,
        "</test-run>",
    ),
    flood(
        "suites of Robot Framework inside each other",
        "<robot>",
        "<suite name=\"{x}\" source=\"{x}\"><test name=\"t\"><status/></test>",
        200_000,
        500,
        "",
    ),
    flood("subtests of TAP", "TAP version 14\n", "{i}# Subtest: {x}\n{i}ok {n}\n", 500_000, 400, ""),
    flood("tests of CTRF that were retried", "{\"results\":{\"tests\":[{}", ",{\"retries\":999}", 0, 50_000, "]}}"),
    flood(
        "small values of one test of CTRF",
        "{\"results\":{\"tests\":[{\"tags\":[0",
        ",0,0,0,0,0,0,0,0",
        0,
        250_000,
        "]}]}}",
    ),
    flood(
        "files of Jest",
        "{\"testResults\":[{}",
        ",{\"assertionResults\":[{\"invocations\":999,\"status\":\"failed\",\"title\":\"{n}\"}],\"name\":\"{n}\"}",
        0,
        20_000,
        "]}",
    ),
    flood(
        "tests of one file of Jest",
        "{\"testResults\":[{\"assertionResults\":[{}",
        ",{\"invocations\":256,\"failureMessages\":[]}",
        0,
        50_000,
        "]}]}",
    ),
    flood(
        "suites of Playwright inside each other",
        "{\"suites\":[",
        "{\"title\":\"{x}\",\"specs\":[{\"tests\":[{}]}],\"suites\":[",
        100_000,
        100,
        "",
    ),
    flood(
        "folders of a document inside each other",
        "{\"test_results\":{\"results\":{",
        "\"a{n}\":{\"log\":\"{x}\",\"attempts\":[{\"log\":\"{x}\"}]},\"{n}{x}\":{",
        200_000,
        100,
        "",
    ),
];

/// What reading a flood cost.
#[derive(Debug)]
pub struct FloodOutcome {
    name: &'static str,
    tests: u64,
    bytes: u64,
    elapsed: Duration,
    peak: usize,
}

impl FloodOutcome {
    /// What is wrong, if anything is.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        (self.peak > MEMORY || self.elapsed > TIME).then(|| self.to_string())
    }
}

impl fmt::Display for FloodOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, tests, bytes, elapsed, peak } = self;
        let (megabytes, mebibytes, milliseconds) = (bytes / 1_000_000, peak >> 20, elapsed.as_millis());
        write!(formatter, "{name}: {megabytes} MB, {tests} tests, {milliseconds} ms, {mebibytes} MiB")
    }
}

/// Reads a flood.
#[must_use]
pub fn read(flood: &Flood) -> FloodOutcome {
    let begun = Instant::now();
    let ((tests, bytes), peak) = memory::peak(|| {
        let mut sink = |_: Item| ControlFlow::Continue(());
        let mut run = RunReader::new(Options::default(), &mut sink);
        let long = "x".repeat(flood.long);
        let suites = if flood.head.contains("{s}") { SUITES } else { 0 };
        let head = flood.head.replace("{s}", &format!("<testsuite name=\"{long}\">").repeat(suites));
        let mut pieces = Pieces::new(flood.repeated(), |number| flood.piece(number, &long));
        // A flood may be refused where it has become too large.
        let _ = run.read("flood", head.as_bytes().chain(&mut pieces).chain(flood.tail.as_bytes()));
        (run.finish().unwrap_or_default(), pieces.given())
    });
    FloodOutcome { name: flood.name, tests, bytes, elapsed: begun.elapsed(), peak }
}
