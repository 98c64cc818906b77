//! What a backup, or `doctor`, asks of the process that has the log and the tables open: lines of JSON over a socket, and
//! the bytes of a segment after its line.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::manifest::{CommittedEntry, TopicEntry};
use crate::doctor::examined::Examined;

/// A line is far below this.
pub(super) const MAX_LINE: u64 = 64 << 20;

/// A question; the answer is `{"ok": …}` with what the variant says, or `{"error": "…"}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Take an image of the tables and keep it until the connection ends: [`Snapshot`].
    Freeze,
    /// The marks of records, in the order of the places: a list of text or null.
    Marks(Vec<Place>),
    /// The records of a partition from an offset on, before another: [`SegmentHead`], and its bytes after the line.
    Segment {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset of the first record.
        from: u64,
        /// The offset before which the segment ends.
        end: u64,
    },
    /// Examine the log and the tables: [`Examined`].
    Examine {
        /// How long an event may wait to be shown, seconds.
        patience: u64,
    },
}

/// Where a record stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) topic: String,
    pub(super) partition: u32,
    pub(super) offset: u64,
}

/// What is to be copied.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) topics: Vec<TopicEntry>,
    /// How far groups were before the image was taken.
    pub(super) committed: Vec<CommittedEntry>,
    /// Where the log ended after the image was taken; the offset is that of the next record.
    pub(super) ends: Vec<Place>,
    /// The folder with the image of the tables.
    pub(super) tables: PathBuf,
}

/// What is said of a segment before its bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct SegmentHead {
    /// How many bytes follow.
    pub(super) bytes: u64,
    /// The offset after the last record.
    pub(super) next: u64,
    /// Whether a longer log has the same segment.
    pub(super) is_full: bool,
}

/// An answer as it is sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply<T> {
    Ok(T),
    Error(String),
}

/// The side that asks.
pub(super) struct Client(BufReader<UnixStream>);

impl Client {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(BufReader::new(stream))
    }

    pub(super) async fn freeze(&mut self) -> anyhow::Result<Snapshot> {
        self.ask(&Request::Freeze).await
    }

    pub(super) async fn marks(&mut self, places: Vec<Place>) -> anyhow::Result<Vec<Option<String>>> {
        self.ask(&Request::Marks(places)).await
    }

    pub(super) async fn segment(&mut self, place: &Place, from: u64) -> anyhow::Result<(SegmentHead, Vec<u8>)> {
        let Place { topic, partition, offset: end } = place.clone();
        let head: SegmentHead = self.ask(&Request::Segment { topic, partition, from, end }).await?;
        let mut bytes = vec![0; usize::try_from(head.bytes)?];
        self.0.read_exact(&mut bytes).await.context("the server broke off a segment")?;
        Ok((head, bytes))
    }

    pub(super) async fn examine(&mut self, patience: u64) -> anyhow::Result<Examined> {
        self.ask(&Request::Examine { patience }).await
    }

    async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> anyhow::Result<T> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let gone = "the server ended meanwhile; run the command again";
        self.0.write_all(&line).await.context(gone)?;
        let mut answer = String::new();
        (&mut self.0).take(MAX_LINE).read_line(&mut answer).await.context(gone)?;
        if answer.is_empty() {
            bail!(gone);
        }
        match serde_json::from_str(&answer).context("the server's answer cannot be read; are the versions alike?")? {
            Reply::Ok(answer) => Ok(answer),
            Reply::Error(cause) => Err(anyhow!(cause)),
        }
    }
}
