//! The search of lists of tests: terms, all of which have to hold.
//!
//! ```text
//! css/*.html -flexbox status:new,still on:ios count:>2 flaky:>5% row:>=3 since:3d bug:none owner:@web "two words" /colou?r/
//! ```
//!
//! A text is a part of a test's name; if it has `*` or `?`, it is a pattern of the whole name, too. Between slashes it is a
//! regular expression. Quotes keep spaces and take away every other meaning. `-` before a term turns it around. Case does
//! not matter.

mod fields;
mod terms;
mod words;

use analysis::finding::Group;
use schema::bug::BugLink;
use schema::state::State;

use crate::error::{AnswerError, invalid};
use crate::owners::OwnerIndex;
pub use fields::Field;
use terms::{Part, Term};

/// Bytes of a search.
const MAX_BYTES: usize = 2000;

/// What a list knows of one of its tests; members whose field the list does not offer stay empty.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The suite.
    pub suite: &'a str,
    /// The test.
    pub test: &'a str,
    /// The group that triage puts it in.
    pub status: Option<Group>,
    /// The worst state.
    pub state: State,
    /// Names of the configurations it is about.
    pub configurations: &'a [String],
    /// How many there are.
    pub count: u64,
    /// Share of runs that failed, 0 to 1.
    pub share: f64,
    /// Newest commits in a row on which it failed.
    pub row: u64,
    /// When it changed, seconds since 1970.
    pub since: u64,
    /// Bugs that explain its failures.
    pub bugs: &'a [&'a BugLink],
    /// Its owners.
    pub owners: &'a [String],
}

impl Default for Subject<'_> {
    fn default() -> Self {
        Self {
            suite: "",
            test: "",
            status: None,
            state: State::PASS,
            configurations: &[],
            count: 0,
            share: 0.0,
            row: 0,
            since: 0,
            bugs: &[],
            owners: &[],
        }
    }
}

/// A search that was understood.
#[derive(Debug, Clone, Default)]
pub struct Search(Vec<Term>);

impl Search {
    /// Reads a search of a list that offers some fields; `now` is what times are counted from, seconds since 1970.
    ///
    /// # Errors
    /// A sentence that says which term is not understood, and what to write instead.
    pub fn parse(text: &str, offered: &[Field], now: u64) -> Result<Self, AnswerError> {
        if text.len() > MAX_BYTES {
            return Err(invalid(format!("A search has at most {MAX_BYTES} bytes")));
        }
        words::split(text).iter().map(|word| Term::parse(word, offered, now)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a test is meant.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.0.iter().all(|term| term.holds(subject))
    }

    /// The same for tests of an owner alone, if one is named: in the words of the field, such as `@team` or `none`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn of_owner(mut self, owner: Option<&str>) -> Result<Self, AnswerError> {
        if let Some(owner) = owner {
            self.0.push(Term::of_owner(owner)?);
        }
        Ok(self)
    }

    /// Whether a test of this name may be meant, before more of it is known.
    pub fn may_match(&self, test: &str) -> bool {
        let subject = Subject { test, ..Subject::default() };
        self.0.iter().filter(|term| matches!(term.part, Part::Name(_))).all(|term| term.holds(&subject))
    }

    /// The same where it is known who owns the tests.
    pub fn may_match_owned(&self, test: &str, owners: &OwnerIndex) -> bool {
        if !self.may_match(test) {
            return false;
        }
        let mut asked = self.0.iter().filter(|term| matches!(term.part, Part::Owner(_))).peekable();
        if asked.peek().is_none() {
            return true;
        }
        let owners = owners.of(test);
        let subject = Subject { test, owners: &owners, ..Subject::default() };
        asked.all(|term| term.holds(&subject))
    }
}

#[cfg(test)]
mod tests;
