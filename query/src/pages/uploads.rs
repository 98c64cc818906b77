//! What became of the uploads of the last day, for whoever makes a CI send them, and for whoever runs the server.

use answers::recent_uploads::{self, UploadOutcome, UploadProblem};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use crate::api::recent_uploads::OPERATION;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    Parameters::of(query.as_deref(), &OPERATION)?;
    let answer = recent_uploads::find(&service.store).await?;
    let problems: Vec<Value> = answer.problems.iter().map(problem).collect();
    let values = context! {
        page => "/uploads", hours => answer.hours, taken => answer.taken, refused => answer.refused, dead => answer.dead,
        slow => answer.slow, problems, slowest => answer.slowest,
    };
    service.pages.render(StatusCode::OK, "uploads.html", Some("Uploads"), values)
}

fn problem(of: &UploadProblem) -> Value {
    let (class, words) = match of.outcome {
        UploadOutcome::Refused => ("bad", format!("refused, {}", of.status)),
        UploadOutcome::Dead => ("bad", "not processed".to_owned()),
        UploadOutcome::Warned => ("unsure", "taken with a warning".to_owned()),
    };
    let letter = (of.outcome == UploadOutcome::Dead).then_some(of.path.as_str());
    context! {
        class, words, letter, count => of.count, reason => of.reason, example => of.example, path => of.path, at => of.at,
        advice => of.advice,
    }
}
