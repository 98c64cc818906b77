//! How a report is spoilt.

use fastrand::Rng;

/// The longest input that is made by changes, bytes.
const MAX_BYTES: usize = 128 << 10;
/// The most changes of one report, and of something small, which many changes would leave nothing of.
pub(crate) const CHANGES: usize = 8;
pub(crate) const FEW_CHANGES: usize = 2;

/// Pieces of XML.
pub(crate) const XML: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "&#x",
    "&#xD800;",
    "&amp",
    "&b;",
    "\"",
    "'",
    "=",
    "\u{0}",
    "\u{ffff}",
    "\u{feff}",
    "xmlns:a=\"b\" ",
    "<?xml version='1.0' encoding='latin1'?>",
    "<testsuites>",
    "</testsuites>",
    "<testsuite name=\"a\">",
    "</testsuite>",
    "<testcase name=\"b\" classname=\"c\">",
    "</testcase>",
    "<failure>",
    "</failure>",
    "<error/>",
    "<skipped/>",
    "<flakyFailure/>",
    "<rerunFailure/>",
    "<property name=\"go.version\"/>",
    "<system-out>",
    "</system-out>",
    "time=\"-1\"",
    "status=\"run\"",
    "name=\"\"",
    "<suite name=\"a\">",
    "</suite>",
    "<test name=\"b\">",
    "</test>",
    "<status status=\"FAIL\"/>",
    "<kw>",
    "</kw>",
    "<UnitTestResult testId=\"a\">",
    "</UnitTestResult>",
    "<InnerResults>",
    "</InnerResults>",
    "<test-suite>",
    "<test-case>",
    "</test-case>",
    "<started id=\"1\" parentId=\"1\"/>",
    "<finished id=\"1\"/>",
    "<child name=\"a\">",
    "</child>",
];

/// Pieces of JSON.
pub(crate) const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\ud800",
    "\\u0000",
    "null",
    "true",
    "-",
    "1e999",
    "0.1",
    "\u{0}",
    "\u{feff}",
    "\"name\":",
    "\"status\":",
    "\"tests\":[",
    "\"results\":{",
    "\"retries\":1e9,",
    "\"duration\":-1,",
    "\"suite\":[",
    "\"suites\":[",
    "\"specs\":[",
    "\"testResults\":[",
    "\"assertionResults\":[",
    "\"testsuites\":[",
    "\"testsuite\":[",
    "\"start\":9e18,",
    "\"invocations\":1e9,",
    "\"attempts\":[",
    "\"collectors\":[",
    "\"exitcode\":3,",
    "\"lineno\":18446744073709551615,",
    "\"test_results\":{",
    "\"actual\":\"FAIL PASS\",",
    "NaN",
    "/*",
    "//",
];

/// Pieces of reports that are lines.
pub(crate) const LINES: &[&str] = &[
    "\n",
    "\r\n",
    "\n\n",
    "    ",
    "\t",
    "ok 1 - a\n",
    "not ok 2\n",
    "1..2\n",
    "1..0 # skip\n",
    "1..18446744073709551615\n",
    "# SKIP",
    "# TODO",
    "# Subtest: a\n",
    "  ---\n",
    "  ...\n",
    "  duration_ms: -1\n",
    "  message: |-\n",
    "Bail out!",
    "TAP version 14\n",
    "\\#",
    "{",
    "}",
    "\"",
    "\u{0}",
    "\u{feff}",
    "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"t\"}\n",
    "{\"Action\":\"fail\",\"Package\":\"p\"}\n",
    "\"Elapsed\":1e308,",
    "{\"type\":\"test\",\"event\":\"started\",\"name\":\"a\"}\n",
    "{\"type\":\"test\",\"event\":\"ok\",\"name\":\"a#99999\"}\n",
    "\"lastMessage\":true",
    "\"attempt\":18446744073709551615",
    "{\"id\":{\"testSummary\":{\"label\":\"//a\"}},\"testSummary\":{}}\n",
    "<testsuite>",
    "PK\u{3}\u{4}",
    "\u{1f}",
];

/// What numbers are replaced by.
const NUMBERS: [&str; 10] = [
    "",
    "-1",
    "0",
    "1e308",
    "1e999",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "0.000000001",
    "NaN",
];

/// An input with one change at least.
pub(crate) fn mutate(rng: &mut Rng, seeds: &[Vec<u8>], tokens: &[&str], most_changes: usize) -> Vec<u8> {
    let mut bytes = rng.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..rng.usize(1..=most_changes) {
        change(rng, &mut bytes, seeds, tokens);
        bytes.truncate(MAX_BYTES);
    }
    bytes
}

fn change(rng: &mut Rng, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], tokens: &[&str]) {
    let at = rng.usize(0..=bytes.len());
    match rng.u8(0..12) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.u8(0..8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *rng.choice(b"\0<>&\"'{}[]:,\\\n /-\x1b\x7f\x80\xc0\xed\xff").unwrap_or(&0);
            }
        }
        2 => {
            let count = rng.usize(1..32);
            let random = std::iter::repeat_with(|| rng.u8(..)).take(count).collect::<Vec<_>>();
            bytes.splice(at..at, random);
        }
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(block(rng, bytes.len()))),
        5 => {
            let copy = bytes[block(rng, bytes.len())].to_vec();
            bytes.splice(at..at, copy);
        }
        6 => {
            let copy = bytes[short_block(rng, bytes.len())].to_vec();
            let times = rng.usize(2..600).min(MAX_BYTES / copy.len().max(1));
            bytes.splice(at..at, copy.repeat(times));
        }
        7 => {
            let other = rng.choice(seeds).map_or(&[][..], Vec::as_slice);
            let piece = &other[block(rng, other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        8 => {
            let other = rng.choice(seeds).map_or(&[][..], Vec::as_slice);
            let from = rng.usize(0..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        9 => number(rng, bytes, at),
        _ => {
            let token = rng.choice(tokens).copied().unwrap_or_default();
            let end = (at + rng.usize(0..4)).min(bytes.len());
            bytes.splice(at..end, token.bytes());
        }
    }
}

fn block(rng: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let (one, other) = (rng.usize(0..=length), rng.usize(0..=length));
    one.min(other)..one.max(other)
}

fn short_block(rng: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let start = rng.usize(0..=length);
    start..(start + rng.usize(1..200)).min(length)
}

/// Replaces the next number behind a place.
fn number(rng: &mut Rng, bytes: &mut Vec<u8>, at: usize) {
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|start| at + start) else { return };
    let end = bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |end| start + end);
    let number = rng.choice(NUMBERS).unwrap_or_default();
    bytes.splice(start..end, number.bytes());
}
