//! Traces that continue across the log: an event carries the place of its request in the trace, as text.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use schema::event::TRACE_HEADER;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes a new span the child of a place in a trace. The span has no parent if the text names no place or no collector is
/// configured.
pub fn continue_from(span: &Span, place: &str) {
    let carrier = HashMap::from([(TRACE_HEADER.to_owned(), place.to_owned())]);
    // Without a collector there is no trace to continue.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// The place of a span in its trace, as text; none without a collector.
pub fn place(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACE_HEADER)
}
