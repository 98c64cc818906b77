//! A statement: its text and its values together.
//!
//! A text names its values in braces, `suite = {suite}`. Each value brings its own type, so that the text that is sent
//! says `{suite:String}` and no number can be narrowed on its way: every whole number goes as UInt64. (A server of 26.7
//! takes 300 for a `{x:UInt8}` and makes 44 of it without an error.) A name may also stand for a [`Fragment`], a part of
//! a statement that brings values of its own; the same fragment may stand in one statement more than once.

use std::collections::BTreeMap;

use clickhouse::{Client, RowOwned, RowRead};
use schema::cause::CauseId;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::roster::RosterId;

use crate::error::AnswerError;

/// A value of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(u64),
    Texts(Vec<String>),
    Numbers(Vec<u64>),
    WideNumbers(Vec<u128>),
}

impl Value {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "String",
            Self::Number(_) => "UInt64",
            Self::Texts(_) => "Array(String)",
            Self::Numbers(_) => "Array(UInt64)",
            Self::WideNumbers(_) => "Array(UInt128)",
        }
    }
}

macro_rules! value {
    ($($type:ty => |$value:ident| $made:expr),* $(,)?) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        })*
    };
}

value! {
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    &String => |value| Self::Text(value.clone()),
    u64 => |value| Self::Number(value),
    u32 => |value| Self::Number(value.into()),
    usize => |value| Self::Number(value as u64),
    bool => |value| Self::Number(value.into()),
    CommitKey => |value| Self::Number(value.0),
    ConfigId => |value| Self::Number(value.0),
    TestId => |value| Self::Number(value.0),
}

impl<T: Element> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        T::list(elements.into_iter())
    }
}

/// What lists are made of.
pub(crate) trait Element: Sized {
    fn list(elements: impl Iterator<Item = Self>) -> Value;
}

macro_rules! numbers {
    ($($type:ty => |$value:ident| $number:expr),* $(,)?) => {
        $(impl Element for $type {
            fn list(elements: impl Iterator<Item = Self>) -> Value {
                Value::Numbers(elements.map(|$value| $number).collect())
            }
        })*
    };
}

numbers! {
    u64 => |value| value,
    CommitKey => |value| value.0,
    ConfigId => |value| value.0,
    TestId => |value| value.0,
}

impl Element for RosterId {
    fn list(elements: impl Iterator<Item = Self>) -> Value {
        Value::WideNumbers(elements.map(|id| id.0).collect())
    }
}

impl Element for CauseId {
    fn list(elements: impl Iterator<Item = Self>) -> Value {
        Value::WideNumbers(elements.map(|id| id.0).collect())
    }
}

impl<'a> Element for &'a str {
    fn list(elements: impl Iterator<Item = &'a str>) -> Value {
        Value::Texts(elements.map(str::to_owned).collect())
    }
}

impl<'a> Element for &'a String {
    fn list(elements: impl Iterator<Item = &'a String>) -> Value {
        Value::Texts(elements.cloned().collect())
    }
}

/// A part of a statement and its values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fragment {
    text: String,
    values: BTreeMap<String, Value>,
}

impl Fragment {
    /// A part with this text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: BTreeMap::new() }
    }

    /// The same with a value for a name.
    pub(crate) fn value(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// The same with a list for a name.
    pub(crate) fn list<T: Element>(self, name: &str, elements: impl IntoIterator<Item = T>) -> Self {
        self.value(name, elements.into_iter().collect::<Value>())
    }

    /// The same with another part in the place of a name, wherever that stands.
    pub(crate) fn part(mut self, name: &str, part: &Self) -> Self {
        self.text = self.text.replace(&format!("{{{name}}}"), &part.text);
        self.values.extend(part.values.clone());
        self
    }

    /// The same with a text of ours in the place of a name.
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        self.text = self.text.replace(&format!("{{{name}}}"), text);
        self
    }

    /// The same for one suite, whose condition with AND behind it takes the place of `{of_suite}`; for all suites if none is
    /// named.
    pub(crate) fn of_suite(self, suite: Option<&str>) -> Self {
        match suite {
            None => self.text("of_suite", ""),
            Some(suite) => self.text("of_suite", "suite = {suite} AND ").value("suite", suite),
        }
    }

    /// The same with one more condition, joined by AND.
    pub(crate) fn and(mut self, condition: &str) -> Self {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self
    }

    /// The same with so many rows at most.
    pub(crate) fn limit(mut self, most: u64) -> Self {
        self.text.push_str(" LIMIT {most}");
        self.value("most", most)
    }

    /// The text with the type of each value.
    fn typed(&self) -> Result<String, AnswerError> {
        let mut typed = String::with_capacity(self.text.len() + 16 * self.values.len());
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = self
                .values
                .get(name)
                .ok_or_else(|| AnswerError::Broken(format!("a statement of this version has no value for {name}")))?;
            typed.push_str(before);
            typed.push_str(&format!("{{{name}:{}}}", value.type_name()));
            rest = after;
        }
        typed.push_str(rest);
        Ok(typed)
    }

    fn query(&self, client: &Client) -> Result<clickhouse::query::Query, AnswerError> {
        let query = client.query(&self.typed()?);
        Ok(self.values.iter().fold(query, |query, (name, value)| match value {
            Value::Text(value) => query.param(name, value),
            Value::Number(value) => query.param(name, value),
            Value::Texts(values) => query.param(name, values),
            Value::Numbers(values) => query.param(name, values),
            Value::WideNumbers(values) => query.param(name, values),
        }))
    }

    /// Every row of the answer.
    pub(crate) async fn all<R: RowOwned + RowRead>(&self, client: &Client) -> Result<Vec<R>, AnswerError> {
        Ok(self.query(client)?.fetch_all().await?)
    }

    /// The first row of the answer, if there is one.
    pub(crate) async fn optional<R: RowOwned + RowRead>(&self, client: &Client) -> Result<Option<R>, AnswerError> {
        Ok(self.query(client)?.fetch_optional().await?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_value_brings_its_type() {
        let condition = Fragment::new("a = {a} AND b IN {b}").value("a", "x").list("b", [1_u64, 2]);
        let statement =
            Fragment::new("SELECT 1 FROM t WHERE {which} AND c > {c} LIMIT 3 UNION ALL SELECT 2 WHERE {which}");
        let statement = statement.part("which", &condition).value("c", 7_u32);
        assert_eq!(
            statement.typed().unwrap(),
            "SELECT 1 FROM t WHERE a = {a:String} AND b IN {b:Array(UInt64)} AND c > {c:UInt64} LIMIT 3 \
             UNION ALL SELECT 2 WHERE a = {a:String} AND b IN {b:Array(UInt64)}"
        );
    }

    #[test]
    fn a_name_without_a_value_is_no_statement() {
        assert!(Fragment::new("SELECT {a}").typed().is_err());
        assert!(Fragment::new("SELECT {a").typed().is_err());
    }
}
