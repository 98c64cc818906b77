//! The fields of a form that choose configurations by their labels: one for each key that a suite uses.

use std::collections::BTreeSet;

use answers::suites;
use minijinja::{Value, context};

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Service;

/// Keys that get a field; whoever wants another one writes it into the address.
const MAX_FIELDS: usize = 8;
/// Values that a field offers.
const MAX_VALUES: usize = 100;

/// The fields: keys that configurations of a suite had lately (of every suite if none is named), with what the parameters
/// choose. A key that is chosen has a field even if nothing ran with it.
pub(super) async fn of_suite(service: &Service, parameters: &Parameters, suite: &str) -> Result<Vec<Value>, ApiError> {
    let suite = Some(suite).filter(|suite| !suite.is_empty());
    let mut known = suites::recent_labels(&service.store, suite).await?;
    let chosen = parameters.labels()?;
    let mut fields = Vec::new();
    for (key, value) in &chosen {
        known.entry((*key).to_owned()).or_default().insert((*value).to_owned());
    }
    let is_chosen = |key: &str| chosen.iter().any(|(other, _)| *other == key);
    for (key, values) in known {
        if fields.len() < MAX_FIELDS || is_chosen(&key) {
            fields.extend(fields_of(&key, &values, &chosen));
        }
    }
    Ok(fields)
}

/// A field for each value of a key that is chosen, or one where none is.
fn fields_of(key: &str, values: &BTreeSet<String>, chosen: &[(&str, &str)]) -> Vec<Value> {
    let mut of_key: Vec<&str> = chosen.iter().filter(|(other, _)| *other == key).map(|(_, value)| *value).collect();
    if of_key.is_empty() {
        of_key.push("");
    }
    let field = |(index, value): (usize, &str)| {
        let is_shown = |one: &&String| one.as_str() == value;
        let offered: BTreeSet<&String> = values.iter().take(MAX_VALUES).chain(values.iter().filter(is_shown)).collect();
        context! { id => numbered(key, index), key, name => format!("label.{key}"), values => offered, chosen => value }
    };
    of_key.into_iter().enumerate().map(field).collect()
}

/// What tells several fields of one name apart.
pub(super) fn numbered(name: &str, index: usize) -> String {
    if index == 0 { name.to_owned() } else { format!("{name}-{}", index + 1) }
}
