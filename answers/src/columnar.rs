//! A table as a file of columns, for programs that read many rows. The engine writes it: the rows go to it as text, and come
//! back as the file.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use serde_json::Value;

use crate::error::{AnswerError, broken};
use crate::reads::rewritten;
use crate::store::Store;
use crate::table::{CellKind, Column, Table};

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columnar {
    /// A Parquet file.
    Parquet,
    /// A stream of Arrow's interprocess format.
    Arrow,
}

impl Columnar {
    /// The engine's name of it.
    fn of_engine(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Arrow => "ArrowStream",
        }
    }

    /// Has the engine write a table. Every column may hold nothing.
    ///
    /// # Errors
    /// [`AnswerError::Store`] while the store is away, and whatever its limits say.
    pub async fn written(self, store: &Store, table: &Table) -> Result<Bytes, AnswerError> {
        Ok(rewritten::rows(store, &structure(&table.columns), &lines(table)?, self.of_engine()).await?)
    }
}

/// The columns as the engine names them. A name of somebody's statement is any text, and may be there twice: then the others
/// are numbered, because a file has one column of a name.
fn structure(columns: &[Column]) -> String {
    let mut times: HashMap<&str, u64> = HashMap::new();
    let mut taken = HashSet::new();
    let mut described = Vec::new();
    for Column { name, kind } in columns {
        let time = times.entry(name).or_default();
        let own = loop {
            *time += 1;
            let tried = if *time == 1 { name.clone() } else { format!("{name}_{time}") };
            if taken.insert(tried.clone()) {
                break tried;
            }
        };
        let quoted = own.replace('\\', "\\\\").replace('`', "\\`");
        described.push(format!("`{quoted}` Nullable({})", engine_type(kind)));
    }
    described.join(", ")
}

/// The engine's type of a column. Days and times are of the types that are written as such: files have the plain ones as numbers.
fn engine_type(kind: &CellKind) -> String {
    let plain = match kind {
        CellKind::Text | CellKind::Digits => "String",
        CellKind::Whole => "Int64",
        CellKind::Natural => "UInt64",
        CellKind::Real => "Float64",
        CellKind::Truth => "Bool",
        CellKind::Day => "Date32",
        CellKind::Moment { digits, zone: None } => return format!("DateTime64({digits})"),
        CellKind::Moment { digits, zone: Some(zone) } => return format!("DateTime64({digits}, '{zone}')"),
    };
    plain.to_owned()
}

/// A line of JSON for each row.
fn lines(table: &Table) -> Result<String, AnswerError> {
    let mut lines = String::new();
    for row in &table.rows {
        let cells: Vec<Value> =
            table.columns.iter().zip(row).map(|(column, value)| cell(&column.kind, value)).collect();
        lines.push_str(&serde_json::to_string(&cells).map_err(broken)?);
        lines.push('\n');
    }
    Ok(lines)
}

/// A value as its column holds it; nothing where it cannot.
fn cell(kind: &CellKind, value: &Value) -> Value {
    let is_held = match kind {
        CellKind::Text | CellKind::Digits | CellKind::Day | CellKind::Moment { .. } => value.is_string(),
        CellKind::Whole => value.is_i64(),
        CellKind::Natural => value.is_u64(),
        CellKind::Real => value.is_number(),
        CellKind::Truth => value.is_boolean(),
    };
    match (kind, value) {
        (_, value) if is_held => value.clone(),
        (CellKind::Text | CellKind::Digits, value) if !value.is_null() => value.to_string().into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_as_its_column_holds_it() {
        assert_eq!(cell(&CellKind::Text, &json!("a")), json!("a"));
        assert_eq!(cell(&CellKind::Text, &json!(7)), json!("7"));
        assert_eq!(cell(&CellKind::Text, &Value::Null), Value::Null);
        assert_eq!(cell(&CellKind::Whole, &json!(-7)), json!(-7));
        assert_eq!(cell(&CellKind::Whole, &json!(u64::MAX)), Value::Null);
        assert_eq!(cell(&CellKind::Whole, &json!("7")), Value::Null);
        assert_eq!(cell(&CellKind::Real, &json!(7)), json!(7));
        assert_eq!(cell(&CellKind::Truth, &json!(1)), Value::Null);
        assert_eq!(cell(&CellKind::Natural, &json!(u64::MAX)), json!(u64::MAX));
        assert_eq!(cell(&CellKind::Natural, &json!(-1)), Value::Null);
        assert_eq!(cell(&CellKind::Digits, &json!("-1.5")), json!("-1.5"));
        assert_eq!(cell(&CellKind::Day, &json!("2026-12-01")), json!("2026-12-01"));
        assert_eq!(cell(&CellKind::Day, &json!(7)), Value::Null);
    }

    #[test]
    fn columns_have_types_of_the_engine_and_names_of_their_own() {
        let moment = |digits, zone: Option<&str>| CellKind::Moment { digits, zone: zone.map(str::to_owned) };
        let columns = [
            Column::new("n", CellKind::Natural),
            Column::new("n_2", CellKind::Digits),
            Column::new("n", CellKind::Day),
            Column::new("a`\\b", moment(0, None)),
            Column::new("n", moment(3, Some("Asia/Tokyo"))),
        ];
        let wanted = "`n` Nullable(UInt64), `n_2` Nullable(String), `n_3` Nullable(Date32), `a\\`\\\\b` Nullable(DateTime64(0)), \
                      `n_4` Nullable(DateTime64(3, 'Asia/Tokyo'))";
        assert_eq!(structure(&columns), wanted);
    }
}
