//! Names of suites that several pages offer.

use std::collections::BTreeMap;

use answers::search::Field;
use schema::configuration::Configuration;

/// What the box of a list takes: examples, and what they find.
pub(super) fn help(fields: &[Field]) -> Vec<(&'static str, &'static str)> {
    fields.iter().map(|field| field.help()).collect()
}

/// The heading of a page, and the suite that it is about, if it is about one.
pub(super) fn titled(heading: &str, suite: &str) -> String {
    if suite.is_empty() { heading.to_owned() } else { format!("{heading} of {suite}") }
}

/// The shortest names that tell some configurations apart.
pub(super) fn short_names(configurations: &[Configuration]) -> BTreeMap<&Configuration, String> {
    configurations.iter().zip(Configuration::short_names(configurations.iter())).collect()
}
