//! Lists of failing tests in which those with one cause stand under it: one line in place of forty.

use std::collections::HashMap;

use answers::{Store, cause_masks};
use minijinja::{Value, context};
use schema::cause::CauseId;

/// So many tests with one cause stand under it; fewer stand for themselves.
const SHARED: usize = 3;

/// A failing test of a list, as its template shows it, and what it said.
pub(super) struct Listed<'t> {
    pub(super) row: Value,
    pub(super) message: Option<&'t str>,
}

/// The entries of a list in its order: a test, or a cause where its first test stood, with all of its tests.
pub(super) fn entries<'t>(store: &Store, suite: &str, listed: impl IntoIterator<Item = Listed<'t>>) -> Vec<Value> {
    let masks = cause_masks::of_suite(&store.masks, suite);
    let causes = listed.into_iter().map(|one| {
        let pattern = one.message.and_then(|message| cause_masks::pattern_of(message, &masks));
        (one.row, pattern.map(|pattern| (pattern.id, pattern.text)))
    });
    grouped(causes)
}

fn grouped(tests: impl Iterator<Item = (Value, Option<(CauseId, String)>)>) -> Vec<Value> {
    let tests: Vec<_> = tests.collect();
    let mut sharing: HashMap<CauseId, Vec<Value>> = HashMap::new();
    for (row, cause) in &tests {
        if let Some((id, _)) = cause {
            sharing.entry(*id).or_default().push(row.clone());
        }
    }
    let mut entries = Vec::new();
    for (row, cause) in tests {
        let Some((id, pattern)) = cause else {
            entries.push(context! { cause => (), tests => [row] });
            continue;
        };
        // The first test of a cause takes all of them along.
        match sharing.get(&id).map_or(0, Vec::len) {
            0 => {}
            1..SHARED => entries.push(context! { cause => (), tests => [row] }),
            _ => {
                let tests = sharing.remove(&id).unwrap_or_default();
                entries.push(context! { cause => id.to_string(), pattern, tests });
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use schema::cause::Pattern;

    use super::*;

    #[test]
    fn tests_of_one_cause_stand_where_the_first_of_them_stood() {
        let said = [("a", "boom 1"), ("b", ""), ("c", "other"), ("d", "boom 2"), ("e", "boom 3"), ("f", "other")];
        let listed = said.map(|(name, message)| {
            let pattern = Pattern::of(message).map(|pattern| (pattern.id, pattern.text));
            (Value::from(name), pattern)
        });
        let told: Vec<(String, String)> = grouped(listed.into_iter())
            .iter()
            .map(|entry| {
                let member = |name: &str| entry.get_attr(name).map(|it| it.to_string()).unwrap_or_default();
                (member("pattern"), member("tests"))
            })
            .collect();
        let expected = [("boom *", r#"["a", "d", "e"]"#), ("", r#"["b"]"#), ("", r#"["c"]"#), ("", r#"["f"]"#)];
        assert_eq!(told, expected.map(|(pattern, tests)| (pattern.to_owned(), tests.to_owned())));
    }
}
