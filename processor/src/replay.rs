//! Shows events again that the tables have lost, before anything that is new.
//!
//! The offsets of the group say what was written once, the watermarks what is there. Tables that somebody moved away, or put back from
//! an earlier day, have lower watermarks than the group has offsets, and nobody would ever read these events again. They are read
//! from the watermarks on, which writes the same rows.
//!
//! This is done of a log that keeps its events for ever, whose one reader is this process. Where several processors share a log,
//! `doctor` says that events are missing, and a rebuild makes them again once for all.

use std::time::Duration;

use async_trait::async_trait;
use eventlog::{Consumer, LogError, Position, Reader, Record};
use schema::EVENTS_TOPIC;

use crate::batch::{BATCH_BYTES, BATCH_RECORDS, BatchWriter};
use crate::error::ProcessorError;
use crate::events::{EventsError, LostRows, lost_rows};

const POLL: Duration = Duration::from_millis(500);

/// Writes what the tables lack of the events that were done; false if the task is to stop.
pub(crate) async fn run(writer: &mut BatchWriter) -> Result<bool, ProcessorError> {
    if writer.log.kept().is_none() {
        return Ok(true);
    }
    let (lost, partitions) = loop {
        let goes_on = match lost(writer).await {
            Ok(found) => break found,
            Err(EventsError::Log(error)) => writer.retry.wait_for_log_without_group(error).await?,
            Err(error) => {
                tracing::warn!(%error, "waiting for the store");
                writer.retry.wait_without_group().await
            }
        };
        if !goes_on {
            return Ok(false);
        }
    };
    writer.retry.reset();
    if lost.is_empty() {
        return Ok(true);
    }
    let events: u64 = lost.iter().map(LostRows::events).sum();
    tracing::warn!(events, "the tables lack events that they showed before; they are made again from the log");
    // The other partitions begin behind whatever they have.
    let mut next = vec![u64::MAX; partitions];
    for lost in &lost {
        next[lost.partition as usize] = lost.shown;
    }
    let mut reader = writer.log.read(EVENTS_TOPIC, &next).await?;
    while lost.iter().any(|lost| next[lost.partition as usize] < lost.done) {
        let polled = tokio::select! {
            polled = reader.poll(BATCH_RECORDS, BATCH_BYTES, POLL) => polled,
            () = writer.retry.stopped() => return Ok(false),
        };
        let mut records = match polled {
            Ok(records) => records,
            Err(error) => match writer.retry.wait_for_log_without_group(error).await? {
                true => continue,
                false => return Ok(false),
            },
        };
        for Record { position, .. } in &records {
            next[position.partition as usize] = position.offset + 1;
        }
        // What comes behind is read by the group.
        records.retain(|record| lost.iter().any(|lost| has(lost, record.position)));
        if records.is_empty() {
            continue;
        }
        let batch = writer.begin(records);
        if !writer.write_and_commit(&mut NoGroup, batch).await? {
            return Ok(false);
        }
    }
    tracing::info!(events, "the tables have them again");
    Ok(true)
}

/// What the tables lack and the log has, and how many partitions it has.
async fn lost(writer: &BatchWriter) -> Result<(Vec<LostRows>, usize), EventsError> {
    let mut lost = lost_rows(writer.log.as_ref(), &writer.client).await?;
    let ends = writer.log.end_offsets(EVENTS_TOPIC).await?;
    for lost in &mut lost {
        lost.done = lost.done.min(ends.get(lost.partition as usize).copied().unwrap_or(0));
    }
    lost.retain(|lost| lost.events() > 0);
    Ok((lost, ends.len()))
}

fn has(lost: &LostRows, position: Position) -> bool {
    lost.partition == position.partition && position.offset < lost.done
}

/// Stands for the group, whose offsets are behind these events already.
struct NoGroup;

#[async_trait]
impl Reader for NoGroup {
    async fn poll(&mut self, _: usize, _: usize, _: Duration) -> Result<Vec<Record>, LogError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Consumer for NoGroup {
    async fn keep_alive(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    async fn commit(&mut self, _: &[Position]) -> Result<(), LogError> {
        Ok(())
    }
}
