//! Which failing tests a page shows, in which order: search, state, sort and page of its address.

use answers::search::{Field, Search, Subject};
use schema::bug::BugLink;
use schema::clock::Clock;
use schema::state::State;

use crate::error::{ApiError, bad};
use crate::parameters::{Parameters, lists};

/// The parameters that are read here.
pub(super) const OWN: [&str; 5] = ["q", "owner", "state", "sort", "page"];
/// The orders, the usual one first.
pub(super) const SORTS: [(&str, &str); 3] = [("worst", "worst first"), ("rarest", "rarest first"), ("name", "by name")];

/// What can be asked about the tests.
pub(super) const FIELDS: [Field; 7] =
    [Field::State, Field::On, Field::Only, Field::Count, Field::Bug, Field::Owner, Field::Suite];

/// A failing test.
#[derive(Debug)]
pub(super) struct FailingTest<'a> {
    pub(super) test: &'a str,
    /// Its worst state.
    pub(super) state: State,
    /// Positions of the configurations where it fails, in order.
    pub(super) places: Vec<usize>,
    /// Those that explain how it fails.
    pub(super) bugs: Vec<&'a BugLink>,
    /// Who owns it.
    pub(super) owners: Vec<String>,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct FailureFilter {
    search: Search,
    state: Option<State>,
    sort: String,
    /// From 1.
    pub(super) page: usize,
}

impl FailureFilter {
    /// What the parameters ask for.
    pub(super) fn read(parameters: &Parameters, clock: &Clock) -> Result<Self, ApiError> {
        let text = |name| parameters.first(name).unwrap_or_default();
        let state = match text("state") {
            "" => None,
            asked => Some(State::failure_of_name(asked).ok_or_else(|| {
                let names: Vec<&str> = State::failures().map(State::name).collect();
                bad(format!("A failing state is one of {}", names.join(", ")))
            })?),
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
        let search = lists::search(parameters, &FIELDS, clock)?;
        Ok(Self { search, state, sort: sort.to_owned(), page })
    }

    /// The name of the order.
    pub(super) fn sort(&self) -> &str {
        &self.sort
    }

    /// Leaves what is asked for, in its order; `names` are those of the configurations.
    pub(super) fn apply(&self, suite: &str, names: &[String], tests: &mut Vec<FailingTest<'_>>) {
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

    fn is_meant(&self, suite: &str, names: &[String], test: &FailingTest<'_>) -> bool {
        if self.search.is_empty() {
            return true;
        }
        let configurations: Vec<String> = test.places.iter().filter_map(|place| names.get(*place).cloned()).collect();
        self.search.matches(&Subject {
            suite,
            test: test.test,
            state: test.state,
            configurations: &configurations,
            count: configurations.len() as u64,
            bugs: &test.bugs,
            owners: &test.owners,
            ..Subject::default()
        })
    }
}

/// Runs of tests that fail in the same places become one group, which stands where its first test does.
pub(super) fn grouped<'a, 'b>(tests: &'b [FailingTest<'a>]) -> Vec<(&'b [usize], Vec<&'b FailingTest<'a>>)> {
    let mut positions = std::collections::HashMap::new();
    let mut groups: Vec<(&[usize], Vec<&FailingTest<'_>>)> = Vec::new();
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

    fn filter(query: &str) -> Result<FailureFilter, ApiError> {
        FailureFilter::read(&Parameters::known_of(Some(query), &[&OWN]), &Clock::system())
    }

    fn shown(query: &str) -> Vec<&'static str> {
        let failing = |test, state, places: &[usize]| FailingTest {
            test,
            state: State::at(state),
            places: places.to_vec(),
            bugs: Vec::new(),
            owners: vec![format!("@{test}")],
        };
        let mut tests =
            vec![failing("css/a.html", 4, &[0, 1]), failing("css/B.html", 0, &[0, 1]), failing("fast/c.html", 4, &[1])];
        filter(query).unwrap().apply("s", &["Mac".to_owned(), "iOS".to_owned()], &mut tests);
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
        assert_eq!(shown("owner=@css/b.html"), ["css/B.html"]);
        assert_eq!(shown("q=-owner:css/b.html&owner=*css*"), ["css/a.html"]);
        assert!(shown("owner=none").is_empty());
        for wrong in ["sort=best", "state=pass", "page=0", "page=x", "q=status:new"] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tests_that_fail_in_the_same_places_are_one_group() {
        let failing = |test, places: &[usize]| FailingTest {
            test,
            state: State::at(4),
            places: places.to_vec(),
            bugs: Vec::new(),
            owners: vec![format!("@{test}")],
        };
        let tests = [failing("a", &[0]), failing("b", &[0, 1]), failing("c", &[0])];
        let groups: Vec<Vec<&str>> =
            grouped(&tests).into_iter().map(|(_, tests)| tests.iter().map(|it| it.test).collect()).collect();
        assert_eq!(groups, [vec!["a", "c"], vec!["b"]]);
    }
}
