//! Rows and columns of an answer, from the members of its rows: the same list that gives JSON and the OpenAPI schema.
//!
//! A member is a column if its value is a text, a number, a truth value or nothing; lists and objects are none. A member
//! that is marked with `#[schemars(extend("x-column" = false))]` is left out, because columns of a table never change.

use schema::configuration::{Configuration, MEMBERS};
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{AnswerError, broken};

/// The mark of a member that is no column.
const NO_COLUMN: &str = "x-column";

/// The column of a configuration's labels, which is the last of a table: JSON text of an object, nothing if there are none.
/// Where no row has labels it is left out ([`Table::without_unused_labels`]).
pub const LABELS: &str = "labels";

/// What a column holds; nothing is a value of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellKind {
    /// Any text.
    Text,
    /// A whole number of at most 63 bits and a sign.
    Whole,
    /// A whole number of at most 64 bits without a sign.
    Natural,
    /// A number.
    Real,
    /// A number as text, digit by digit: a decimal, or one of more than 64 bits, which no other kind holds whole.
    Digits,
    /// True or false.
    Truth,
    /// A day, as text such as `2026-12-01`.
    Day,
    /// A time, as text such as `2026-12-01 06:30:00.5`.
    Moment {
        /// Digits of a second's fraction.
        digits: u8,
        /// The time zone of the text, where it is not the store's own.
        zone: Option<String>,
    },
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: CellKind,
}

impl Column {
    /// A column.
    pub fn new(name: &str, kind: CellKind) -> Self {
        Self { name: name.to_owned(), kind }
    }
}

impl AsRef<str> for Column {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// Some columns of one kind.
pub(crate) fn of_kind<const N: usize>(kind: CellKind, names: [&str; N]) -> Vec<Column> {
    names.into_iter().map(|name| Column::new(name, kind.clone())).collect()
}

/// Columns, and one value for each in every row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// Values, in the order of the columns.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// The same without the column of labels where no row has any: who knows no labels sees the columns that there ever were.
    pub fn without_unused_labels(mut self) -> Self {
        let last = self.columns.len().saturating_sub(1);
        let is_unused = self.columns.last().is_some_and(|column| column.name == LABELS)
            && self.rows.iter().all(|row| row.get(last).is_none_or(Value::is_null));
        if is_unused {
            self.columns.truncate(last);
            self.rows.iter_mut().for_each(|row| row.truncate(last));
        }
        self
    }
}

/// An answer that has rows.
pub trait Tabular {
    /// The rows.
    ///
    /// # Errors
    /// A row that cannot be written as JSON.
    fn table(&self) -> Result<Table, AnswerError>;

    /// Whether there is more than its rows tell, which JSON says in a member and rows cannot.
    fn is_cut(&self) -> bool {
        false
    }

    /// A text for people, where the answer has one.
    fn markdown(&self) -> Option<&str> {
        None
    }
}

/// The JSON schema of an answer's JSON: every member is required unless it may be left out, and no other is allowed.
pub fn schema_of<T: JsonSchema>() -> Value {
    let mut schema = generated::<T>();
    Strict.transform(&mut schema);
    schema.remove("$schema");
    schema.to_value()
}

fn generated<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// Objects with members have no others. What only names a Rust type, or describes it for readers of the code, goes.
struct Strict;

impl Transform for Strict {
    fn transform(&mut self, schema: &mut Schema) {
        for name in ["title", "description", "format", NO_COLUMN] {
            schema.remove(name);
        }
        if let Some(names) = constants(schema) {
            schema.remove("oneOf");
            schema.insert("type".to_owned(), "string".into());
            schema.insert("enum".to_owned(), names);
        }
        // Tuples are told of as lists of any of their members: tools that read JSON Schema as older drafts had it take a
        // list of schemas for each place for a fault.
        if let Some(members) = schema.remove("prefixItems") {
            schema.insert("items".to_owned(), serde_json::json!({ "anyOf": members }));
        }
        if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        transform_subschemas(self, schema);
    }
}

/// The values of a schema that is a choice of constants, as it is made of an enum whose variants are described.
fn constants(schema: &Schema) -> Option<Value> {
    schema
        .get("oneOf")?
        .as_array()?
        .iter()
        .map(|one| one.get("const").cloned())
        .collect::<Option<Vec<_>>>()
        .map(Value::from)
}

/// The members of a row that are columns.
pub fn columns<T: JsonSchema>() -> Vec<Column> {
    let schema = generated::<T>();
    let members = schema.get("properties").and_then(Value::as_object);
    let is_column = |schema: &Value| {
        let is_kind = |kind: &Value| !matches!(kind.as_str(), Some("array" | "object"));
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().all(is_kind),
            Value::Null => ["enum", "oneOf", "anyOf"].iter().any(|name| schema.get(*name).is_some()),
            kind => is_kind(kind),
        };
        kinds && schema.get("$ref").is_none() && schema.get(NO_COLUMN) != Some(&Value::Bool(false))
    };
    let members = members.into_iter().flatten().filter(|(_, schema)| is_column(schema));
    members.map(|(name, schema)| Column::new(name, kind(schema))).collect()
}

/// What a member holds: text, unless its values are all of one other kind.
fn kind(schema: &Value) -> CellKind {
    let one = |kind: &Value| match kind.as_str() {
        Some("integer") => CellKind::Whole,
        Some("number") => CellKind::Real,
        Some("boolean") => CellKind::Truth,
        _ => CellKind::Text,
    };
    match &schema["type"] {
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter(|kind| kind.as_str() != Some("null")).map(one);
            let first = kinds.next().unwrap_or(CellKind::Text);
            if kinds.all(|kind| kind == first) { first } else { CellKind::Text }
        }
        kind => one(kind),
    }
}

/// The columns of a configuration's members.
fn of_configuration() -> impl Iterator<Item = Column> {
    let kind = |name| match name {
        "version" => CellKind::Whole,
        "is_simulator" => CellKind::Truth,
        _ => CellKind::Text,
    };
    MEMBERS.into_iter().map(move |name| Column::new(name, kind(name)))
}

/// Columns that begin with, or end with, the members of a configuration; its labels come last.
pub(crate) fn with_configuration(before: Vec<Column>, after: Vec<Column>) -> Vec<Column> {
    before.into_iter().chain(of_configuration()).chain(after).chain([Column::new(LABELS, CellKind::Text)]).collect()
}

/// A row of a table with the columns of [`with_configuration`].
pub(crate) fn row_with_configuration(
    before: Vec<Value>,
    configuration: &Configuration,
    after: Vec<Value>,
) -> Result<Vec<Value>, AnswerError> {
    let labels = match &configuration.labels {
        none if none.is_empty() => Value::Null,
        labels => serde_json::to_string(labels).map_err(broken)?.into(),
    };
    Ok([before, cells(&MEMBERS, &[&members(configuration)?]), after, vec![labels]].concat())
}

/// The members of a value that is an object.
pub(crate) fn members(value: &impl Serialize) -> Result<Map<String, Value>, AnswerError> {
    match serde_json::to_value(value).map_err(broken)? {
        Value::Object(members) => Ok(members),
        other => Err(broken(format!("{other} has no members"))),
    }
}

/// The values of some columns, each from the first object that has it.
pub(crate) fn cells<N: AsRef<str>>(columns: &[N], objects: &[&Map<String, Value>]) -> Vec<Value> {
    let value = |name: &N| objects.iter().find_map(|object| object.get(name.as_ref())).cloned().unwrap_or_default();
    columns.iter().map(value).collect()
}

/// A table with one row for each of some values.
pub(crate) fn of_rows<T: Serialize + JsonSchema>(rows: &[T]) -> Result<Table, AnswerError> {
    let columns = columns::<T>();
    let row = |row: &T| Ok(cells(&columns, &[&members(row)?]));
    let rows = rows.iter().map(row).collect::<Result<_, AnswerError>>()?;
    Ok(Table { columns, rows })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use schema::state::State;

    #[test]
    fn labels_are_the_last_column() {
        let mut configuration = Configuration { platform: Some("linux".into()), ..Configuration::default() };
        let columns = with_configuration(of_kind(CellKind::Text, ["a"]), of_kind(CellKind::Whole, ["b"]));
        assert_eq!((columns.len(), columns[1].as_ref(), columns[11].as_ref()), (12, "platform", LABELS));
        let row = |of: &Configuration| row_with_configuration(vec![1.into()], of, vec![2.into()]).unwrap();
        let plain = row(&configuration);
        assert_eq!((&plain[1], &plain[10], &plain[11]), (&"linux".into(), &2.into(), &Value::Null));
        configuration.labels.add("python", &"3.12".into()).unwrap();
        assert_eq!(row(&configuration)[11], r#"{"python":"3.12"}"#);
    }

    #[derive(Serialize, JsonSchema)]
    struct Row {
        test: String,
        state: State,
        time: Option<u32>,
        configuration: Configuration,
        bugs: Vec<String>,
        #[schemars(extend("x-column" = false))]
        message: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    #[test]
    fn one_list_of_members_gives_schema_and_columns() {
        let own =
            [("test", CellKind::Text), ("state", CellKind::Text), ("time", CellKind::Whole), ("note", CellKind::Text)];
        assert_eq!(columns::<Row>(), own.map(|(name, kind)| Column::new(name, kind)));
        let schema = schema_of::<Row>();
        assert_eq!(schema["additionalProperties"], false);
        let required = ["test", "state", "time", "configuration", "bugs", "message"];
        assert_eq!(schema["required"], serde_json::json!(required));
        assert_eq!(schema["properties"]["configuration"]["$ref"], "#/components/schemas/Configuration");
        assert_eq!(schema["properties"]["time"], serde_json::json!({ "type": ["integer", "null"], "minimum": 0 }));
        assert_eq!(schema["properties"]["message"], serde_json::json!({ "type": ["string", "null"] }));
    }
}
