//! Forms, which stand for JSON documents.

use serde_json::Value;
use serde_json::value::RawValue;

/// A form as the JSON object it stands for: members that hold JSON keep it, others are texts.
pub(super) fn form_as_json(body: &[u8]) -> Vec<u8> {
    let mut json = String::from("{");
    for (name, value) in form_urlencoded::parse(body) {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&Value::from(name.as_ref()).to_string());
        json.push(':');
        match serde_json::from_str::<&RawValue>(&value) {
            Ok(raw) if !matches!(name.as_ref(), "suite" | "api_key") => json.push_str(raw.get()),
            _ => json.push_str(&Value::from(value.as_ref()).to_string()),
        }
    }
    json.push('}');
    json.into_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_become_objects() {
        let json = form_as_json(b"suite=5&commits=%5B1%5D&x=a%22b");
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"suite":"5","commits":[1],"x":"a\"b"}"#);
    }

    proptest! {
        #[test]
        fn any_form_becomes_json(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let json = form_as_json(&body);
            prop_assert!(serde_json::from_slice::<&RawValue>(&json).is_ok());
        }
    }
}
