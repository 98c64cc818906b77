//! Parameters that may be given more than once. Of any other, one value is meant: were the others passed over, the answer would be
//! to another question than the one that was asked.

use web::openapi::{Operation, Repeated};

use super::chooses_configurations;
use super::populations::PREFIX;
use crate::error::{ApiError, bad};

/// Lists of which any value will do.
const LISTS: [&str; 2] = ["group", "kind"];
/// What names commits, also as an end of a range.
const COMMITS: [&str; 5] = ["repository_id", "id", "ref", "uuid", "timestamp"];

/// Whether a parameter of an operation may be given more than once.
pub(crate) fn may_repeat(operation: &Operation, name: &str) -> bool {
    match operation.repeated {
        Repeated::Any => true,
        Repeated::Lists(lists) => lists.contains(&name) || is_list(name),
    }
}

/// Whether several values of a parameter are meant, wherever it is taken.
fn is_list(name: &str) -> bool {
    let of_base = name.strip_prefix(PREFIX).unwrap_or(name);
    let of_range = ["after_", "before_"].iter().find_map(|end| name.strip_prefix(end)).unwrap_or(name);
    LISTS.contains(&name) || COMMITS.contains(&of_range) || chooses_configurations(of_base)
}

/// Refuses a parameter that is given more than once, unless it is a list: everywhere, or as one of `lists` here.
pub(super) fn check(pairs: &[(String, String)], lists: &[&str]) -> Result<(), ApiError> {
    for (index, (name, _)) in pairs.iter().enumerate() {
        let is_repeated = pairs[..index].iter().any(|(before, _)| before == name);
        if is_repeated && !lists.contains(&name.as_str()) && !is_list(name) {
            return Err(bad(format!("{name} is given more than once, and has one value; give it once")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str], lists: &[&str]) -> Option<String> {
        let pairs: Vec<_> = names.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        check(&pairs, lists).err().map(|error| error.to_string())
    }

    #[test]
    fn what_has_one_value_is_given_once() {
        for name in
            ["weeks", "branch", "suite", "limit", "before_branch", "base_branch", "after_time", "as_of", "format"]
        {
            let error = told(&["platform", name, "q", name], &[]);
            assert_eq!(error, Some(format!("{name} is given more than once, and has one value; give it once")));
            assert_eq!(told(&[name], &[]), None);
            assert_eq!(told(&[name, name], &[name]), None);
        }
    }

    #[test]
    fn lists_may_be_given_as_often_as_they_have_values() {
        for name in
            ["platform", "is_simulator", "label.job", "base_style", "base_label.job", "uuid", "before_ref", "group"]
        {
            assert_eq!(told(&[name, name, name], &[]), None, "{name}");
        }
    }
}
