//! Arguments of a tool as the parameters that the API has for the same question.

use serde_json::{Map, Value};

use crate::error::{ApiError, bad};
use crate::parameters::Parameters;

/// Reads arguments: those that have to be there, in their order, and the others as parameters of these names.
pub(super) fn read<const N: usize>(
    mut arguments: Map<String, Value>,
    required: [&str; N],
    optional: &[&[&str]],
) -> Result<([String; N], Parameters), ApiError> {
    let required = required.map(|name| match arguments.shift_remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(bad(format!("'{name}' is a text that is not empty"))),
        None => Err(bad(format!("'{name}' is missing"))),
    });
    let mut texts = Vec::with_capacity(N);
    for text in required {
        texts.push(text?);
    }
    let texts = texts.try_into().map_err(|_| bad("an argument is missing"))?;
    let mut pairs = Vec::new();
    for (name, value) in &arguments {
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
    Ok((texts, Parameters::given(pairs, optional)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(arguments: Value) -> Result<([String; 1], Parameters), ApiError> {
        read(serde_json::from_value(arguments).unwrap(), ["suite"], &[&["limit", "style", "recent"]])
    }

    #[test]
    fn arguments_are_the_parameters_of_the_api() {
        let all = json!({ "suite": "unit", "limit": 3, "recent": false, "style": ["debug", "release"] });
        let ([suite], parameters) = of(all).unwrap();
        let pairs: Vec<_> = parameters.pairs().collect();
        assert_eq!(suite, "unit");
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
    }
}
