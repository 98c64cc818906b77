//! A local log, the engine, and a processor that leads events from the one to the other, all in this process.

use std::sync::Arc;

use clickhouse::Client;
use embedded::{Engine, LocalLog};
use eventlog::{EventLog, TopicSpec};
use processor::ProcessorError;
use schema::blobs::Blobs;
use schema::retention::Retention;
use schema::store::{self, StoreAddress};
use schema::{DEAD_LETTER_TOPIC, EVENTS_TOPIC, PROCESSOR_GROUP};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Task, engine, shards, wait};

/// What a processor works between, on a temporary folder.
pub struct Surroundings {
    /// The log, with the topics of events and dead letters in two partitions each.
    pub log: Arc<LocalLog>,
    /// The engine; the database is `resultsdb`.
    pub engine: Engine,
    /// Where the database is.
    pub address: StoreAddress,
    /// A client of the database.
    pub client: Client,
    /// The store of large bodies.
    pub blobs: Blobs,
    directory: TempDir,
}

impl Surroundings {
    /// Starts the engine and opens the log, both empty.
    pub fn start() -> Task<'static, Self> {
        Self::divided(shards::wanted())
    }

    /// The same with rows divided among so many shards.
    pub fn divided(shards: Option<u32>) -> Task<'static, Self> {
        Box::pin(Self::made(shards))
    }

    async fn made(shards: Option<u32>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = Arc::new(LocalLog::open(&directory.path().join("log")).unwrap());
        for name in [EVENTS_TOPIC, DEAD_LETTER_TOPIC] {
            let topic = TopicSpec { name: name.into(), partitions: 2, retention: None, max_message_bytes: 1 << 20 };
            log.ensure_topic(&topic).await.unwrap();
        }
        if let Some(number) = shards {
            shards::configure(&directory.path().join("store"), number);
        }
        let engine = engine::start(directory.path()).await;
        let address = match shards {
            Some(number) => engine::sharded(&engine, "resultsdb", number),
            None => engine::address(&engine, "resultsdb"),
        };
        store::migrate(&address, &Retention::default()).await.unwrap();
        let client = address.client();
        let blobs = Blobs::in_folder(&directory.path().join("blobs")).unwrap();
        Self { log, engine, address, client, blobs, directory }
    }

    /// Starts a processor on a log, which may be another one than that of these surroundings. `applied` counts the
    /// batches that it has inserted.
    pub fn processor(
        &self,
        log: Arc<dyn EventLog>,
        applied: watch::Sender<u64>,
        stop: watch::Receiver<bool>,
    ) -> JoinHandle<Result<(), ProcessorError>> {
        tokio::spawn(processor::run(log, self.client.clone(), self.blobs.clone(), Retention::default(), applied, stop))
    }

    /// Runs a processor until it has committed everything in the log.
    pub fn process(&self) -> Task<'_, ()> {
        Box::pin(self.processed())
    }

    async fn processed(&self) {
        let (stopping, stop) = watch::channel(false);
        let (applied, _batches) = watch::channel(0);
        let mut processor = self.processor(self.log.clone(), applied, stop);
        let ends = self.log.end_offsets(EVENTS_TOPIC).await.unwrap();
        let committed = wait::until_async("everything is committed", async || {
            self.log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap() == ends
        });
        tokio::select! {
            ended = &mut processor => panic!("the processor ended before it had committed everything: {ended:?}"),
            () = committed => {}
        }
        stopping.send(true).unwrap();
        processor.await.unwrap().unwrap();
    }

    /// The folder of everything; blobs are below `blobs`.
    pub fn folder(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// How many rows a table has.
    pub fn count(&self, table: &str) -> Task<'_, u64> {
        let query = self.client.query(&format!("SELECT count() FROM {table}"));
        Box::pin(async { query.fetch_one().await.unwrap() })
    }
}
