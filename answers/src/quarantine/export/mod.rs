//! Lists of what is in quarantine, as test runners read them.
//!
//! Data flow: the entries of a suite that are in force → those that hold on the configuration of the list, and that its form
//! can say → the tests that they describe, by the names that they were uploaded under → the lines of one form.
//!
//! No list is broader than the entries. Runners have no word for many things that an entry says, and some take more tests for
//! the ones meant: what would leave out too much is not written, and the list says so.

mod jest;
mod nextest;
mod pytest;
mod test_expectations;

use std::collections::{BTreeMap, BTreeSet};

use schema::configuration::Configuration;

use super::{ListedEntry, MAX_NAMES, in_force};
use crate::by_test::Pattern;
use crate::error::{AnswerError, invalid};
use crate::store::Store;
use crate::test_names;

/// A form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// Lines of WebKit's TestExpectations.
    TestExpectations,
    /// Arguments of pytest, one a line, for `pytest @FILE`.
    Pytest,
    /// A pattern of names for Jest's `--testNamePattern`.
    Jest,
    /// A filter of cargo-nextest, for `cargo nextest run -E`.
    Nextest,
    /// Names, one a line.
    Plain,
}

impl ListFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::TestExpectations, Self::Pytest, Self::Jest, Self::Nextest, Self::Plain];

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::TestExpectations => "test-expectations",
            Self::Pytest => "pytest",
            Self::Jest => "jest",
            Self::Nextest => "nextest",
            Self::Plain => "plain",
        }
    }

    /// Whether a line may be a comment.
    fn has_comments(self) -> bool {
        matches!(self, Self::TestExpectations | Self::Plain)
    }
}

/// Which list is asked for.
#[derive(Debug, Clone)]
pub struct ExportQuestion {
    /// The suite.
    pub suite: String,
    /// The form.
    pub format: ListFormat,
    /// The members of the configuration that the list is for.
    pub on: Configuration,
}

/// A list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportedList {
    /// Its text.
    pub text: String,
    /// What the list does not have, though it is in quarantine.
    pub left_out: Vec<LeftOut>,
}

/// An entry, or a test of one, that a list cannot say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The test, or the pattern of the entry.
    pub test: String,
    /// Why.
    pub because: String,
}

/// The list that a question means.
pub async fn find(store: &Store, question: &ExportQuestion) -> Result<ExportedList, AnswerError> {
    let ExportQuestion { suite, format, on } = question;
    let entries = in_force(store, suite).await?;
    let is_compared = matches!(format, ListFormat::Pytest | ListFormat::Jest | ListFormat::Nextest);
    let mut known = BTreeSet::new();
    if !entries.is_empty() && (is_compared || entries.iter().any(|(_, entry)| entry.is_pattern())) {
        let names = test_names::with_prefixes(store, suite, &[String::new()], MAX_NAMES).await?;
        if names.len() as u64 >= MAX_NAMES {
            return Err(invalid(format!("'{suite}' has too many tests to write a list of the form {}", format.name())));
        }
        known.extend(names);
    }
    Ok(list(*format, &entries, &known, on))
}

/// The list of a form: of entries, each with the name that its test has now, among all names of the suite.
fn list(
    format: ListFormat,
    entries: &[(String, ListedEntry)],
    known: &BTreeSet<String>,
    on: &Configuration,
) -> ExportedList {
    let mut list = ExportedList::default();
    let mut meant: BTreeMap<String, Vec<&ListedEntry>> = BTreeMap::new();
    // What is said of other configurations is for their lists.
    for (test, entry) in entries.iter().filter(|(_, entry)| !entry.configuration.contradicts(on)) {
        let refused = match format {
            ListFormat::TestExpectations => test_expectations::refusal(entry, on),
            _ => unsayable(entry, on),
        };
        if let Some(because) = refused {
            list.left_out.push(LeftOut { test: entry.test.clone(), because });
            continue;
        }
        let names: Vec<&String> = if entry.is_pattern() {
            let pattern = Pattern::new(&entry.test);
            known.iter().filter(|name| pattern.matches(name)).collect()
        } else {
            vec![test]
        };
        if names.is_empty() {
            list.left_out.push(LeftOut { test: entry.test.clone(), because: "no test has such a name".to_owned() });
        }
        for name in names {
            meant.entry(name.clone()).or_default().push(entry);
        }
    }
    meant.retain(|name, _| {
        let because = match format {
            _ if name.chars().any(char::is_control) => Some("its name has control characters".to_owned()),
            ListFormat::TestExpectations => test_expectations::unwritable(name),
            ListFormat::Pytest => pytest::unwritable(name),
            // A name without anything but blanks, or a comment.
            ListFormat::Plain if name.trim() != name || name.starts_with('#') => {
                Some("its name would be read as another, or as a comment".to_owned())
            }
            ListFormat::Jest | ListFormat::Nextest | ListFormat::Plain => None,
        };
        list.left_out.extend(because.clone().map(|because| LeftOut { test: name.clone(), because }));
        because.is_none()
    });
    leave_out_broad(format, &mut meant, known, &mut list.left_out);
    list.text = match format {
        ListFormat::TestExpectations => test_expectations::text(&meant, on),
        ListFormat::Pytest => pytest::text(meant.keys()),
        ListFormat::Jest => jest::text(meant.keys()),
        ListFormat::Nextest => nextest::text(meant.keys()),
        ListFormat::Plain => meant.keys().map(|name| format!("{name}\n")).collect(),
    };
    if format.has_comments() {
        let comment = |it: &LeftOut| {
            let shown: String = it.test.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
            format!("# Left out, {shown}: {}\n", it.because)
        };
        list.text.extend(list.left_out.iter().map(comment));
    }
    list
}

/// Why a list of names cannot say an entry, on a configuration with these members: a name is left out by a runner whatever it
/// would have done, and wherever the list is used.
fn unsayable(entry: &ListedEntry, on: &Configuration) -> Option<String> {
    if !entry.configuration.describes(on) {
        let place = entry.configuration.name();
        return Some(format!("it is about {place} alone; ask for the list of that configuration"));
    }
    entry.failure.map(|state| format!("it is about {} alone, and a list of names about every failure", state.name()))
}

/// Takes out the names for which the runner would take others, too, that are not on the list.
fn leave_out_broad(
    format: ListFormat,
    meant: &mut BTreeMap<String, Vec<&ListedEntry>>,
    known: &BTreeSet<String>,
    left_out: &mut Vec<LeftOut>,
) {
    let others: BTreeMap<String, Vec<&String>> = match format {
        ListFormat::Pytest => meant.keys().map(|name| (name.clone(), pytest::taken_for(name, known))).collect(),
        ListFormat::Nextest => meant.keys().map(|name| (name.clone(), nextest::taken_for(name, known))).collect(),
        ListFormat::Jest => jest::taken_for(meant.keys(), known),
        _ => return,
    };
    // What is taken out may be among those that another name needs.
    while let Some((name, other)) = others.iter().find_map(|(name, others)| {
        let missing = others.iter().find(|other| !meant.contains_key(**other))?;
        meant.contains_key(name).then(|| (name.clone(), (*missing).clone()))
    }) {
        meant.remove(&name);
        let because = format!("{} would leave out '{other}', too", format.name());
        left_out.push(LeftOut { test: name, because });
    }
}

#[cfg(test)]
mod tests;
