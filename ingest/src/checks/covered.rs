//! Which failures a document is about: those of a test or a pattern, of some configurations, of one state.

use schema::configuration::Configuration;
use schema::links::on_the_web;
use schema::results::MAX_NAME_BYTES;
use schema::state::State;
use serde_json::{Map, Value, json};

use super::document::{suite_name, text};
use crate::error::{IntakeError, bad};

/// The longest address that every browser and proxy takes.
pub(crate) const MAX_URL_BYTES: usize = 2048;

/// The failures of a suite that somebody says something of.
pub(crate) struct CoveredFailures {
    pub(crate) suite: String,
    /// The test, or a pattern with `*`.
    pub(crate) test: String,
    /// Members that configurations have.
    pub(crate) configuration: Configuration,
    /// Name of the one failing state; every failure if there is none.
    pub(crate) failure: Option<String>,
}

impl CoveredFailures {
    /// What the members `suite`, `test`, `configuration` and `failure` of a document say.
    pub(crate) fn read(members: &Map<String, Value>) -> Result<Self, IntakeError> {
        let given = |name: &str| text(members, name).trim().to_owned();
        let suite = suite_name(Some(Value::String(given("suite"))))?;
        let test = given("test");
        if test.is_empty() || test.len() > MAX_NAME_BYTES || test.chars().any(char::is_control) {
            return Err(bad("'test' must be the name of a test, or a pattern with *"));
        }
        let configuration = match members.get("configuration") {
            None | Some(Value::Null) => Configuration::default(),
            Some(given) => Configuration::from_json(given).map_err(|error| bad(format!("'configuration': {error}")))?,
        };
        let failure = match given("failure").as_str() {
            "" => None,
            name => Some(State::failure_of_name(name).ok_or_else(|| no_failure(name))?.name().to_owned()),
        };
        Ok(Self { suite, test, configuration, failure })
    }
}

/// What is wrong with the name of a failing state.
pub(crate) fn no_failure(name: &str) -> IntakeError {
    let known: Vec<&str> = State::failures().map(State::name).collect();
    bad(format!("'failure' is the state that is meant, one of {}, not '{name}'", known.join(", ")))
}

/// A line that a list can show, of so many bytes at most.
pub(crate) fn line(members: &Map<String, Value>, name: &str, longest: usize) -> Result<String, IntakeError> {
    let line = text(members, name).trim().to_owned();
    if line.len() > longest || line.chars().any(char::is_control) {
        return Err(bad(format!("'{name}' must be a line of at most {longest} bytes")));
    }
    Ok(line)
}

/// Whether an address leads to a web page and nowhere else: pages link to it.
pub(crate) fn is_page(url: &str) -> bool {
    on_the_web(url).is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
        && url.len() <= MAX_URL_BYTES
        && !url.chars().any(|character| character.is_control() || character.is_whitespace())
}

/// The schema of a name.
pub(crate) fn name_schema() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_NAME_BYTES })
}
