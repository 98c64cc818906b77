//! Values of a statement's rows, of which none is rounded: what a column holds by the store's type of it, numbers digit by digit,
//! and in JSON those as texts that its readers would round.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::SqlColumn;
use crate::table::CellKind;

/// The largest whole number that JSON's readers tell from the next one: many of them have 53 bits.
const LARGEST: u64 = (1 << 53) - 1;

/// What the store calls numbers that may be longer than those of JSON, or of files of columns.
const LONG: [&str; 3] = ["Decimal(", "Int128", "Int256"];

/// What a column holds.
pub(super) fn kind(column: &SqlColumn) -> CellKind {
    match column.inner() {
        "UInt8" | "UInt16" | "UInt32" | "Int8" | "Int16" | "Int32" | "Int64" => CellKind::Whole,
        "UInt64" => CellKind::Natural,
        "UInt128" | "UInt256" | "Int128" | "Int256" => CellKind::Digits,
        "Float32" | "Float64" | "BFloat16" => CellKind::Real,
        "Bool" => CellKind::Truth,
        "Date" | "Date32" => CellKind::Day,
        decimal if decimal.starts_with("Decimal(") => CellKind::Digits,
        // So many days, or whatever the name says.
        interval if interval.starts_with("Interval") => CellKind::Whole,
        other => moment(other).unwrap_or(CellKind::Text),
    }
}

/// `DateTime`, `DateTime('UTC')`, `DateTime64(3)` and `DateTime64(3, 'UTC')`.
fn moment(name: &str) -> Option<CellKind> {
    let (name, inside) = name.strip_suffix(')').and_then(|name| name.split_once('(')).unwrap_or((name, ""));
    let mut inside = inside.split(", ").filter(|part| !part.is_empty());
    let digits = match name {
        "DateTime" => 0,
        "DateTime64" => inside.next()?.parse().ok()?,
        _ => return None,
    };
    Some(CellKind::Moment { digits, zone: inside.next().map(|zone| zone.trim_matches('\'').to_owned()) })
}

/// Rows of values as the store writes them.
pub(super) fn rows<'a>(columns: &[SqlColumn], written: impl Iterator<Item = &'a Vec<&'a RawValue>>) -> Vec<Vec<Value>> {
    // Where one of a list or a tuple may be long, all of its numbers are texts.
    let are_long = |column: &SqlColumn| LONG.iter().any(|name| column.kind.contains(name));
    let columns: Vec<(CellKind, bool)> = columns.iter().map(|column| (kind(column), are_long(column))).collect();
    let row = |row: &'a Vec<&'a RawValue>| {
        columns.iter().zip(row).map(|((kind, are_long), cell)| value(kind, *are_long, cell.get())).collect()
    };
    written.map(row).collect()
}

/// A value as the store writes it, with texts for numbers that would be rounded.
fn value(kind: &CellKind, are_long: bool, written: &str) -> Value {
    let exact = if written.starts_with('"') { written.to_owned() } else { quoted(written, are_long) };
    // What is nested too deeply stays the text that it is.
    let value: Value = serde_json::from_str(&exact).unwrap_or_else(|_| exact.into());
    match (kind, value) {
        // The store writes numbers of 64 bits as texts where its settings say so.
        (CellKind::Whole | CellKind::Natural, Value::String(digits)) => {
            digits.parse().map(Value::Number).unwrap_or(Value::String(digits))
        }
        (_, value) => value,
    }
}

/// JSON with quotes around its numbers if they are long, and otherwise around those of more than 64 bits, as a value of any type
/// may be.
fn quoted(json: &str, are_long: bool) -> String {
    let mut text = String::with_capacity(json.len() + 2);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let is_number = first == '-' || first.is_ascii_digit();
        let length = match first {
            '"' => length_of_text(rest),
            _ if is_number => rest.find(|one| !is_of_number(one)).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let quote = if is_number && (are_long || is_long(token)) { "\"" } else { "" };
        text.extend([quote, token, quote]);
        rest = after;
    }
    text
}

/// Bytes of the text in quotes with which this JSON begins.
fn length_of_text(json: &str) -> usize {
    let mut is_escaped = false;
    for (place, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    json.len()
}

fn is_of_number(one: char) -> bool {
    one.is_ascii_digit() || matches!(one, '-' | '+' | '.' | 'e' | 'E')
}

/// Whether it is a whole number of more than 64 bits.
fn is_long(number: &str) -> bool {
    let is_whole = number.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    is_whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
}

/// Writes rows with texts for whole numbers beyond 53 bits.
pub(super) fn within_53_bits<S: Serializer>(rows: &[Vec<Value>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(|row| row.iter().map(Exact).collect::<Vec<_>>()))
}

/// A value whose readers have numbers of 53 bits.
struct Exact<'a>(&'a Value);

impl Serialize for Exact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) if is_beyond(number) => serializer.collect_str(number),
            Value::Array(values) => serializer.collect_seq(values.iter().map(Exact)),
            Value::Object(members) => serializer.collect_map(members.iter().map(|(name, value)| (name, Exact(value)))),
            other => other.serialize(serializer),
        }
    }
}

fn is_beyond(number: &Number) -> bool {
    let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    size.is_some_and(|size| size > LARGEST)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::guest::SqlAnswer;

    fn column(kind: &str) -> SqlColumn {
        SqlColumn { name: "c".to_owned(), kind: kind.to_owned() }
    }

    #[test]
    fn types_are_kinds_of_cells() {
        let moment = |digits, zone: Option<&str>| CellKind::Moment { digits, zone: zone.map(str::to_owned) };
        for (name, wanted) in [
            ("UInt32", CellKind::Whole),
            ("Int64", CellKind::Whole),
            ("IntervalDay", CellKind::Whole),
            ("LowCardinality(Nullable(String))", CellKind::Text),
            ("Nullable(Float64)", CellKind::Real),
            ("Bool", CellKind::Truth),
            ("UInt64", CellKind::Natural),
            ("LowCardinality(Nullable(UInt64))", CellKind::Natural),
            ("UInt128", CellKind::Digits),
            ("Nullable(Decimal(18, 4))", CellKind::Digits),
            ("Date", CellKind::Day),
            ("Nullable(Date32)", CellKind::Day),
            ("DateTime", moment(0, None)),
            ("Nullable(DateTime('Asia/Tokyo'))", moment(0, Some("Asia/Tokyo"))),
            ("DateTime64(6)", moment(6, None)),
            ("DateTime64(3, 'UTC')", moment(3, Some("UTC"))),
            ("Enum8('DateTime' = 1)", CellKind::Text),
            ("Array(UInt8)", CellKind::Text),
            ("Tuple(a UInt8, b String)", CellKind::Text),
        ] {
            assert_eq!(kind(&column(name)), wanted, "{name}");
        }
    }

    /// What is made of a value of a type, and how JSON has it.
    fn read(kind: &str, written: &str) -> (Value, Value) {
        let raw: Vec<&RawValue> = vec![serde_json::from_str(written).unwrap()];
        let columns = vec![column(kind)];
        let rows = rows(&columns, std::iter::once(&raw));
        let value = rows[0][0].clone();
        let json = serde_json::to_value(SqlAnswer { columns, rows, is_cut: false }).unwrap();
        (value, json["rows"][0][0].clone())
    }

    #[test]
    fn no_number_is_rounded() {
        let same = |kind, written, value: Value| assert_eq!(read(kind, written), (value.clone(), value), "{written}");
        same("UInt64", "9007199254740991", json!(9_007_199_254_740_991_u64));
        same("UInt64", "\"7\"", json!(7));
        same("Nullable(Int64)", "null", Value::Null);
        same("Float64", "-1.5e-7", json!(-1.5e-7));
        same("UInt128", "340282366920938463463374607431768211455", json!("340282366920938463463374607431768211455"));
        same("UInt128", "7", json!("7"));
        same("Decimal(38, 3)", "-12345678901234567890.125", json!("-12345678901234567890.125"));
        same("Array(Decimal(9, 1))", "[1,-2.5]", json!(["1", "-2.5"]));
        same("String", "\"[36893488147419103232] \\\" 1\"", json!("[36893488147419103232] \" 1"));
        let list = json!({ "a\"1": ["36893488147419103232", 1], "\u{e9}": null });
        same("Map(String, Dynamic)", "{\"a\\\"1\":[36893488147419103232,1],\"\u{e9}\":null}", list);
        for (kind, written) in
            [("UInt64", "18446744073709551615"), ("UInt64", "\"18446744073709551615\""), ("Int64", "-9007199254740992")]
        {
            let (value, json) = read(kind, written);
            let digits = written.trim_matches('"');
            assert_eq!((value.to_string().as_str(), json), (digits, json!(digits)), "{kind}");
        }
        assert_eq!(read("Array(UInt64)", "[1,9007199254740992]").1, json!([1, "9007199254740992"]));
    }
}
