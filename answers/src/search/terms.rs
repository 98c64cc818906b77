//! The terms of a search, and whether each holds for a test.

use analysis::finding::Group;
use chrono::NaiveDate;
use regex::{Regex, RegexBuilder};
use schema::seconds::{DAY, HOUR, WEEK};
use schema::state::State;
use wildmatch::WildMatch;

use super::words::Word;
use super::{Field, Subject};
use crate::error::{AnswerError, invalid};

/// Bytes of one compiled expression.
const MAX_EXPRESSION_BYTES: usize = 1 << 20;
/// A name this much like a field's is a slip.
const LIKE: f64 = 0.85;

/// One term of a search.
#[derive(Debug, Clone)]
pub(super) struct Term {
    is_negated: bool,
    pub(super) part: Part,
}

/// What a term asks for.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Name(Text),
    Suite(Text),
    Status(Vec<Group>),
    State(Vec<State>),
    On(Text),
    Only(Text),
    Count(Comparison),
    Flaky(Comparison),
    Row(Comparison),
    /// Seconds since 1970.
    Since(u64),
    Bug(Bug),
    Owner(Owner),
}

/// How a text is looked for.
#[derive(Debug, Clone)]
pub(super) enum Text {
    /// In lower case.
    Part(String),
    /// Both in lower case: names hold `*` and `?` too, so that what looks like a pattern may be a part of one.
    Pattern {
        pattern: WildMatch,
        part: String,
    },
    Expression(Regex),
    /// A number that stands alone: neither a digit before it nor after it.
    Number(String),
}

/// Which bugs are linked.
#[derive(Debug, Clone)]
pub(super) enum Bug {
    None,
    Any,
    Text(Text),
}

/// Who owns the test.
#[derive(Debug, Clone)]
pub(super) enum Owner {
    Nobody,
    Anybody,
    /// In lower case, without the `@` that many names begin with.
    Name(String),
    /// A pattern or an expression.
    Text(Text),
}

type Compare = fn(&f64, &f64) -> bool;

/// A number and how it is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    how: Compare,
    with: f64,
}

impl Term {
    pub(super) fn parse(word: &Word, offered: &[Field], now: u64) -> Result<Self, AnswerError> {
        let Word { is_negated, key, value, is_literal } = word;
        let is_negated = *is_negated;
        let Some(key) = key else {
            return Ok(Self { is_negated, part: Part::Name(Text::parse(value, *is_literal)?) });
        };
        let names = || offered.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
        let Some(field) = Field::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(key)) else {
            let likeness = |field: &Field| strsim::jaro_winkler(field.name(), &key.to_lowercase());
            let like = offered.iter().filter(|field| likeness(field) > LIKE);
            return match like.max_by(|one, other| likeness(one).total_cmp(&likeness(other))) {
                Some(near) => Err(invalid(format!(
                    "'{key}:' is no field; did you mean '{}:'? Fields are {}",
                    near.name(),
                    names()
                ))),
                // Names of tests hold colons too.
                None => Ok(Self { is_negated, part: Part::Name(Text::parse(&format!("{key}:{value}"), *is_literal)?) }),
            };
        };
        if !offered.contains(&field) {
            return Err(invalid(format!("This list does not know '{key}:'; it knows {}", names())));
        }
        let wrong = || invalid(format!("'{key}:{value}' is not understood; write for example {}", field.help().0));
        if value.is_empty() {
            return Err(wrong());
        }
        let text = || Text::parse(value, *is_literal);
        let part = match field {
            Field::Suite => Part::Suite(text()?),
            Field::On => Part::On(text()?),
            Field::Only => Part::Only(text()?),
            Field::Status => Part::Status(listed(value, Group::of_name).ok_or_else(wrong)?),
            Field::State => Part::State(listed(value, State::failure_of_name).ok_or_else(wrong)?),
            Field::Count => Part::Count(Comparison::parse(value).ok_or_else(wrong)?),
            Field::Row => Part::Row(Comparison::parse(value).ok_or_else(wrong)?),
            Field::Flaky => {
                let percent = Comparison::parse(value.trim_end_matches('%')).ok_or_else(wrong)?;
                Part::Flaky(Comparison { with: percent.with / 100.0, ..percent })
            }
            Field::Since => Part::Since(moment(value, now).ok_or_else(wrong)?),
            Field::Bug if value.eq_ignore_ascii_case("none") && !is_literal => Part::Bug(Bug::None),
            Field::Bug if value.eq_ignore_ascii_case("any") && !is_literal => Part::Bug(Bug::Any),
            Field::Bug if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                Part::Bug(Bug::Text(Text::Number(value.clone())))
            }
            Field::Bug => Part::Bug(Bug::Text(text()?)),
            Field::Owner => Part::Owner(Owner::parse(value, *is_literal)?),
        };
        Ok(Self { is_negated, part })
    }

    /// The term for the tests of an owner.
    pub(super) fn of_owner(owner: &str) -> Result<Self, AnswerError> {
        Ok(Self { is_negated: false, part: Part::Owner(Owner::parse(owner, false)?) })
    }

    /// Whether it holds for a test.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        self.part.holds(subject) != self.is_negated
    }
}

impl Part {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Name(text) => text.is_in(subject.test),
            Self::Suite(text) => text.is_in(subject.suite),
            Self::Status(groups) => subject.status.is_some_and(|group| groups.contains(&group)),
            Self::State(states) => states.contains(&subject.state),
            Self::On(text) => subject.configurations.iter().any(|name| text.is_in(name)),
            Self::Only(text) => {
                !subject.configurations.is_empty() && subject.configurations.iter().all(|name| text.is_in(name))
            }
            Self::Count(comparison) => comparison.holds(subject.count as f64),
            Self::Flaky(comparison) => comparison.holds(subject.share),
            Self::Row(comparison) => comparison.holds(subject.row as f64),
            Self::Since(since) => subject.since >= *since,
            Self::Bug(Bug::None) => subject.bugs.is_empty(),
            Self::Bug(Bug::Any) => !subject.bugs.is_empty(),
            Self::Owner(owner) => owner.is_among(subject.owners),
            Self::Bug(Bug::Text(text)) => subject.bugs.iter().any(|bug| text.is_in(&bug.url) || text.is_in(&bug.note)),
        }
    }
}

impl Text {
    fn parse(value: &str, is_literal: bool) -> Result<Self, AnswerError> {
        let expression = value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|it| !it.is_empty());
        match expression {
            _ if is_literal => Ok(Self::Part(value.to_lowercase())),
            Some(expression) => {
                let built =
                    RegexBuilder::new(expression).case_insensitive(true).size_limit(MAX_EXPRESSION_BYTES).build();
                built.map(Self::Expression).map_err(|error| {
                    let error = error.to_string();
                    let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    invalid(format!(
                        "/{expression}/ is no regular expression: {last}; quote it to look for it as a text"
                    ))
                })
            }
            None => {
                let part = value.to_lowercase();
                let is_pattern = part.contains(['*', '?']);
                Ok(if is_pattern { Self::Pattern { pattern: WildMatch::new(&part), part } } else { Self::Part(part) })
            }
        }
    }

    fn is_in(&self, name: &str) -> bool {
        match self {
            Self::Part(part) => name.to_lowercase().contains(part),
            Self::Pattern { pattern, part } => {
                let name = name.to_lowercase();
                name.contains(part) || pattern.matches(&name)
            }
            Self::Expression(expression) => expression.is_match(name),
            Self::Number(number) => {
                let is_digit = |text: Option<char>| text.is_some_and(|character| character.is_ascii_digit());
                name.match_indices(number.as_str()).any(|(at, _)| {
                    let (before, after) = (&name[..at], &name[at + number.len()..]);
                    !is_digit(before.chars().next_back()) && !is_digit(after.chars().next())
                })
            }
        }
    }
}

impl Owner {
    fn parse(value: &str, is_literal: bool) -> Result<Self, AnswerError> {
        match value {
            _ if is_literal => Ok(Self::Name(bare(value))),
            value if value.eq_ignore_ascii_case("none") => Ok(Self::Nobody),
            value if value.eq_ignore_ascii_case("any") => Ok(Self::Anybody),
            value => Ok(match Text::parse(value, false)? {
                Text::Part(_) | Text::Number(_) => Self::Name(bare(value)),
                text => Self::Text(text),
            }),
        }
    }

    fn is_among(&self, owners: &[String]) -> bool {
        match self {
            Self::Nobody => owners.is_empty(),
            Self::Anybody => !owners.is_empty(),
            // A part of a name is another team's.
            Self::Name(name) => owners.iter().any(|owner| bare(owner) == *name),
            Self::Text(text) => owners.iter().any(|owner| text.is_in(owner)),
        }
    }
}

/// The name of an owner in lower case, without the sign that stands before most.
fn bare(owner: &str) -> String {
    owner.strip_prefix('@').unwrap_or(owner).to_lowercase()
}

impl Comparison {
    fn parse(value: &str) -> Option<Self> {
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

/// A day, or so many hours, days or weeks before `now`; seconds since 1970.
fn moment(value: &str, now: u64) -> Option<u64> {
    if let Ok(day) = value.parse::<NaiveDate>() {
        return u64::try_from(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp()).ok();
    }
    let unit = value.chars().last()?;
    let seconds = match unit.to_ascii_lowercase() {
        'h' => HOUR,
        'd' => DAY,
        'w' => WEEK,
        _ => return None,
    };
    let count: u64 = value.get(..value.len() - unit.len_utf8())?.parse().ok()?;
    Some(now.saturating_sub(count.checked_mul(seconds)?))
}
