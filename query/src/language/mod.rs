//! The language of the box that narrows lists of tests: terms, all of which have to hold.
//!
//! ```text
//! css/*.html -flexbox status:new,still on:ios count:>2 flaky:>5% row:>=3 since:3d bug:none "two words" /colou?r/
//! ```
//!
//! A text is a part of a test's name, a pattern of the whole name if it has `*` or `?`, and a regular expression between
//! slashes; quotes keep spaces and take away every other meaning. `-` before a term turns it around. Case does not matter.

mod words;

use chrono::NaiveDate;
use regex::{Regex, RegexBuilder};
use schema::bug::BugLink;
use schema::state::{ERROR, NAMES};
use wildmatch::WildMatch;

use crate::configurations::now;
use crate::error::{ApiError, bad};
use crate::triage::Group;
use words::Word;

/// Bytes of a question, and of one compiled expression.
const MAX_BYTES: usize = 2000;
const MAX_EXPRESSION_BYTES: usize = 1 << 20;
/// A name this much like a field's is a slip.
const LIKE: f64 = 0.85;

/// What can be asked about beside the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Suite,
    Status,
    State,
    On,
    Only,
    Count,
    Flaky,
    Row,
    Since,
    Bug,
}

impl Field {
    const ALL: [Self; 10] = [
        Self::Suite,
        Self::Status,
        Self::State,
        Self::On,
        Self::Only,
        Self::Count,
        Self::Flaky,
        Self::Row,
        Self::Since,
        Self::Bug,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Suite => "suite",
            Self::Status => "status",
            Self::State => "state",
            Self::On => "on",
            Self::Only => "only",
            Self::Count => "count",
            Self::Flaky => "flaky",
            Self::Row => "row",
            Self::Since => "since",
            Self::Bug => "bug",
        }
    }

    /// An example, and what it finds.
    pub(crate) fn help(self) -> (&'static str, &'static str) {
        match self {
            Self::Suite => ("suite:layout*", "tests of these suites"),
            Self::Status => ("status:new,flaky", "new, still, fixed or flaky"),
            Self::State => ("state:crash,timeout", "whose worst state is one of these"),
            Self::On => ("on:ios", "on some configuration whose name holds this"),
            Self::Only => ("only:ios", "on such configurations and no others"),
            Self::Count => ("count:>3", "on so many configurations"),
            Self::Flaky => ("flaky:>5%", "which failed in so large a share of the newest runs"),
            Self::Row => ("row:>=3", "which failed on so many of the newest commits in a row"),
            Self::Since => ("since:3d", "which changed within that time, or since a date: since:2026-01-31"),
            Self::Bug => ("bug:none", "without a linked bug; bug:any with one, bug:123 with that one"),
        }
    }
}

/// What a list knows of one of its tests; members whose field the list does not offer stay empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    pub(crate) suite: &'a str,
    pub(crate) test: &'a str,
    pub(crate) status: Option<Group>,
    /// Position of the worst state.
    pub(crate) state: u8,
    /// Names of the configurations it is about.
    pub(crate) places: &'a [String],
    /// How many there are.
    pub(crate) count: u64,
    /// Share of runs that failed, 0 to 1.
    pub(crate) share: f64,
    /// Newest commits in a row on which it failed.
    pub(crate) row: u64,
    /// When it changed, seconds since 1970.
    pub(crate) since: u64,
    pub(crate) bugs: &'a [&'a BugLink],
}

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Question(Vec<Term>);

#[derive(Debug)]
struct Term {
    is_negated: bool,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Name(Text),
    Suite(Text),
    Status(Vec<Group>),
    State(Vec<u8>),
    On(Text),
    Only(Text),
    Count(Comparison),
    Flaky(Comparison),
    Row(Comparison),
    /// Seconds since 1970.
    Since(u64),
    Bug(Bug),
}

#[derive(Debug)]
enum Text {
    /// In lower case.
    Part(String),
    /// In lower case.
    Pattern(WildMatch),
    Expression(Regex),
}

#[derive(Debug)]
enum Bug {
    None,
    Any,
    Text(Text),
}

type Compare = fn(&f64, &f64) -> bool;

/// A number and how it is compared with.
#[derive(Debug, Clone, Copy)]
struct Comparison {
    how: Compare,
    with: f64,
}

impl Question {
    /// Reads a question about a list that offers these fields.
    pub(crate) fn read(text: &str, offered: &[Field]) -> Result<Self, ApiError> {
        if text.len() > MAX_BYTES {
            return Err(bad(format!("A search has at most {MAX_BYTES} bytes")));
        }
        let now = now().max(0) as u64;
        words::split(text).iter().map(|word| Term::read(word, offered, now)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a test is meant.
    pub(crate) fn matches(&self, subject: &Subject<'_>) -> bool {
        self.0.iter().all(|term| term.part.holds(subject) != term.is_negated)
    }

    /// Whether a test of this name may be meant, before more of it is known.
    pub(crate) fn may_match(&self, test: &str) -> bool {
        let subject = Subject { test, ..Subject::default() };
        self.0
            .iter()
            .filter(|term| matches!(term.part, Part::Name(_)))
            .all(|it| it.part.holds(&subject) != it.is_negated)
    }
}

impl Term {
    fn read(word: &Word, offered: &[Field], now: u64) -> Result<Self, ApiError> {
        let Word { is_negated, key, value, is_literal } = word;
        let is_negated = *is_negated;
        let Some(key) = key else {
            return Ok(Self { is_negated, part: Part::Name(Text::read(value, *is_literal)?) });
        };
        let names = || offered.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
        let Some(field) = Field::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(key)) else {
            let like = |field: &&Field| strsim::jaro_winkler(field.name(), &key.to_lowercase()) > LIKE;
            return match offered.iter().find(like) {
                Some(near) => {
                    Err(bad(format!("'{key}:' is no field; did you mean '{}:'? Fields are {}", near.name(), names())))
                }
                // Names of tests hold colons too.
                None => Ok(Self { is_negated, part: Part::Name(Text::read(&format!("{key}:{value}"), *is_literal)?) }),
            };
        };
        if !offered.contains(&field) {
            return Err(bad(format!("This list does not know '{key}:'; it knows {}", names())));
        }
        let wrong = || bad(format!("'{key}:{value}' is not understood; write for example {}", field.help().0));
        if value.is_empty() {
            return Err(wrong());
        }
        let text = || Text::read(value, *is_literal);
        let part = match field {
            Field::Suite => Part::Suite(text()?),
            Field::On => Part::On(text()?),
            Field::Only => Part::Only(text()?),
            Field::Status => Part::Status(listed(value, group).ok_or_else(wrong)?),
            Field::State => Part::State(listed(value, state).ok_or_else(wrong)?),
            Field::Count => Part::Count(Comparison::read(value).ok_or_else(wrong)?),
            Field::Row => Part::Row(Comparison::read(value).ok_or_else(wrong)?),
            Field::Flaky => {
                let percent = Comparison::read(value.trim_end_matches('%')).ok_or_else(wrong)?;
                Part::Flaky(Comparison { with: percent.with / 100.0, ..percent })
            }
            Field::Since => Part::Since(moment(value, now).ok_or_else(wrong)?),
            Field::Bug if value.eq_ignore_ascii_case("none") && !is_literal => Part::Bug(Bug::None),
            Field::Bug if value.eq_ignore_ascii_case("any") && !is_literal => Part::Bug(Bug::Any),
            Field::Bug => Part::Bug(Bug::Text(text()?)),
        };
        Ok(Self { is_negated, part })
    }
}

impl Part {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Name(text) => text.is_in(subject.test),
            Self::Suite(text) => text.is_in(subject.suite),
            Self::Status(groups) => subject.status.is_some_and(|group| groups.contains(&group)),
            Self::State(states) => states.contains(&subject.state),
            Self::On(text) => subject.places.iter().any(|place| text.is_in(place)),
            Self::Only(text) => !subject.places.is_empty() && subject.places.iter().all(|place| text.is_in(place)),
            Self::Count(comparison) => comparison.holds(subject.count as f64),
            Self::Flaky(comparison) => comparison.holds(subject.share),
            Self::Row(comparison) => comparison.holds(subject.row as f64),
            Self::Since(since) => subject.since >= *since,
            Self::Bug(Bug::None) => subject.bugs.is_empty(),
            Self::Bug(Bug::Any) => !subject.bugs.is_empty(),
            Self::Bug(Bug::Text(text)) => subject.bugs.iter().any(|bug| text.is_in(&bug.url) || text.is_in(&bug.note)),
        }
    }
}

impl Text {
    fn read(value: &str, is_literal: bool) -> Result<Self, ApiError> {
        let expression = value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|it| !it.is_empty());
        match expression {
            _ if is_literal => Ok(Self::Part(value.to_lowercase())),
            Some(expression) => {
                let built =
                    RegexBuilder::new(expression).case_insensitive(true).size_limit(MAX_EXPRESSION_BYTES).build();
                built.map(Self::Expression).map_err(|error| {
                    let error = error.to_string();
                    let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    bad(format!("/{expression}/ is no regular expression: {last}; quote it to look for it as a text"))
                })
            }
            None if value.contains(['*', '?']) => Ok(Self::Pattern(WildMatch::new(&value.to_lowercase()))),
            None => Ok(Self::Part(value.to_lowercase())),
        }
    }

    fn is_in(&self, name: &str) -> bool {
        match self {
            Self::Part(part) => name.to_lowercase().contains(part),
            Self::Pattern(pattern) => pattern.matches(&name.to_lowercase()),
            Self::Expression(expression) => expression.is_match(name),
        }
    }
}

impl Comparison {
    fn read(value: &str) -> Option<Self> {
        let signs: [(&str, Compare); 5] =
            [(">=", f64::ge), ("<=", f64::le), (">", f64::gt), ("<", f64::lt), ("", f64::eq)];
        let (number, how) = signs.iter().find_map(|(sign, how)| Some((value.strip_prefix(sign)?, *how)))?;
        let with: f64 = number.parse().ok()?;
        (with.is_finite() && with >= 0.0).then_some(Self { how, with })
    }

    fn holds(&self, number: f64) -> bool {
        (self.how)(&number, &self.with)
    }
}

/// Values separated by commas, each of them known.
fn listed<T>(value: &str, known: fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.split(',').map(known).collect()
}

fn group(name: &str) -> Option<Group> {
    Group::ALL.into_iter().find(|group| group.name().eq_ignore_ascii_case(name))
}

fn state(name: &str) -> Option<u8> {
    let failing = NAMES.iter().take(usize::from(ERROR) + 1);
    failing.into_iter().position(|known| known.eq_ignore_ascii_case(name)).map(|position| position as u8)
}

/// A day, or so many hours, days or weeks before `now`; seconds since 1970.
fn moment(value: &str, now: u64) -> Option<u64> {
    if let Ok(day) = value.parse::<NaiveDate>() {
        return u64::try_from(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp()).ok();
    }
    let unit = value.chars().last()?;
    let seconds = match unit.to_ascii_lowercase() {
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let count: u64 = value.get(..value.len() - unit.len_utf8())?.parse().ok()?;
    Some(now.saturating_sub(count.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests;
