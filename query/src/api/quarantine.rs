//! What is in quarantine: `GET /api/quarantine`; what might be parked or released: `GET /api/quarantine/proposals`; lists for
//! test runners: `GET /api/quarantine/export`.

use answers::ask::RunFilter;
use answers::quarantine::export::{self, ExportQuestion, ExportedList, ListFormat};
use answers::quarantine::proposals::{self, Proposals};
use answers::quarantine::{self, EntryState, MAX_ENTRIES, Quarantine, QuarantineQuestion};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use web::openapi::{Operation, text};

use crate::error::{ApiError, bad};
use crate::parameters::lists::NO_SUITE;
use crate::parameters::{CONFIGURATION, Parameters, runs};
use crate::service::Shared;
use crate::warning;

pub(crate) const QUARANTINE: Operation = Operation::get(
    "/api/quarantine",
    "Failures that do not count until a time, and why; what is in force, unless the state says otherwise",
    &[&["suite", "test", "state", "limit"]],
    schema_of::<Quarantine>,
);

pub(crate) const PROPOSALS: Operation = Operation::get(
    "/api/quarantine/proposals",
    "Flaky tests that might be put into quarantine, and entries whose tests have recovered; nothing of it is done",
    &[&["suite"]],
    schema_of::<Proposals>,
);

pub(crate) const EXPORT: Operation = Operation {
    media: PLAIN,
    ..Operation::get(
        "/api/quarantine/export",
        "What is in quarantine of a suite on a configuration, as a test runner reads it; plain names by default",
        &[&CONFIGURATION, &["suite", "format"]],
        text,
    )
};

const PLAIN: &str = "text/plain";
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// The state that means all of them.
pub(crate) const ALL: &str = "all";

/// The entries that a question means; `test` names a test that is meant, not a pattern.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &QUARANTINE)?;
    let question = QuarantineQuestion {
        suite: parameters.chosen("suite").map(str::to_owned),
        test: parameters.chosen("test").map(str::to_owned),
        state: state(&parameters)?,
        limit: Some(parameters.limit(MAX_ENTRIES)?),
    };
    let found = quarantine::find(&service.store, &question).await?;
    Ok(warning::beside(&service.store, question.suite.as_deref(), Json(found)).await?)
}

fn state(parameters: &Parameters) -> Result<Option<EntryState>, ApiError> {
    match parameters.chosen("state") {
        None => Ok(Some(EntryState::Active)),
        Some(ALL) => Ok(None),
        Some(name) => {
            let names = EntryState::ALL.map(EntryState::name).join(", ");
            let known = EntryState::ALL.into_iter().find(|state| state.name() == name);
            Ok(Some(known.ok_or_else(|| bad(format!("{name} is no state of an entry; they are {names}, and {ALL}")))?))
        }
    }
}

/// What might be done.
pub(crate) async fn propose(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Proposals>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &PROPOSALS)?;
    Ok(Json(proposals::find(&service.store, parameters.chosen("suite")).await?))
}

/// A list for a test runner.
pub(crate) async fn export(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &EXPORT)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?.to_owned();
    let format = match parameters.chosen("format") {
        None => ListFormat::Plain,
        Some(name) => {
            let names = ListFormat::ALL.map(ListFormat::name).join(", ");
            let known = ListFormat::ALL.into_iter().find(|format| format.name() == name);
            known.ok_or_else(|| bad(format!("{name} is no form of a list; the forms are {names}")))?
        }
    };
    let on = RunFilter { ..runs::lately(&parameters)? }.certain();
    let unknown = warning::of_suite(&service.store, &suite).await?;
    let list = export::find(&service.store, &ExportQuestion { suite, format, on }).await?;
    // Forms without comments have no other place for what they cannot say.
    let warnings: Vec<String> = [unknown, left_out(&list)].into_iter().flatten().collect();
    let mut response = ([(header::CONTENT_TYPE, CONTENT_TYPE)], list.text).into_response();
    if !warnings.is_empty() {
        response.headers_mut().extend(web::warning::header(&warnings.join("; ")));
    }
    Ok(response)
}

/// What a list does not have, in words.
fn left_out(list: &ExportedList) -> Option<String> {
    let first = list.left_out.first()?;
    let more = if list.left_out.len() > 1 { format!("; {} more", list.left_out.len() - 1) } else { String::new() };
    Some(format!("left out of the list: '{}', because {}{more}", first.test, first.because))
}

#[cfg(test)]
mod tests {
    use answers::quarantine::export::LeftOut;

    use super::*;

    #[test]
    fn what_a_list_does_not_have_is_told_by_its_first() {
        let left = |test: &str| LeftOut { test: test.to_owned(), because: "it is about CRASH alone".to_owned() };
        let list = ExportedList { text: String::new(), left_out: vec![left("a"), left("b")] };
        let said = left_out(&list);
        assert_eq!(said.as_deref(), Some("left out of the list: 'a', because it is about CRASH alone; 1 more"));
        assert_eq!(left_out(&ExportedList::default()), None);
    }
}
