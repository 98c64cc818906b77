//! `GET /api/live`: an event whenever the views moved, so that pages need not ask again and again.

use std::convert::Infallible;

use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use web::openapi::{Operation, text};

use crate::error::ApiError;
use crate::live_stream::KEEP_ALIVE;
use crate::parameters::Parameters;
use crate::service::Shared;

pub(crate) const LIVE: Operation = Operation {
    media: "text/event-stream",
    errors: &[400, 503],
    ..Operation::get("/api/live", "Server-sent events: how far the views are, now and whenever they move", &[], text)
};

/// A stream that ends when the service stops.
pub(crate) async fn listen(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    Parameters::of(query.as_deref(), &LIVE)?;
    let events = unfold(service.live.listen()?, |mut listener| async move {
        let watermark = listener.next().await?;
        Some((Ok::<_, Infallible>(Event::default().data(watermark.to_string())), listener))
    });
    // A proxy that collects the stream first would keep the events to itself.
    let unbuffered = [("x-accel-buffering", "no")];
    Ok((unbuffered, Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))).into_response())
}
