//! Which failures do not count for a time, as somebody said to the intake, and what of that is in force.
//!
//! Data flow: whoever judges or lists tests reads the entries of a suite that are in force once, as a [`QuarantineIndex`], and
//! asks that for each test. Nothing is written when an entry ends: whether one is in force follows from the time at which it
//! is asked. [`proposals`] says what might be parked or released, [`export`] writes entries as test runners read them.
//!
//! An entry hides nothing. It is told beside the failures that it is about, and what they are without it.

pub mod about_nothing;
pub mod export;
mod index;
pub mod proposals;
mod recovery;

use schema::configuration::Configuration;
use schema::state::State;
use schema::store::rows::QuarantineRow;
use schemars::JsonSchema;
use serde::Serialize;

use crate::by_test::{Pattern, is_pattern};
use crate::error::AnswerError;
use crate::reads::quarantine as reads;
use crate::renames;
use crate::store::Store;
use crate::test_names;
pub use index::QuarantineIndex;

/// Entries that are looked at, those that were said last first.
pub const MAX_ENTRIES: u64 = 10_000;
/// Names of tests that are looked at for one pattern, or for a list that a runner takes.
const MAX_NAMES: u64 = 300_000;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryState {
    /// It is in force: the failures do not count.
    Active,
    /// Its end has come: the failures count.
    Expired,
    /// Somebody took it back.
    Released,
}

impl EntryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Released];

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Released => "released",
        }
    }
}

/// An entry of the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedEntry {
    /// The suite.
    pub suite: String,
    /// The test, or a pattern with `*`.
    pub test: String,
    /// Where it holds: configurations that have these members.
    pub configuration: Configuration,
    /// The one failing state that it is about; every failure if there is none.
    pub failure: Option<State>,
    /// Why.
    pub reason: String,
    /// Who is to mend the test; may be empty.
    pub owner: String,
    /// Address of the bug; may be empty.
    pub bug: String,
    /// Who parked the test; may be empty.
    pub by: String,
    /// Since when, seconds since 1970.
    pub since: u32,
    /// When it ends by itself, seconds since 1970.
    pub until: u32,
    /// What became of it.
    pub state: EntryState,
    /// When it was taken back, seconds since 1970.
    pub released_at: Option<u32>,
    /// Who took it back.
    pub released_by: Option<String>,
    /// When somebody said so last, seconds since 1970.
    pub recorded_at: u32,
}

/// The entries that a question means.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Quarantine {
    /// What is in force first, then what ended, then what was taken back; what ends first, first.
    pub entries: Vec<ListedEntry>,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct QuarantineQuestion {
    /// The suite; all suites if none is named.
    pub suite: Option<String>,
    /// Only those about this test.
    pub test: Option<String>,
    /// Only those of which this became; all if there is none.
    pub state: Option<EntryState>,
    /// How many at most; as many as are looked at if there is none.
    pub limit: Option<u64>,
}

/// The entries that a question means.
pub async fn find(store: &Store, question: &QuarantineQuestion) -> Result<Quarantine, AnswerError> {
    let QuarantineQuestion { suite, test, state, limit } = question;
    let now = store.clock.now();
    let rows = reads::all(store, suite.as_deref(), MAX_ENTRIES).await?;
    let mut entries: Vec<ListedEntry> = rows.into_iter().filter_map(|row| ListedEntry::of(row, now)).collect();
    entries.retain(|entry| {
        state.is_none_or(|state| entry.state == state)
            && test.as_ref().is_none_or(|test| Pattern::new(&entry.test).matches(test))
    });
    let rank = |entry: &ListedEntry| match entry.state {
        EntryState::Active => (EntryState::Active, i64::from(entry.until)),
        // What is over is looked at while it is news.
        state => (state, -i64::from(entry.until.max(entry.recorded_at))),
    };
    entries.sort_by(|one, other| {
        rank(one).cmp(&rank(other)).then_with(|| (&one.suite, &one.test).cmp(&(&other.suite, &other.test)))
    });
    entries.truncate(limit.unwrap_or(MAX_ENTRIES) as usize);
    Ok(Quarantine { entries })
}

impl ListedEntry {
    /// Whether it is about failures of a test on a configuration, with a state.
    pub fn is_about(&self, configuration: &Configuration, state: State) -> bool {
        self.configuration.describes(configuration) && self.failure.is_none_or(|failure| failure == state)
    }

    /// Whether it names more than one test.
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.test)
    }

    /// The entry of a row at a time, seconds since 1970. None of a row that no binary wrote: whom it is about is not known,
    /// so that nothing is excused by it.
    fn of(row: QuarantineRow, now: u64) -> Option<Self> {
        let QuarantineRow { suite, test, configuration, failure, reason, owner, bug, parked_by, since, until, .. } =
            row;
        let QuarantineRow { released_at, released_by, recorded_at, .. } = row;
        let failure = match failure.as_str() {
            "" => None,
            name => Some(State::failure_of_name(name)?),
        };
        let state = match () {
            () if released_at > 0 && u64::from(released_at) <= now => EntryState::Released,
            () if u64::from(until) <= now => EntryState::Expired,
            () => EntryState::Active,
        };
        Some(Self {
            suite,
            test,
            configuration: serde_json::from_str(&configuration).ok()?,
            failure,
            reason,
            owner,
            bug,
            by: parked_by,
            since,
            until,
            state,
            released_at: Some(released_at).filter(|at| *at > 0),
            released_by: Some(released_by).filter(|_| released_at > 0),
            recorded_at,
        })
    }
}

/// The entries of a suite that are in force.
pub async fn of_suite(store: &Store, suite: &str) -> Result<QuarantineIndex, AnswerError> {
    Ok(QuarantineIndex::new(in_force(store, suite).await?))
}

/// The entries of a suite that are in force, each with the name that its test has now.
async fn in_force(store: &Store, suite: &str) -> Result<Vec<(String, ListedEntry)>, AnswerError> {
    let now = store.clock.now();
    let (rows, renames) =
        tokio::try_join!(reads::in_force(store, Some(suite), now, MAX_ENTRIES), renames::of_suite(store, suite))?;
    // What was said of a test under a former name holds for it under the new one.
    let named = |row: QuarantineRow| {
        let test = renames.current(&row.test, row.recorded_at).to_owned();
        Some((test, ListedEntry::of(row, now)?))
    };
    Ok(rows.into_iter().filter_map(named).collect())
}

/// The tests of a suite whose names an entry describes, sorted; none if too many have to be looked at.
async fn names_of(store: &Store, entry: &ListedEntry, most: usize) -> Result<Option<Vec<String>>, AnswerError> {
    let beginning = entry.test.split('*').next().unwrap_or_default().to_owned();
    let names = test_names::with_prefixes(store, &entry.suite, &[beginning], MAX_NAMES).await?;
    if names.len() as u64 >= MAX_NAMES {
        return Ok(None);
    }
    let pattern = Pattern::new(&entry.test);
    let described: Vec<String> = names.into_iter().filter(|name| pattern.matches(name)).collect();
    Ok(Some(described).filter(|described| described.len() <= most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(until: u32, released_at: u32) -> QuarantineRow {
        QuarantineRow {
            suite: "s".into(),
            test: "css/*".into(),
            configuration: r#"{"platform":"Mac"}"#.into(),
            failure: "TEXT".into(),
            reason: "by chance".into(),
            owner: String::new(),
            bug: String::new(),
            parked_by: "ada".into(),
            since: 50,
            until,
            released_at,
            released_by: "grace".into(),
            recorded_at: 60,
            version: 1,
        }
    }

    fn entry(row: QuarantineRow) -> Option<ListedEntry> {
        ListedEntry::of(row, 100)
    }

    #[test]
    fn an_entry_is_in_force_until_its_end_and_not_at_it() {
        let state = |until, released_at| entry(row(until, released_at)).map(|entry| entry.state);
        assert_eq!(state(101, 0), Some(EntryState::Active));
        assert_eq!(state(100, 0), Some(EntryState::Expired));
        assert_eq!(state(101, 99), Some(EntryState::Released));
        assert_eq!(state(99, 99), Some(EntryState::Released));
    }

    #[test]
    fn rows_that_no_binary_wrote_excuse_nothing() {
        assert_eq!(entry(QuarantineRow { configuration: "Mac".into(), ..row(101, 0) }), None);
        assert_eq!(entry(QuarantineRow { failure: "MAYBE".into(), ..row(101, 0) }), None);
    }
}
