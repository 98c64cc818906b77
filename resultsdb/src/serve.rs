//! Starts all services in one process, on embedded engines.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::ListenerExt;
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::EventLog;
use eventlog::TopicSpec;
use schema::blobs::Blobs;
use schema::store::{self, StoreAddress};
use schema::{DEAD_LETTER_TOPIC, EVENTS_PARTITIONS, EVENTS_TOPIC};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;

/// Compressed uploads stay far below this; Kafka's own default of 1 MB is too small for them.
const MAX_MESSAGE_BYTES: usize = 64 << 20;
/// The archive of events is the log itself until one outlives it, so nothing expires.
const RETENTION: Option<Duration> = None;
/// Idle connections must not hold up a stop longer than this.
const DRAIN: Duration = Duration::from_secs(8);
/// Memory that the embedded engine may use.
const ENGINE_MEMORY_BYTES: u64 = 4 << 30;
/// Embedded mode shows an upload before it answers, as the reference does.
const EMBEDDED_WAIT: Duration = Duration::from_secs(60);

/// Everything in one process.
pub(crate) async fn embedded(data_dir: &Path, listen: &str, config: &Config, demo: bool) -> anyhow::Result<()> {
    std::fs::create_dir_all(data_dir).with_context(|| format!("creating {}", data_dir.display()))?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    let stop = stop_signal()?;
    let blobs = Blobs::in_folder(&data_dir.join("blobs"))?;
    let log: Arc<dyn EventLog> = Arc::new(LocalLog::open(&data_dir.join("log"))?);
    create_topics(log.as_ref()).await?;
    let engine = Engine::start(EngineOptions {
        data_dir: data_dir.join("store"),
        library: None,
        connections: 8,
        max_memory_bytes: ENGINE_MEMORY_BYTES,
    })
    .await?;
    let address = StoreAddress {
        url: engine.url().to_owned(),
        database: "resultsdb".to_owned(),
        user: engine.user().to_owned(),
        password: engine.password().to_owned(),
    };
    store::migrate(&address).await?;
    let client = address.client();
    let processor = tokio::spawn(processor::run(Arc::clone(&log), client.clone(), stop.clone()));
    let app = Router::new()
        .merge(ingest::router(Arc::clone(&log), client.clone(), blobs.clone(), config.intake(Some(EMBEDDED_WAIT))))
        .merge(query::router(client.clone(), blobs, config.query()?))
        .merge(health(client.clone()));
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}");
    let empty: u64 = client.query("SELECT count() FROM (SELECT 1 FROM suites LIMIT 1)").fetch_one().await?;
    if demo && empty == 0 {
        tokio::task::spawn_blocking(move || {
            if let Err(error) = crate::demo::post(&url) {
                tracing::error!(%error, "the demonstration data could not be posted");
            }
        });
    }
    // A dead processor must not leave an intake behind that takes uploads nobody shows.
    tokio::select! {
        served = serve(listener, app, stop.clone()) => served?,
        ended = processor => {
            ended.context("the processor panicked")??;
            return Ok(());
        }
    }
    engine.shutdown().await;
    Ok(())
}

async fn serve(listener: TcpListener, app: Router, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let (mut drained, mut stopping) = (stop.clone(), stop);
    // Small answers would otherwise wait for the client's delayed acknowledgement.
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    });
    tokio::select! {
        served = server.into_future() => served.context("serving"),
        () = async {
            let _ = drained.wait_for(|stop| *stop).await;
            tokio::time::sleep(DRAIN).await;
        } => Ok(()),
    }
}

async fn create_topics(log: &dyn EventLog) -> anyhow::Result<()> {
    for (name, partitions) in [(EVENTS_TOPIC, EVENTS_PARTITIONS), (DEAD_LETTER_TOPIC, 1)] {
        log.ensure_topic(&TopicSpec {
            name: name.to_owned(),
            partitions,
            retention: RETENTION,
            max_message_bytes: MAX_MESSAGE_BYTES,
        })
        .await?;
    }
    Ok(())
}

fn health(client: clickhouse::Client) -> Router {
    Router::new().route(
        "/__health",
        get(move || async move {
            match client.query("SELECT 1").fetch_one::<u8>().await {
                Ok(_) => (StatusCode::OK, "ok".to_owned()).into_response(),
                Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("the store: {error}")).into_response(),
            }
        }),
    )
}

/// Turns true on SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let (send, receive) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        let _ = send.send(true);
        // Receivers must see the value, not a closed channel.
        send.closed().await;
    });
    Ok(receive)
}
