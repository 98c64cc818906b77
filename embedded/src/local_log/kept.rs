//! Shorter records in the place of those that are over.

use async_trait::async_trait;
use eventlog::{KeptLog, LogError, Record};
use fjall::PersistMode;

use super::failure::{broken_off, failed};
use super::stored::{encode, record_key};
use super::{FREE_TO_COMMIT, LocalLog};

#[async_trait]
impl KeptLog for LocalLog {
    /// A position without a record is [`LogError::Damaged`], and nothing is replaced then.
    async fn replace(&self, topic: &str, records: Vec<Record>) -> Result<(), LogError> {
        self.shared.has_space(FREE_TO_COMMIT)?;
        let mut batch = self.shared.database.batch().durability(Some(PersistMode::SyncData));
        for Record { position, timestamp_ms, key, value } in &records {
            let place = record_key(topic, position.partition, position.offset);
            let is_there = self.shared.records.contains_key(&place);
            if !is_there.map_err(|error| failed(&self.shared.address, &error))? {
                let (partition, offset) = (position.partition, position.offset);
                return Err(LogError::Damaged {
                    address: self.shared.address.clone(),
                    cause: format!("topic {topic}, partition {partition}, offset {offset}: the record is missing"),
                });
            }
            batch.insert(&self.shared.records, place.as_slice(), encode(&place, *timestamp_ms, key, value));
        }
        let address = self.shared.address.clone();
        let written = tokio::task::spawn_blocking(move || batch.commit()).await;
        written.map_err(|error| broken_off(&address, &error.to_string()))?.map_err(|error| failed(&address, &error))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use eventlog::{EventLog, Position, Reader, TopicSpec};

    use super::*;

    async fn all(log: &LocalLog) -> Vec<(Bytes, Bytes)> {
        let mut reader: Box<dyn Reader> = log.read("events", &[0]).await.unwrap();
        let records = reader.poll(100, usize::MAX, Duration::ZERO).await.unwrap();
        records.into_iter().map(|record| (record.key, record.value)).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn records_keep_their_places_and_stay_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let log = LocalLog::open(folder.path()).unwrap();
        let topic = TopicSpec { name: "events".into(), partitions: 1, retention: None, max_message_bytes: 1000 };
        log.ensure_topic(&topic).await.unwrap();
        for value in ["one", "two", "three"] {
            log.append("events", b"key", Bytes::from(value)).await.unwrap();
        }
        let record = |offset, value: &'static str| Record {
            position: Position { partition: 0, offset },
            timestamp_ms: 5,
            key: Bytes::from_static(b"key"),
            value: Bytes::from(value),
        };
        let before = log.mark("events", 0, 1).unwrap();
        let missing = log.replace("events", vec![record(0, "1"), record(3, "4")]).await.unwrap_err();
        assert!(missing.to_string().contains("offset 3: the record is missing"), "{missing}");
        let mut reader = log.read("events", &[0]).await.unwrap();
        let mut second = reader.poll(2, usize::MAX, Duration::ZERO).await.unwrap().remove(1);
        second.value = Bytes::from_static(b"2");
        log.kept().unwrap().replace("events", vec![second]).await.unwrap();
        let expected = [("key", "one"), ("key", "2"), ("key", "three")];
        let expected: Vec<(Bytes, Bytes)> =
            expected.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        assert_eq!(all(&log).await, expected);
        // A backup that was taken before still knows the log.
        assert_eq!(log.mark("events", 0, 1).unwrap(), before);
        drop((reader, log));
        let log = LocalLog::open(folder.path()).unwrap();
        assert_eq!(all(&log).await, expected);
        assert_eq!(log.end_offsets("events").await.unwrap(), [3]);
    }
}
