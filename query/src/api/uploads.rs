//! `GET /api/upload` and `POST /api/upload/process`: uploads as they came.

use answers::table::schema_of;
use answers::uploads::{self, ProcessedUpload, Upload};
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::{Operation, QUESTION};

use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, runs};
use crate::service::Shared;

pub(crate) const UPLOADS: Operation = Operation::get(
    "/api/upload",
    "Runs as they were uploaded",
    &[&CONFIGURATION, &["suite", "recent", "limit"], &POINT, &RANGE],
    schema_of::<Vec<Upload>>,
)
.of_reference();

pub(crate) const PROCESS: Operation = Operation {
    parameters: UPLOADS.parameters,
    ..Operation::post(
        "/api/upload/process",
        "Process stored uploads again",
        schema_of::<Vec<ProcessedUpload>>,
        QUESTION,
    )
    .of_reference()
};

/// The uploads of the selected runs.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<Upload>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &UPLOADS)?;
    let found = uploads::find(&service.store, &runs::filter(&parameters)?, &parameters.texts("suite")).await?;
    Ok(Json(found))
}

/// What processing makes of them.
pub(crate) async fn process(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<ProcessedUpload>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &UPLOADS)?;
    let (filter, suites) = (runs::filter(&parameters)?, parameters.texts("suite"));
    Ok(Json(uploads::processed(&service.store, &filter, &suites, &service.options.masters).await?))
}
