//! Recorded times, moved to today.
//!
//! Every recorded time lies shortly before a base; all of them, and the commit uuids that are a hundred times a time,
//! are moved so that the base becomes now.

use serde_json::{Map, Value, json};

use crate::clock::DAY;

/// Recorded times lie at most this long before the base, and after it; seconds.
const WINDOW: (i64, i64) = (40 * DAY, 2 * DAY);

/// From the base of the recording to now; both in seconds since 1970.
#[derive(Debug)]
pub(super) struct Shift {
    base: i64,
    now: i64,
}

impl Shift {
    pub(super) fn new(base: i64, now: i64) -> Self {
        Self { base, now }
    }

    /// The same JSON, with every time in numbers, texts and names of members moved.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                members.iter().map(|(name, value)| (self.text(name), self.value(value))).collect::<Map<_, _>>().into()
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::String(text) => Value::String(self.text(text)),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => json!(self.number(whole)),
                // A time with a fraction keeps it.
                None => {
                    let (whole, part) = (number.as_f64().unwrap().trunc(), number.as_f64().unwrap().fract());
                    json!(self.number(whole as i64) as f64 + part)
                }
            },
            other => other.clone(),
        }
    }

    fn number(&self, number: i64) -> i64 {
        let delta = self.now - self.base;
        let (low, high) = (self.base - WINDOW.0, self.base + WINDOW.1);
        if (low..=high).contains(&number) {
            number + delta
        } else if (low * 100..(high + 1) * 100).contains(&number) {
            number + delta * 100
        } else {
            number
        }
    }

    /// Moves runs of 10 or 12 digits that touch no letter, digit or leading dot.
    fn text(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut shifted = String::with_capacity(text.len());
        let mut position = 0;
        while position < bytes.len() {
            let length = bytes[position..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length == 0 {
                let character = text[position..].chars().next().unwrap();
                shifted.push(character);
                position += character.len_utf8();
                continue;
            }
            let end = position + length;
            let alone = (position == 0
                || !(bytes[position - 1].is_ascii_alphanumeric() || bytes[position - 1] == b'.'))
                && bytes.get(end).is_none_or(|next| !next.is_ascii_alphanumeric());
            match text[position..end].parse::<i64>() {
                Ok(number) if alone && (length == 10 || length == 12) => {
                    shifted.push_str(&self.number(number).to_string());
                }
                _ => shifted.push_str(&text[position..end]),
            }
            position = end;
        }
        shifted
    }
}
