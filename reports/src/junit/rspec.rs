//! rspec_junit_formatter. Names are `{class}::{name}`: the file and the full description.
//!
//! Not carried: starts; a pending example that failed as it should, which looks skipped; errors outside examples, at all:
//! a file with a syntax error leaves a report without tests.

use super::dialect::{Dialect, by_element};
use super::raw::{Child, Raw};
use crate::model::Status;

pub(super) struct Rspec;

impl Dialect for Rspec {
    fn tool(&self) -> &'static str {
        "RSpec"
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        let fixed = child.type_name().ends_with("PendingExampleFixedError");
        if fixed { Status::UnexpectedPass } else { by_element(child) }
    }
}
