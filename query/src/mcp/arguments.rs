//! Arguments of a tool as the parameters that the API has for the same question.

use serde_json::{Map, Value};

use crate::error::{ApiError, bad};
use crate::parameters::Parameters;

/// Reads arguments: those that have to be there, each a text, and the others, which may be lists.
pub(super) fn read(
    arguments: &Map<String, Value>,
    required: &[&str],
    optional: &[&[&str]],
) -> Result<Parameters, ApiError> {
    for name in required {
        match arguments.get(*name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(_) => return Err(bad(format!("'{name}' is a text that is not empty"))),
            None => return Err(bad(format!("'{name}' is missing"))),
        }
    }
    let mut pairs = Vec::new();
    for (name, value) in arguments {
        for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(bad(format!("'{name}' is a text, a number, a truth value, or a list of these")));
                }
            };
            pairs.push((name.clone(), text));
        }
    }
    // A suite that has to be there is a text by now; elsewhere several may be named.
    Parameters::given(pairs, &["suite"], &[&[required], optional].concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(arguments: Value) -> Result<Parameters, ApiError> {
        read(arguments.as_object().unwrap(), &["suite"], &[&["limit", "style", "recent"]])
    }

    #[test]
    fn arguments_are_the_parameters_of_the_api() {
        let all = json!({ "suite": "unit", "limit": 3, "recent": false, "style": ["debug", "release"] });
        let parameters = of(all).unwrap();
        let pairs: Vec<_> = parameters.pairs().filter(|(name, _)| *name != "suite").collect();
        assert_eq!(parameters.first("suite"), Some("unit"));
        assert_eq!(pairs, [("limit", "3"), ("recent", "false"), ("style", "debug"), ("style", "release")]);
    }

    #[test]
    fn what_is_missing_or_unknown_is_told() {
        let told = |arguments| of(arguments).unwrap_err().to_string();
        assert_eq!(told(json!({})), "'suite' is missing");
        assert_eq!(told(json!({ "suite": "" })), "'suite' is a text that is not empty");
        assert_eq!(told(json!({ "suite": 7 })), "'suite' is a text that is not empty");
        assert_eq!(told(json!({ "suite": "a", "weeks": 1 })), "'weeks' not supported in queries by this endpoint");
        let list = told(json!({ "suite": "a", "limit": { "a": 1 } }));
        assert_eq!(list, "'limit' is a text, a number, a truth value, or a list of these");
        let two = told(json!({ "suite": "a", "limit": [1, 2] }));
        assert_eq!(two, "limit is given more than once, and has one value; give it once");
    }
}
