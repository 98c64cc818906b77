//! The event: what is appended to the log for each accepted request, and how it is encoded.
//!
//! An encoded event is one version byte, then a zstd frame that holds a JSON header, a line break,
//! and the `test_results` of an upload byte for byte as they came. Decoders for every version that
//! was ever written stay here; version 1 is the only one so far.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::bug::BugLink;
use crate::commit::Commit;
use crate::configuration::Configuration;

const VERSION: u8 = 1;
/// Favours speed: the payload is compressed again, column by column, in the store.
const ZSTD_LEVEL: i32 = 1;
/// The largest decoded event, in bytes; a small frame cannot make the processor allocate more.
pub const MAX_DECODED_BYTES: u64 = 1 << 30;

/// An accepted request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Unique, and sortable by time.
    pub event_id: Uuid,
    /// When the intake took it, seconds since the Unix epoch.
    pub received_at: i64,
    /// What was asked.
    pub request: Request,
    /// Digest of the blob that holds the `test_results` as a zstd frame, where they are too large for the log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payload: Option<String>,
    /// By what a repetition of an upload is told; none for other requests, and for events of before it was known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub once: Option<Once>,
    /// The request's id, by which its traces are found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// Where the request stands in its trace, as in [`TRACE_HEADER`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace: Option<String>,
}

/// The header that carries a request's id.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// The header that carries a place in a trace (W3C Trace Context).
pub const TRACE_HEADER: &str = "traceparent";

/// By what a repetition of an upload is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// The run that it writes: a digest of its natural key.
    pub run: String,
    /// Digest of everything it says.
    pub content: String,
    /// Digest of the sender's `Idempotency-Key`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
}

impl Once {
    /// Of an upload with these results; none for other requests.
    pub fn of(request: &Request, test_results: &[u8], key: Option<&[u8]>) -> Option<Self> {
        let Request::Upload { suite, configuration, commits, timestamp, .. } = request else { return None };
        let uuid = commits.iter().map(Commit::uuid).max().unwrap_or_default();
        let run = (suite, configuration, crate::commit::branch_keys(commits), uuid, timestamp);
        let mut content = blake3::Hasher::new();
        content.update(&serde_json::to_vec(request).ok()?).update(test_results);
        Some(Self {
            run: format!("run {}", blake3::hash(&serde_json::to_vec(&run).ok()?).to_hex()),
            content: content.finalize().to_hex().to_string(),
            key: key.map(|key| format!("key {}", blake3::hash(key).to_hex())),
        })
    }

    /// Names under which its receipt is found.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.run.as_str()).chain(self.key.as_deref())
    }
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A run's results; the results themselves follow the header.
    Upload {
        /// The suite.
        suite: String,
        /// What it ran on.
        configuration: Configuration,
        /// Resolved commits, at least one.
        commits: Vec<Commit>,
        /// Start of the run, seconds since the Unix epoch.
        timestamp: i64,
        /// Where the CI shows the run; none if that is unknown, as for events of before there were links.
        #[serde(default)]
        links: Option<Links>,
    },
    /// A commit to register.
    Commit(Commit),
    /// A bug that explains failures, or that no longer does.
    Bug(BugLink),
    /// Files of a run, in the blob store.
    Archive {
        /// The suite.
        suite: String,
        /// What it ran on.
        configuration: Configuration,
        /// Resolved commits, at least one.
        commits: Vec<Commit>,
        /// Start of the run, seconds since the Unix epoch.
        timestamp: i64,
        /// Digest of the contents: their name in the blob store.
        digest: String,
        /// Bytes of the contents.
        size: u64,
    },
    /// Results of a change under review; its flat results follow the header.
    Ews {
        /// The suite.
        suite: String,
        /// What it ran on.
        configuration: Configuration,
        /// Resolved commits, at least one.
        commits: Vec<Commit>,
        /// Start of the run, seconds since the Unix epoch.
        timestamp: i64,
        /// How the tests were found to be flaky; none if they failed.
        flaky_type: Option<String>,
        /// Anything the uploader says of the change.
        details: Option<serde_json::Map<String, serde_json::Value>>,
    },
}

/// A step of processing, as an upload's answer reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it reads the results, and so fails with them.
    pub reads_results: bool,
}

/// The step that derives links to the CI.
pub const CI_URLS: &str = "ci-urls";
/// All steps, in the order of the answer.
pub const STEPS: [Step; 5] = [
    Step { name: CI_URLS, reads_results: false },
    Step { name: "test-failures", reads_results: true },
    Step { name: "suite-results", reads_results: true },
    Step { name: "test-results", reads_results: true },
    Step { name: "commit-identifiers", reads_results: false },
];

/// Where the CI shows a run; addresses of web pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The queue of runs it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub queue: Option<String>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub build: Option<String>,
    /// The machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worker: Option<String>,
}

/// A decoded event.
#[derive(Debug)]
pub struct Event {
    /// Everything but the results.
    pub header: Header,
    /// The upload's `test_results`; `null` for other requests.
    pub test_results: Box<RawValue>,
}

/// Why bytes of the log are no event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer version.
    #[error("the event has format {0}, this binary knows up to {VERSION}; run the newer binary")]
    UnknownVersion(u8),
    /// Empty, cut off or altered.
    #[error("the event is damaged: {0}")]
    Damaged(String),
}

/// Compresses a payload for the blob store.
pub fn compress(test_results: &str, to: impl std::io::Write) -> std::io::Result<()> {
    let mut encoder = zstd::Encoder::new(to, ZSTD_LEVEL)?;
    encoder.include_checksum(true)?;
    std::io::Write::write_all(&mut encoder, test_results.as_bytes())?;
    encoder.finish().map(drop)
}

/// Reads what [`compress`] wrote.
pub fn decompress(from: impl std::io::Read) -> Result<Box<RawValue>, DecodeError> {
    use std::io::Read;
    let damaged = |cause: &dyn std::fmt::Display| DecodeError::Damaged(cause.to_string());
    let mut text = String::new();
    zstd::Decoder::new(from)
        .and_then(|decoder| decoder.take(MAX_DECODED_BYTES).read_to_string(&mut text))
        .map_err(|error| damaged(&error))?;
    RawValue::from_string(text).map_err(|error| damaged(&error))
}

/// Encodes an event in the newest version.
pub fn encode(header: &Header, test_results: &str) -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    let mut encoder = zstd::Encoder::new(vec![VERSION], ZSTD_LEVEL)?;
    encoder.include_checksum(true)?;
    serde_json::to_writer(&mut encoder, header)?;
    encoder.write_all(b"\n")?;
    encoder.write_all(test_results.as_bytes())?;
    encoder.finish()
}

/// Decodes an event of any version.
pub fn decode(bytes: &[u8]) -> Result<Event, DecodeError> {
    use std::io::{BufRead, Read};
    let damaged = |cause: &dyn std::fmt::Display| DecodeError::Damaged(cause.to_string());
    let (version, frame) = bytes.split_first().ok_or_else(|| damaged(&"no bytes"))?;
    if *version != VERSION {
        return Err(DecodeError::UnknownVersion(*version));
    }
    let (mut header, mut test_results) = (Vec::new(), String::new());
    let mut read = || {
        let mut text = std::io::BufReader::new(zstd::Decoder::new(frame)?.take(MAX_DECODED_BYTES));
        text.read_until(b'\n', &mut header)?;
        text.read_to_string(&mut test_results)
    };
    read().map_err(|error: std::io::Error| damaged(&error))?;
    let header = serde_json::from_slice(&header).map_err(|error| damaged(&error))?;
    let test_results = RawValue::from_string(test_results).map_err(|error| damaged(&error))?;
    Ok(Event { header, test_results })
}

/// The key that chooses an upload's partition: uploads that may replace each other share one.
pub fn upload_key(configuration: &Configuration, suite: &str, uuid: u64) -> [u8; 8] {
    crate::configuration::stable_hash(&[&configuration.id().to_le_bytes(), suite.as_bytes(), &uuid.to_le_bytes()])
        .to_le_bytes()
}

/// The beginning of an encoded event's text, as far as it can be read, for people.
pub fn beginning(encoded: &[u8]) -> String {
    const SHOWN: u64 = 4096;
    let mut text = Vec::new();
    if let Some(decoder) = encoded.get(1..).and_then(|frame| zstd::Decoder::new(frame).ok()) {
        // What follows damage is not shown; what stands before it is.
        let _ = std::io::Read::read_to_end(&mut std::io::Read::take(decoder, SHOWN), &mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            event_id: Uuid::from_u128(7),
            received_at: 1_700_000_000,
            request: Request::Upload {
                suite: "layout-tests".into(),
                configuration: Configuration { platform: Some("Mac".into()), ..Configuration::default() },
                commits: Vec::new(),
                timestamp: 1_700_000_000,
                links: None,
            },
            payload: None,
            once: None,
            request_id: None,
            trace: None,
        }
    }

    #[test]
    fn results_come_back_byte_for_byte() {
        let results = "{\"results\": {\"a\":{\"time\":1.50}}}";
        let event = decode(&encode(&header(), results).unwrap()).unwrap();
        assert_eq!((event.header, event.test_results.get()), (header(), results));
    }

    #[test]
    fn payloads_come_back() {
        let mut frame = Vec::new();
        compress("{\"a\": 1.50}", &mut frame).unwrap();
        assert_eq!(decompress(frame.as_slice()).unwrap().get(), "{\"a\": 1.50}");
        assert!(decompress(&frame[..frame.len() - 1]).is_err());
    }

    #[test]
    fn damage_is_an_error() {
        let good = encode(&header(), "{}").unwrap();
        assert!(matches!(decode(&[]), Err(DecodeError::Damaged(_))));
        assert!(matches!(decode(&[9, 1]), Err(DecodeError::UnknownVersion(9))));
        for index in 1..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 0xff;
            assert!(decode(&bad).is_err(), "byte {index}");
        }
        assert!(decode(&good[..good.len() - 1]).is_err());
    }
}
