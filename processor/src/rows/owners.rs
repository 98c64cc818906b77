//! The row of a file of owners, and the owners that a result names.

use schema::owners::{MAX_OWNERS, SuiteOwners, is_owner};
use schema::store::rows::OwnerFileRow;
use serde::Deserialize;
use serde_json::Value;

use super::columns::seconds;

/// The row of a file that was received at a time, seconds since 1970.
pub(super) fn row(owners: SuiteOwners, received_at: i64, version: u64) -> OwnerFileRow {
    let SuiteOwners { suite, text, folder } = owners;
    OwnerFileRow { suite, content: text, folder, recorded_at: seconds(received_at), version }
}

/// The owners among the other members of a result: a text, or a list of texts. What can be none is left out.
pub(super) fn of_result(extra: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Members {
        owners: Option<Value>,
    }
    if !extra.contains("\"owners\"") {
        return Vec::new();
    }
    let named = serde_json::from_str::<Members>(extra).ok().and_then(|members| members.owners).unwrap_or_default();
    let listed = named.as_array().map_or(std::slice::from_ref(&named), Vec::as_slice);
    let texts = listed.iter().filter_map(Value::as_str).map(str::trim);
    let mut owners: Vec<String> = Vec::new();
    for owner in texts.filter(|owner| is_owner(owner)) {
        if owners.len() < MAX_OWNERS && !owners.iter().any(|known| known == owner) {
            owners.push(owner.to_owned());
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_names_one_owner_or_some_and_whatever_else_is_none() {
        for (extra, expected) in [
            (r#"{"owners":["@a","@b","@a"],"file":"a.py"}"#, &["@a", "@b"][..]),
            (r#"{"owners":" Ada "}"#, &["Ada"]),
            (r#"{"owners":[1,null,["@a"],"","a\nb","@c"]}"#, &["@c"]),
            (r#"{"owners":7}"#, &[]),
            (r#"{"log":"\"owners\": no"}"#, &[]),
            ("", &[]),
        ] {
            assert_eq!(of_result(extra), expected, "{extra}");
        }
        let many: Vec<String> = (0..50).map(|index| format!("\"@{index}\"")).collect();
        assert_eq!(of_result(&format!("{{\"owners\":[{}]}}", many.join(","))).len(), MAX_OWNERS);
    }
}
