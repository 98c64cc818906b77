//! SQL of others, with a plot of what it answers where that is a value by time.

use answers::guest::{self, SqlAnswer, SqlColumn};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{NaiveDate, NaiveDateTime};
use minijinja::{Value, context};
use schema::seconds::DAY;
use serde_json::Value as Json;

use super::plot::{Axes, Sample, Shape, TimeAxis, Unit};
use super::time;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

/// Statements to begin with: what they tell, and the text.
const EXAMPLES: [(&str, &str); 4] = [
    (
        "Unexpected failures by week",
        "SELECT toMonday(toDateTime(start_time)) AS week, sum(tests_unexpected_failed) AS failures\nFROM runs\nGROUP BY week ORDER BY week",
    ),
    (
        "Tests that crashed most often",
        "SELECT suite, test, count() AS crashes\nFROM results INNER JOIN tests USING (suite, test_id)\nWHERE bitTest(actual, 0)\nGROUP BY suite, test ORDER BY crashes DESC LIMIT 20",
    ),
    (
        "Runs of each configuration",
        "SELECT configuration, count() AS runs, max(toDateTime(start_time)) AS last\nFROM runs INNER JOIN configurations USING (branch, config_id)\nGROUP BY configuration ORDER BY runs DESC",
    ),
    ("Columns of the views", "DESCRIBE TABLE runs"),
];

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::filled(query.as_deref(), &[&["query"]])?;
    let statement = parameters.first("query").unwrap_or_default();
    // What the store says of the statement stands beside it, where it can be mended.
    let (answer, refused) = match statement {
        "" => (None, None),
        statement => match guest::ask(service.store.guest(), statement).await {
            Ok(answer) => (Some(answer), None),
            Err(error) => (None, Some(ApiError::from(error))),
        },
    };
    let status = refused.as_ref().map_or(StatusCode::OK, ApiError::status);
    let plotted = answer.as_ref().and_then(plotted);
    let is_open = service.store.guest().is_some();
    let values = context! {
        page => "/sql", statement, examples => EXAMPLES, is_open, plotted,
        refused => refused.map(|error| error.to_string()),
        answer => answer.as_ref().map(Value::from_serialize),
        numbers => answer.as_ref().map(numbers),
    };
    service.pages.render(status, "sql.html", Some("SQL"), values)
}

/// Whether each column holds numbers, which are set to the right.
fn numbers(answer: &SqlAnswer) -> Vec<bool> {
    answer.columns.iter().map(is_number).collect()
}

fn is_number(column: &SqlColumn) -> bool {
    ["UInt", "Int", "Float", "Decimal"].iter().any(|number| column.inner().starts_with(number))
}

/// The first column of numbers over the first column, where that is a time.
fn plotted(answer: &SqlAnswer) -> Option<Value> {
    let by = answer.columns.first().filter(|column| column.inner().starts_with("Date"))?;
    let place = answer.columns.iter().position(is_number)?;
    let column = &answer.columns[place];
    let mut samples: Vec<(u64, f64)> =
        answer.rows.iter().filter_map(|row| Some((moment(row.first()?)?, number(row.get(place)?)?))).collect();
    samples.sort_by_key(|(time, _)| *time);
    let ((first, _), (last, _)) = (samples.first()?, samples.last()?);
    if first == last {
        return None;
    }
    let axis = TimeAxis::new(*first, *last);
    // What follows at the usual distance is joined by a line.
    let length = samples.windows(2).map(|pair| pair[1].0 - pair[0].0).filter(|length| *length > 0).min().unwrap_or(DAY);
    let unit = if samples.iter().all(|(_, value)| value.fract() == 0.0) { Unit::Count } else { Unit::Number };
    let drawn: Vec<Sample> = samples
        .iter()
        .map(|(from, value)| Sample {
            from: *from,
            length,
            value: *value,
            says: format!("{}: {}", time::minutes(*from as i64), unit.text(*value)),
        })
        .collect();
    let axes = Axes::new(axis, unit, samples.iter().map(|(_, value)| *value));
    let series = vec![axes.series(Shape::Lines, "first", "value", &drawn)];
    let description = format!("{} rows; they stand in the table below.", drawn.len());
    Some(context! {
        name => "answer", title => column.name, by => by.name, scale => axes.scale(), series, description, ticks => axis.ticks(),
    })
}

/// A time as the store writes it, in seconds since 1970.
fn moment(value: &Json) -> Option<u64> {
    let text = value.as_str()?;
    let time = match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(day) => day.and_hms_opt(0, 0, 0)?,
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?,
    };
    u64::try_from(time.and_utc().timestamp()).ok()
}

/// A number that can be drawn; large ones are texts.
fn number(value: &Json) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(kinds: &[(&str, &str)], rows: Vec<Vec<Json>>) -> SqlAnswer {
        let column = |(name, kind): &(&str, &str)| SqlColumn { name: (*name).to_owned(), kind: (*kind).to_owned() };
        SqlAnswer { columns: kinds.iter().map(column).collect(), rows, is_cut: false }
    }

    #[test]
    fn a_number_by_time_is_drawn() {
        let rows = |kind: &str| {
            let kinds = [("week", kind), ("name", "String"), ("failures", "UInt64")];
            answer(
                &kinds,
                vec![
                    vec![json!("2026-11-16"), json!("a"), json!(3)],
                    vec![json!("2026-11-23"), json!("b"), json!("7")],
                ],
            )
        };
        let drawn = plotted(&rows("Date")).unwrap();
        assert_eq!(drawn.get_attr("title").unwrap().to_string(), "failures");
        assert!(plotted(&rows("String")).is_none());
        let one = answer(
            &[("week", "DateTime('UTC')"), ("n", "Float64")],
            vec![vec![json!("2026-11-16 01:02:03"), json!(1.5)]],
        );
        assert!(plotted(&one).is_none(), "one value is no plot");
    }

    #[test]
    fn times_are_read_as_the_store_writes_them() {
        assert_eq!(moment(&json!("1970-01-02")), Some(DAY));
        assert_eq!(moment(&json!("1970-01-02 00:00:01.500")), Some(DAY + 1));
        assert_eq!([moment(&json!("x")), moment(&json!(7)), moment(&json!("1960-01-01"))], [None; 3]);
    }
}
