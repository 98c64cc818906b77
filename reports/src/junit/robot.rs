//! Robot Framework's `--xunit`. Names are `{class}::{name}`: the suites, joined by dots, and the test.
//!
//! Not carried: starts; tags, lines and files. `output.xml` has them.

use super::dialect::Dialect;
use super::raw::{Child, Raw};
use crate::model::Status;
use crate::robot;
use crate::xml::Element;

pub(super) struct Robot;

impl Dialect for Robot {
    fn tool(&self) -> &'static str {
        "Robot Framework"
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        robot::failed(child.message())
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
