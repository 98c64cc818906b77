//! Starts the services: all of them on embedded engines, or one on servers.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{ConfiguredKey, Door, Kind, Scope, Secret};
use answers::{Store, Watermark};
use anyhow::{Context, ensure};
use axum::Router;
use client::server::{Server, TRIES};
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::{EventLog, LogError, TopicSpec};
use ingest::IntakeOptions;
use processor::sweep::{self, SweepOptions};
use schema::blobs::Blobs;
use schema::clock::Clock;
use schema::retention::Retention;
use schema::store;
use schema::{DEAD_LETTER_TOPIC, EVENTS_PARTITIONS, EVENTS_TOPIC};
use tokio::sync::watch;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::config::Config;
use crate::listen::Endpoint;
use crate::private_files::keep_private;
use crate::servers::{MAX_MESSAGE_BYTES, blobs, embedded_address, password_of, store_address};
use crate::{backup, observe, right, shards, sql_user, traces};

/// How long a service that starts waits for the log, and between two tries.
const START_PATIENCE: Duration = Duration::from_secs(60);
const START_PAUSE: Duration = Duration::from_millis(500);
/// A sender may be silent so long in the middle of a body.
const SILENCE: Duration = Duration::from_secs(60);
/// Embedded mode shows an upload before it answers, as the reference does.
const EMBEDDED_WAIT: Duration = Duration::from_secs(60);

/// Everything in one process.
pub(crate) async fn embedded(data_dir: &Path, listen: &str, mut config: Config, demo: bool) -> anyhow::Result<()> {
    ensure!(
        !(demo && config.tls.is_some()),
        "--demo does not know whom to trust under [tls]: post the demonstration data with `resultsdb demo --url URL --ca FILE`"
    );
    let demo_key = if demo { admit_demo(&mut config)? } else { None };
    ensure!(
        config.sql.is_none(),
        "[sql] of the configuration cannot be served here: the embedded engine has no users, so that SQL of others could read \
         every table and the files of this machine; take it away, or run the services on ClickHouse"
    );
    ensure!(
        config.clickhouse.cluster.is_none(),
        "[clickhouse.cluster] of the configuration is of no use to `serve`, which keeps all of it on this machine: take it away, or \
         run the services on ClickHouse"
    );
    let config = &config;
    let (retention, door) = (config.retention()?, config.door()?);
    keep_private();
    std::fs::create_dir_all(data_dir).with_context(|| format!("creating {}", data_dir.display()))?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    backup::refuse_unfinished(&data_dir)?;
    let stop = stop_signal()?;
    // What is counted before this is lost.
    let metrics = observe::recorder()?;
    let blobs = Blobs::in_folder(&data_dir.join("blobs"))?;
    let local_log = Arc::new(LocalLog::open(&data_dir.join("log"))?);
    let log: Arc<dyn EventLog> = local_log.clone();
    // The local log is the archive of its own events.
    create_topics(log.as_ref(), None).await?;
    let engine = Engine::start(EngineOptions::new(data_dir.join("store"))).await?;
    let address = embedded_address(&engine);
    store::migrate(&address, &retention).await?;
    // An image of the tables is taken of those that the migrations leave.
    backup::listen(&data_dir, local_log, engine.freezer(), address.clone(), stop.clone());
    let client = address.client();
    let (applied, watermark) = watch::channel(0);
    if let Some(pace) = config.sweep.pace()? {
        tokio::spawn(swept(&log, &client, &blobs, &retention, pace, &stop));
    }
    if let Some(every) = config.export.every() {
        tokio::spawn(exported(&client, &blobs, &retention, every, &stop));
    }
    let processor = processor::run(Arc::clone(&log), client.clone(), blobs.clone(), retention, applied, stop.clone());
    let processor = tokio::spawn(processor);
    let views = views(config, client.clone(), Watermark::Here(watermark))?;
    let intake = config.intake(door.clone(), Some(EMBEDDED_WAIT))?;
    tokio::spawn(owners_read(&log, &client, &blobs, intake.clone(), &stop));
    let app = Router::new()
        .merge(ingest::router(Arc::clone(&log), client.clone(), blobs.clone(), intake))
        .merge(query::router(views.clone(), blobs, config.query(door.clone())?, stop.clone()))
        .merge(observe::router(client.clone(), metrics, &door));
    let app = query::separate(app, config.archive_origin()?);
    // Whoever comes first must find the keys that there are.
    access::load(&door, &client).await.context("reading the keys")?;
    tokio::spawn(access::watch(door, client.clone(), stop.clone()));
    tokio::spawn(alerts::run(views, sender(config), config.alerts.clone(), None, stop.clone()));
    tokio::spawn(observe::lag(Arc::clone(&log), &[observe::VIEWS]));
    let endpoint = Endpoint::bind(listen, config.tls.as_ref(), &stop).await?;
    let url = endpoint.url()?;
    println!("listening on {url}");
    let empty: u64 = client.query("SELECT count() FROM (SELECT 1 FROM suites LIMIT 1)").fetch_one().await?;
    if demo && empty == 0 {
        tokio::task::spawn_blocking(move || {
            let server = Server::new(&url, TRIES).map_err(anyhow::Error::from);
            let server = server.and_then(|server| Ok(server.with_key(demo_key)?));
            if let Err(error) = server.and_then(|server| crate::demo::post(&server)) {
                tracing::error!(%error, "the demonstration data could not be posted");
            }
        });
    }
    let mut served = pin!(serve(endpoint, app, stop.clone()));
    // A dead processor must not leave an intake behind that takes uploads nobody shows.
    tokio::select! {
        () = &mut served => {}
        ended = processor => {
            ended.context("the processor panicked")??;
            if !*stop.borrow() {
                return Ok(());
            }
            // It is the first to stop, and answers are still on their way.
            served.await;
        }
    }
    engine.shutdown().await;
    Ok(())
}

/// Lets the demonstration in where keys are asked for: with one that ends with this process.
fn admit_demo(config: &mut Config) -> anyhow::Result<Option<String>> {
    let Some(access) = &mut config.access else { return Ok(None) };
    let secret = Secret::generate(Kind::Upload)?;
    access.keys.push(ConfiguredKey {
        name: "demonstration".to_owned(),
        digest: secret.digest().to_string(),
        scopes: vec!["upload".parse()?, Scope::Link],
        expires: None,
    });
    Ok(Some(secret.expose().to_owned()))
}

/// The embedded engine alone, as a ClickHouse server that the three services can use on one machine.
pub(crate) async fn engine(data_dir: &Path, port: u16, password_file: &Path) -> anyhow::Result<()> {
    let mut stop = stop_signal()?;
    let password = password_of(password_file)?;
    keep_private();
    std::fs::create_dir_all(data_dir).with_context(|| format!("creating {}", data_dir.display()))?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    let options = EngineOptions { port, password: Some(password), ..EngineOptions::new(data_dir) };
    let engine = Engine::start(options).await?;
    println!("listening on {}", engine.url());
    let _ = stop.wait_for(|stop| *stop).await;
    engine.shutdown().await;
    Ok(())
}

/// The intake alone.
pub(crate) async fn ingest(config: &Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let client = store_address(config)?.client();
    let log: Arc<dyn EventLog> = Arc::new(config.kafka.connect()?);
    create_topics(log.as_ref(), config.kafka.retention()).await?;
    let door = watched_door(config, &client, &stop)?;
    let (intake, blobs) = (config.intake(door.clone(), None)?, blobs(config)?);
    // What is counted before this is lost.
    let recorder = observe::recorder()?;
    tokio::spawn(owners_read(&log, &client, &blobs, intake.clone(), &stop));
    let app = ingest::router(log, client.clone(), blobs, intake);
    let app = app.merge(observe::router(client, recorder, &door));
    listen_and_serve(config, app, stop).await
}

/// The processor alone, which also archives the events.
pub(crate) async fn processor(config: &Config) -> anyhow::Result<()> {
    let retention = config.retention()?;
    let stop = stop_signal()?;
    let address = store_address(config)?;
    let mut kafka = config.kafka.connect()?;
    if let Some(instance) = &config.kafka.instance {
        kafka = kafka.with_instance(instance);
    }
    let log: Arc<dyn EventLog> = Arc::new(kafka);
    create_topics(log.as_ref(), config.kafka.retention()).await?;
    shards::refuse_misplaced(&address).await?;
    let client = address.client();
    tokio::spawn(observe::lag(Arc::clone(&log), &[observe::VIEWS, observe::ARCHIVE]));
    let door = watched_door(config, &client, &stop)?;
    let app = observe::router(client.clone(), observe::recorder()?, &door);
    let watched = listen_and_serve(config, app, stop.clone());
    let blobs = blobs(config)?;
    let archive = processor::archive::run(Arc::clone(&log), blobs.clone(), config.archive.options(), stop.clone());
    if let Some(pace) = config.sweep.pace()? {
        tokio::spawn(swept(&log, &client, &blobs, &retention, pace, &stop));
    }
    if let Some(every) = config.export.every() {
        tokio::spawn(exported(&client, &blobs, &retention, every, &stop));
    }
    let archived = async { archive.await.context("archiving events") };
    let processed = async { Ok(processor::run(log, client, blobs, retention, watch::channel(0).0, stop).await?) };
    tokio::try_join!(watched, archived, processed).map(|_| ())
}

/// The pages and the query API alone.
pub(crate) async fn query(config: &Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let client = store_address(config)?.client();
    let mut views = views(config, client.clone(), Watermark::in_store(client.clone()))?;
    if let Some(guest) = sql_user::guest(config)? {
        views = views.with_guest(guest);
    }
    let blobs = blobs(config)?;
    let right = (!config.alerts.hooks.is_empty()).then(|| right::to_tell_hooks(&blobs));
    let told = tokio::spawn(alerts::run(views.clone(), sender(config), config.alerts.clone(), right, stop.clone()));
    let door = watched_door(config, &client, &stop)?;
    let app = query::router(views, blobs, config.query(door.clone())?, stop.clone()).merge(observe::router(
        client,
        observe::recorder()?,
        &door,
    ));
    let app = query::separate(app, config.archive_origin()?);
    listen_and_serve(config, app, stop).await?;
    // Another service need not wait until the right to tell hooks ends by itself.
    told.await.context("telling the hooks")
}

/// Removes blobs that no event names, now and then.
fn swept(
    log: &Arc<dyn EventLog>,
    client: &clickhouse::Client,
    blobs: &Blobs,
    retention: &Retention,
    pace: (Duration, SweepOptions),
    stop: &watch::Receiver<bool>,
) -> impl Future<Output = ()> + use<> {
    let (log, client, blobs) = (Arc::clone(log), client.clone(), blobs.clone());
    sweep::regularly(log, client, blobs, retention.clone(), pace, right::to_rebuild, stop.clone())
}

/// Writes facts as files, now and then.
fn exported(
    client: &clickhouse::Client,
    blobs: &Blobs,
    retention: &Retention,
    every: Duration,
    stop: &watch::Receiver<bool>,
) -> impl Future<Output = ()> + use<> {
    let (client, blobs, retention) = (client.clone(), blobs.clone(), retention.clone());
    export::regularly(client, blobs, retention, every, right::to_export, stop.clone())
}

/// Reads who owns tests at the hosts of repositories, now and then.
fn owners_read(
    log: &Arc<dyn EventLog>,
    client: &clickhouse::Client,
    blobs: &Blobs,
    intake: IntakeOptions,
    stop: &watch::Receiver<bool>,
) -> impl Future<Output = ()> + use<> {
    let (log, client, blobs) = (Arc::clone(log), client.clone(), blobs.clone());
    ingest::read_owner_files(log, client, blobs, intake, right::to_send_owners, stop.clone())
}

/// The door of a service, which goes by the keys that are stored until the service ends.
fn watched_door(config: &Config, client: &clickhouse::Client, stop: &watch::Receiver<bool>) -> anyhow::Result<Door> {
    let door = config.door()?;
    tokio::spawn(access::watch(door.clone(), client.clone(), stop.clone()));
    Ok(door)
}

/// The views that questions are asked of.
fn views(config: &Config, client: clickhouse::Client, watermark: Watermark) -> anyhow::Result<Store> {
    let store = Store::new(client, watermark, Clock::system(), config.retention()?, config.repositories());
    let store = store.keeping_replaced_results(config.compatibility.keep_replaced_results).limited(config.statements);
    let store = store.with_rules(config.rules.clone()).with_masks(config.masks.clone());
    Ok(store.with_owners(config.owners.clone()))
}

/// What messages to hooks say of this service.
fn sender(config: &Config) -> alerts::Sender {
    alerts::Sender { title: config.title.clone(), address: config.address.clone(), outbound: config.outbound.clone() }
}

/// Creates topics and tables.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    let (address, retention) = (store_address(config)?, config.retention()?);
    create_topics(&config.kafka.connect()?, config.kafka.retention()).await?;
    Ok(store::migrate(&address, &retention).await?)
}

async fn listen_and_serve(config: &Config, app: Router, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let endpoint = Endpoint::bind(&config.listen, config.tls.as_ref(), &stop).await?;
    println!("listening on {}", endpoint.url()?);
    serve(endpoint, app, stop).await;
    Ok(())
}

async fn serve(endpoint: Endpoint, app: Router, stop: watch::Receiver<bool>) {
    // A sender that falls silent is let go, and the memory of its body with it.
    endpoint.serve(traces::traced(app.layer(RequestBodyTimeoutLayer::new(SILENCE))), stop).await;
}

/// Creates topics; a log that is only just starting is waited for.
async fn create_topics(log: &dyn EventLog, retention: Option<Duration>) -> anyhow::Result<()> {
    let begun = Instant::now();
    while let Err(error) = try_to_create_topics(log, retention).await {
        if begun.elapsed() >= START_PATIENCE || !error.passes() {
            return Err(error.into());
        }
        tracing::warn!(%error, "waiting for the log");
        tokio::time::sleep(START_PAUSE).await;
    }
    Ok(())
}

async fn try_to_create_topics(log: &dyn EventLog, retention: Option<Duration>) -> Result<(), LogError> {
    for (name, partitions) in [(EVENTS_TOPIC, EVENTS_PARTITIONS), (DEAD_LETTER_TOPIC, 1)] {
        log.ensure_topic(&TopicSpec {
            name: name.to_owned(),
            partitions,
            retention,
            max_message_bytes: MAX_MESSAGE_BYTES,
        })
        .await?;
    }
    Ok(())
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
