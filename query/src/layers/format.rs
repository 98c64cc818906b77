//! The format of an answer: JSON, or its rows: `format=csv` for spreadsheets and scripts, `format=parquet` and `format=arrow`
//! for programs that read columns. An answer that has a text for people gives it as `format=markdown`.
//!
//! A handler answers a [`Rows`]; this layer writes it in the format that the question names. Columns are fixed by the
//! members of the answer ([`answers::table`]), so that a script can rely on them and an uploaded document
//! cannot add any. Only the last one, labels of configurations, is left out where no row has any. That there is more than the
//! rows tell is a member of JSON; beside rows a header says so.

use std::sync::Arc;

use answers::AnswerError;
use answers::columnar::Columnar;
use answers::table::{CellKind, Table, Tabular};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use web::openapi;
use web::warning;

use crate::error::{ApiError, bad, broken};
use crate::parameters::Parameters;
use crate::service::{Service, Shared};

/// What is said beside rows that are not all.
const CUT: &str = "The answer is cut off: there is more than these rows tell";

/// An answer that has rows.
pub(crate) struct Rows<T>(pub(crate) T);

/// What a response is written from.
trait Written: Send + Sync {
    fn json(&self) -> Result<Vec<u8>, serde_json::Error>;
    fn table(&self) -> Result<Table, AnswerError>;
    fn is_cut(&self) -> bool;
    fn markdown(&self) -> Option<&str>;
}

impl<T: Serialize + Tabular + Send + Sync> Written for T {
    fn json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn table(&self) -> Result<Table, AnswerError> {
        Tabular::table(self)
    }

    fn is_cut(&self) -> bool {
        Tabular::is_cut(self)
    }

    fn markdown(&self) -> Option<&str> {
        Tabular::markdown(self)
    }
}

#[derive(Clone)]
struct Unwritten(Arc<dyn Written>);

impl<T: Serialize + Tabular + Send + Sync + 'static> IntoResponse for Rows<T> {
    fn into_response(self) -> Response {
        let mut response = StatusCode::OK.into_response();
        response.extensions_mut().insert(Unwritten(Arc::new(self.0)));
        response
    }
}

/// Writes answers that have rows in the format that the question names.
pub(crate) async fn write(State(service): Shared, request: Request, next: Next) -> Response {
    let query = request.uri().query().map(str::to_owned);
    let response = next.run(request).await;
    match response.extensions().get::<Unwritten>() {
        Some(Unwritten(answer)) => {
            written(&service, answer.as_ref(), query.as_deref()).await.unwrap_or_else(IntoResponse::into_response)
        }
        None => response,
    }
}

async fn written(service: &Service, answer: &dyn Written, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::known_of(query, &[&["format"]]);
    let mut response = match parameters.all("format").next_back() {
        None | Some("json") => {
            let json = answer.json().map_err(broken)?;
            return Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response());
        }
        Some("csv") => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"results.csv\""),
            ];
            (headers, as_csv(&answer.table()?.without_unused_labels())?).into_response()
        }
        Some("parquet") => columnar(service, answer, Columnar::Parquet, openapi::PARQUET, "results.parquet").await?,
        Some("arrow") => columnar(service, answer, Columnar::Arrow, openapi::ARROW, "results.arrows").await?,
        Some("markdown") if answer.markdown().is_some() => {
            let text = answer.markdown().unwrap_or_default().to_owned();
            ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
        }
        Some(other) => {
            let last = if answer.markdown().is_some() { ", arrow or markdown" } else { " or arrow" };
            return Err(bad(format!("The format is json, csv, parquet{last}, not {other}")));
        }
    };
    if answer.is_cut() {
        response.headers_mut().extend(warning::header(CUT));
    }
    Ok(response)
}

/// The rows as a file of columns, of this type and name.
async fn columnar(
    service: &Service,
    answer: &dyn Written,
    format: Columnar,
    media: &str,
    name: &str,
) -> Result<Response, ApiError> {
    let bytes = format.written(&service.store, &answer.table()?).await?;
    let saved = format!("attachment; filename=\"{name}\"");
    Ok(([(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, saved)], bytes).into_response())
}

fn as_csv(table: &Table) -> Result<Vec<u8>, ApiError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.columns.iter().map(|column| &column.name)).map_err(broken)?;
    for row in &table.rows {
        let cells = table.columns.iter().zip(row).map(|(column, value)| cell(&column.kind, value));
        writer.write_record(cells).map_err(broken)?;
    }
    writer.into_inner().map_err(broken)
}

/// A value as text. A spreadsheet would run what begins like a formula, so an apostrophe makes it text; a number is none.
fn cell(kind: &CellKind, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(digits) if *kind == CellKind::Digits => digits.clone(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use answers::table::Column;
    use proptest::prelude::*;
    use serde_json::json;

    fn table(rows: Vec<Vec<Value>>) -> String {
        let columns = ["test", "more"].map(|name| Column::new(name, CellKind::Text)).to_vec();
        String::from_utf8(as_csv(&Table { columns, rows }).unwrap()).unwrap()
    }

    #[test]
    fn cells_are_quoted_and_nothing_is_empty() {
        let text = table(vec![vec![json!("b,c"), Value::Null], vec![json!(7), json!("{\"log\":\"=1+1\"}")]]);
        assert_eq!(text, "test,more\n\"b,c\",\n7,\"{\"\"log\"\":\"\"=1+1\"\"}\"\n");
    }

    #[test]
    fn a_number_of_many_digits_is_no_formula() {
        let columns = vec![Column::new("n", CellKind::Digits), Column::new("text", CellKind::Text)];
        let text = as_csv(&Table { columns, rows: vec![vec![json!("-1.5"), json!("-1.5")]] }).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "n,text\n-1.5,'-1.5\n");
    }

    proptest! {
        #[test]
        fn no_cell_begins_like_a_formula_and_every_name_reads_back(names in prop::collection::vec("[-=+@\t\r\n\",'a-c]{1,6}", 1..5)) {
            let text = table(names.iter().map(|name| vec![json!(name), json!(1)]).collect());
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let read: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
            prop_assert!(read.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
            let without = |(cell, name): (&String, &String)| cell == name || cell.strip_prefix('\'') == Some(name);
            prop_assert!(read.len() == names.len() && read.iter().zip(&names).all(without));
        }
    }
}
