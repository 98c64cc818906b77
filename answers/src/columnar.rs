//! A table as a file of columns, for programs that read many rows. The engine writes it: the rows go to it as text, and come
//! back as the file.

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

/// The columns as the engine names them.
fn structure(columns: &[Column]) -> String {
    let column = |Column { name, kind }: &Column| {
        let kind = match kind {
            CellKind::Text => "String",
            CellKind::Whole => "Int64",
            CellKind::Real => "Float64",
            CellKind::Truth => "Bool",
        };
        format!("`{name}` Nullable({kind})")
    };
    columns.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// A line of JSON for each row.
fn lines(table: &Table) -> Result<String, AnswerError> {
    let mut lines = String::new();
    for row in &table.rows {
        let cells: Vec<Value> = table.columns.iter().zip(row).map(|(column, value)| cell(column.kind, value)).collect();
        lines.push_str(&serde_json::to_string(&cells).map_err(broken)?);
        lines.push('\n');
    }
    Ok(lines)
}

/// A value as its column holds it; nothing where it cannot.
fn cell(kind: CellKind, value: &Value) -> Value {
    let is_held = match kind {
        CellKind::Text => value.is_string(),
        CellKind::Whole => value.is_i64(),
        CellKind::Real => value.is_number(),
        CellKind::Truth => value.is_boolean(),
    };
    match (kind, value) {
        (_, value) if is_held => value.clone(),
        (CellKind::Text, value) if !value.is_null() => value.to_string().into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_as_its_column_holds_it() {
        assert_eq!(cell(CellKind::Text, &json!("a")), json!("a"));
        assert_eq!(cell(CellKind::Text, &json!(7)), json!("7"));
        assert_eq!(cell(CellKind::Text, &Value::Null), Value::Null);
        assert_eq!(cell(CellKind::Whole, &json!(-7)), json!(-7));
        assert_eq!(cell(CellKind::Whole, &json!(u64::MAX)), Value::Null);
        assert_eq!(cell(CellKind::Whole, &json!("7")), Value::Null);
        assert_eq!(cell(CellKind::Real, &json!(7)), json!(7));
        assert_eq!(cell(CellKind::Truth, &json!(1)), Value::Null);
    }
}
