//! Robot Framework's `--xunit`. Names are `{class}::{name}`: the suites, joined by dots, and the test.
//!
//! Not carried: starts; tags, lines and files. `output.xml` has them.

use super::dialect::{Dialect, reruns};
use super::raw::{Child, Raw};
use crate::model::{Attempt, Status};
use crate::robot::{self, merged};
use crate::xml::Element;

pub(super) struct Robot;

impl Dialect for Robot {
    fn tool(&self) -> &'static str {
        "Robot Framework"
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        robot::failed(child.message())
    }

    /// `rebot --merge` puts all attempts into the message. A test that passed in the end has none here.
    fn attempts(&mut self, case: &Raw) -> Vec<Attempt> {
        let child = case.broken().or_else(|| case.skipped());
        let (message, earlier) = merged::parts(child.map_or("", Child::message));
        if earlier.is_empty() {
            return reruns(self, case);
        }
        let by_word = |word: &str, message: &str| match word {
            "PASS" => Status::Passed,
            "SKIP" => robot::skipped(message, false),
            _ => robot::failed(message),
        };
        let word = if case.broken().is_some() { "FAIL" } else { "SKIP" };
        let last = Attempt::new(by_word(word, &message), self.milliseconds(case)).with_message(&message);
        let before =
            earlier.iter().map(|run| Attempt::new(by_word(&run.word, &run.message), None).with_message(&run.message));
        before.chain([last]).collect()
    }

    fn skipped(&self, skipped: &Child, _: &Raw) -> Status {
        robot::skipped(skipped.message(), false)
    }
}

/// Whether a suite so deep below the root is one of Robot Framework: it names no host, and its stamp has microseconds.
pub(super) fn is_suite(suite: &Element, depth: usize) -> bool {
    let fraction = suite.attribute("timestamp").rsplit_once('.').map_or("", |(_, fraction)| fraction);
    depth > 1 || suite.get("hostname").is_none() && suite.get("errors") == Some("0") && fraction.len() == 6
}
