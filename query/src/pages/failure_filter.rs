//! Which failing tests a page shows, in which order: search, state, sort and page of its address.

use schema::bug::BugLink;
use schema::state::{ERROR, NAMES};

use crate::error::{ApiError, bad};
use crate::language::{Field, Question, Subject};
use crate::parameters::Parameters;

/// The parameters that are read here.
pub(super) const OWN: [&str; 4] = ["q", "state", "sort", "page"];
/// The orders, the usual one first.
pub(super) const SORTS: [(&str, &str); 3] = [("worst", "worst first"), ("rarest", "rarest first"), ("name", "by name")];

/// What can be asked about the tests.
pub(super) const FIELDS: [Field; 6] = [Field::State, Field::On, Field::Only, Field::Count, Field::Bug, Field::Suite];

/// A failing test.
#[derive(Debug)]
pub(super) struct Failing<'a> {
    pub(super) test: &'a str,
    /// Position of its worst state.
    pub(super) state: u8,
    /// Positions of the configurations where it fails, in order.
    pub(super) places: Vec<usize>,
    /// Those that explain how it fails.
    pub(super) bugs: Vec<&'a BugLink>,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Narrow {
    question: Question,
    state: Option<u8>,
    sort: String,
    /// From 1.
    pub(super) page: usize,
}

impl Narrow {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, ApiError> {
        let text = |name| parameters.first(name).unwrap_or_default();
        let failing = NAMES.iter().take(usize::from(ERROR) + 1);
        let state = match text("state") {
            "" => None,
            asked => match failing.clone().position(|name| name.eq_ignore_ascii_case(asked)) {
                Some(position) => Some(position as u8),
                None => {
                    let names: Vec<&str> = failing.copied().collect();
                    return Err(bad(format!("A failing state is one of {}", names.join(", "))));
                }
            },
        };
        let sort = match text("sort") {
            "" => SORTS[0].0,
            asked if SORTS.iter().any(|(name, _)| *name == asked) => asked,
            _ => return Err(bad("Failures are sorted by worst, rarest or name")),
        };
        let page = match text("page") {
            "" => 1,
            asked => asked.parse().ok().filter(|page| *page > 0).ok_or_else(|| bad("A page is a number from 1"))?,
        };
        Ok(Self { question: Question::read(text("q"), &FIELDS)?, state, sort: sort.to_owned(), page })
    }

    /// The name of the order.
    pub(super) fn sort(&self) -> &str {
        &self.sort
    }

    /// Leaves what is asked for, in its order; `names` are those of the configurations.
    pub(super) fn apply(&self, suite: &str, names: &[String], tests: &mut Vec<Failing<'_>>) {
        tests.retain(|it| self.state.is_none_or(|state| it.state == state) && self.is_meant(suite, names, it));
        match self.sort.as_str() {
            "name" => tests.sort_by(|one, other| one.test.cmp(other.test)),
            "rarest" => tests.sort_by(|one, other| {
                (one.places.len(), one.state, one.test).cmp(&(other.places.len(), other.state, other.test))
            }),
            // What fails in few places is news, what fails everywhere is known by then.
            _ => tests.sort_by(|one, other| {
                (one.state, one.places.len(), one.test).cmp(&(other.state, other.places.len(), other.test))
            }),
        }
    }

    fn is_meant(&self, suite: &str, names: &[String], test: &Failing<'_>) -> bool {
        if self.question.is_empty() {
            return true;
        }
        let places: Vec<String> = test.places.iter().filter_map(|place| names.get(*place).cloned()).collect();
        self.question.matches(&Subject {
            suite,
            test: test.test,
            state: test.state,
            places: &places,
            count: places.len() as u64,
            bugs: &test.bugs,
            ..Subject::default()
        })
    }
}

/// Runs of tests that fail in the same places become one group, which stands where its first test does.
pub(super) fn grouped<'a, 'b>(tests: &'b [Failing<'a>]) -> Vec<(&'b [usize], Vec<&'b Failing<'a>>)> {
    let mut positions = std::collections::HashMap::new();
    let mut groups: Vec<(&[usize], Vec<&Failing<'_>>)> = Vec::new();
    for test in tests {
        let position = *positions.entry(test.places.as_slice()).or_insert_with(|| {
            groups.push((test.places.as_slice(), Vec::new()));
            groups.len() - 1
        });
        groups[position].1.push(test);
    }
    groups
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn narrow(query: &str) -> Result<Narrow, ApiError> {
        Narrow::read(&Parameters::known_of(Some(query), &[&OWN]))
    }

    fn shown(query: &str) -> Vec<&'static str> {
        let failing =
            |test, state, places: &[usize]| Failing { test, state, places: places.to_vec(), bugs: Vec::new() };
        let mut tests =
            vec![failing("css/a.html", 4, &[0, 1]), failing("css/B.html", 0, &[0, 1]), failing("fast/c.html", 4, &[1])];
        narrow(query).unwrap().apply("s", &["Mac".to_owned(), "iOS".to_owned()], &mut tests);
        tests.iter().map(|it| it.test).collect()
    }

    #[test]
    fn the_address_says_what_is_shown_and_in_which_order() {
        assert_eq!(shown(""), ["css/B.html", "fast/c.html", "css/a.html"]);
        assert_eq!(shown("sort=rarest"), ["fast/c.html", "css/B.html", "css/a.html"]);
        assert_eq!(shown("sort=name"), ["css/B.html", "css/a.html", "fast/c.html"]);
        assert_eq!(shown("q=b.HTML"), ["css/B.html"]);
        assert_eq!(shown("q=css/*&state=text"), ["css/a.html"]);
        assert_eq!(shown("q=only:ios"), ["fast/c.html"]);
        assert_eq!(shown("q=on:mac+-state:crash"), ["css/a.html"]);
        for wrong in ["sort=best", "state=pass", "page=0", "page=x", "q=status:new"] {
            assert!(narrow(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tests_that_fail_in_the_same_places_are_one_group() {
        let failing = |test, places: &[usize]| Failing { test, state: 4, places: places.to_vec(), bugs: Vec::new() };
        let tests = [failing("a", &[0]), failing("b", &[0, 1]), failing("c", &[0])];
        let groups: Vec<Vec<&str>> =
            grouped(&tests).into_iter().map(|(_, tests)| tests.iter().map(|it| it.test).collect()).collect();
        assert_eq!(groups, [vec!["a", "c"], vec!["b"]]);
    }
}
