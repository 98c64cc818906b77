//! The checks of a deployment on Kafka and ClickHouse.

use anyhow::Context;
use eventlog::KafkaLog;
use schema::blobs::Blobs;
use schema::place::Place;
use schema::{ARCHIVE_GROUP, DEAD_LETTER_TOPIC, EVENTS_PARTITIONS, EVENTS_TOPIC, PROCESSOR_GROUP};

use super::finding::Line;
use super::group::Group;
use super::topics::Wanted;
use super::{archive, blobs, certificates, clocks, disk, keys, lag, log_end, lost_rows, readers, store, topics};
use crate::config::Config;
use crate::servers;

const KAFKA: &str = "Check that Kafka runs, that `resultsdb migrate` was run, and that [kafka] of the configuration names the \
                     brokers and whatever they ask for";
const BLOBS: &str = "Check that `blobs` of the configuration names a folder or a bucket that this user may write";
const KEYS: &str = "Mend access.keys of the configuration";

/// Checks everything of a deployment; `patience` is how long an event may wait to be shown, seconds.
pub(super) async fn lines(config: &Config, patience: u64) -> Vec<Line> {
    let mut lines = certificates::lines(config, true);
    let mut own = Group::new("the configuration", KEYS);
    own.ask("configured keys", async { keys::configured(config.access.as_ref()) }).await;
    lines.extend(own.lines());
    let place = config.blobs.parse::<Place>();
    let opened = place.map_err(anyhow::Error::from).and_then(|place| Ok((blobs::open(&place)?, place)));
    let opened = opened.map_err(|error| error.context("in blobs of the configuration"));
    let kept = opened.as_ref().ok().map(|(blobs, _)| blobs.clone());
    lines.extend(of_blobs(opened, &config.blobs, BLOBS).await);
    lines.extend(of_kafka(config, kept.as_ref(), patience).await);
    let replicas = config.clickhouse.cluster.as_ref().map(|cluster| cluster.replicas);
    lines.extend(store::lines(servers::store_address(config), replicas, store::OF_DEPLOYMENT).await);
    lines
}

/// The place of blobs, and the disk that it is on where it is a folder; `remedy` is what to do where it cannot be used.
pub(super) async fn of_blobs(opened: anyhow::Result<(Blobs, Place)>, name: &str, remedy: &'static str) -> Vec<Line> {
    let mut group = Group::new("the blob store", remedy);
    match opened {
        Err(error) => group.reach("blobs", async { Err(error) }).await,
        Ok((opened, place)) => {
            group.reach("blobs", blobs::of(&opened, name)).await;
            if let Place::Folder(folder) = place {
                group.ask("disk of blobs", async { disk::of_folder(&folder) }).await;
            }
        }
    }
    group.lines()
}

async fn of_kafka(config: &Config, blobs: Option<&Blobs>, patience: u64) -> Vec<Line> {
    let mut group = Group::new("Kafka", KAFKA);
    let log: KafkaLog = match config.kafka.connect() {
        Ok(log) => log,
        Err(error) => {
            group.reach("kafka", async { Err(error) }).await;
            return group.lines();
        }
    };
    let events = Wanted {
        topic: EVENTS_TOPIC,
        partitions: EVENTS_PARTITIONS,
        retention: config.kafka.retention(),
        is_archived: true,
    };
    let letters = Wanted { topic: DEAD_LETTER_TOPIC, partitions: 1, is_archived: false, ..events };
    group.reach("kafka", topics::brokers(&log)).await;
    group.ask("topic of events", topics::of(&log, events)).await;
    group.ask("topic of dead letters", topics::of(&log, letters)).await;
    group.ask("readers for the views", readers::of(&log, PROCESSOR_GROUP)).await;
    group.ask("lag of the views", lag::views(&log, patience)).await;
    group.ask("readers for the archive", readers::of(&log, ARCHIVE_GROUP)).await;
    group.ask("lag of the archive", archive::lag(&log, config.archive.options())).await;
    let gaps =
        async { archive::gaps(&log, blobs.context("the blob store, which has the archive, cannot be opened")?).await };
    group.ask("events kept", gaps).await;
    let end = async { log_end::of(&log, &servers::store_address(config)?.client()).await };
    group.ask("end of the log", end).await;
    let lost = async { lost_rows::of(&log, &servers::store_address(config)?.client(), lost_rows::OF_DEPLOYMENT).await };
    group.ask("events in the tables", lost).await;
    group.ask("clock of kafka", clocks::of_log(&log)).await;
    group.lines()
}
