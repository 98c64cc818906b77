//! What the process says of itself: lines on standard error, and spans for a collector where one is configured.
//!
//! A request has an id, its sender's or a new one, which is answered in `x-request-id`, goes into the event that the
//! request appends, and comes up again where the processor applies the event: one search finds the whole line. With a
//! collector the processor's span is a child of the request's, which is a child of what the sender names.

use std::io::IsTerminal;

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use processor::trace;
use schema::event::{REQUEST_ID_HEADER, TRACE_HEADER};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
const TRACE: HeaderName = HeaderName::from_static(TRACE_HEADER);
/// Longer ids of senders are replaced.
const MAX_ID_BYTES: usize = 128;
/// What is said unless `RUST_LOG` asks for other things.
const USUAL: &str = "info,lsm_tree=warn,fjall=warn,rmcp=warn";

/// Sends what it has when it ends.
pub(crate) struct Traces(Option<SdkTracerProvider>);

/// Starts to speak; `service` is what spans are filed under, `collector` the address that takes them over OTLP/HTTP.
pub(crate) fn start(service: &'static str, collector: Option<&str>) -> anyhow::Result<Traces> {
    let filter = || EnvFilter::try_from_default_env().unwrap_or_else(|_| USUAL.into());
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_coloured()).with_filter(filter());
    let provider = collector.map(|address| provider(service, address)).transpose()?;
    let spans = provider.as_ref().map(|provider| {
        // The exporter's own requests must not make spans.
        let own = |metadata: &tracing::Metadata<'_>| {
            ["resultsdb", "ingest", "processor", "query"].iter().any(|name| metadata.target().starts_with(name))
        };
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("resultsdb"));
        layer.with_filter(tracing_subscriber::filter::filter_fn(own))
    });
    tracing_subscriber::registry().with(lines).with(spans).init();
    Ok(Traces(provider))
}

/// Whether somebody sees colours: in a file they are in the way of whoever searches it.
fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|wish| wish.is_empty())
}

fn provider(service: &'static str, address: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", address.trim_end_matches('/')))
        .build()
        .with_context(|| format!("the collector of traces at {address}"))?;
    let resource = Resource::builder().with_service_name(format!("resultsdb-{service}")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            eprintln!("the last traces were not sent: {error}");
        }
    }
}

/// Gives every request an id and a span.
pub(crate) fn traced(app: Router) -> Router {
    app.layer(axum::middleware::from_fn(request))
}

async fn request(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).and_then(|id| id.to_str().ok()).filter(|id| id.len() <= MAX_ID_BYTES);
    let id = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let (method, path) = (request.method(), request.uri().path());
    let span = tracing::info_span!("request", request_id = id, %method, path, status = tracing::field::Empty);
    if let Some(place) = request.headers().get(TRACE).and_then(|place| place.to_str().ok()) {
        trace::continue_from(&span, place);
    }
    if let Some(place) = trace::place(&span).and_then(|place| HeaderValue::from_str(&place).ok()) {
        request.headers_mut().insert(TRACE, place);
    }
    let value = HeaderValue::from_str(&id).ok();
    if let Some(value) = value.clone() {
        request.headers_mut().insert(HEADER, value);
    }
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    if let Some(value) = value {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
