//! How events are written to the log and read from it.
//!
//! An encoded event is one version byte, then a zstd frame that holds a JSON header, a line break, and the `test_results`
//! of an upload byte for byte as they came. Decoders for every version that was ever written stay here; version 1 is the
//! only one so far.

use std::io::{BufRead, BufReader, Read};

use serde_json::value::RawValue;

use super::Header;

/// The first byte of an event that is encoded now.
pub const VERSION: u8 = 1;
/// Favours speed: the payload is compressed again, column by column, in the store.
const ZSTD_LEVEL: i32 = 1;
/// The largest decoded event, in bytes; a small frame cannot make the processor allocate more.
pub const MAX_DECODED_BYTES: u64 = 1 << 30;

/// A decoded event.
#[derive(Debug)]
pub struct Event {
    /// Everything but the results.
    pub header: Header,
    /// What follows the header: an upload's `test_results`, or what else the [`Request`]'s kind says; otherwise `null`.
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
    let mut text = String::new();
    zstd::Decoder::new(from)
        .and_then(|decoder| decoder.take(MAX_DECODED_BYTES).read_to_string(&mut text))
        .map_err(damaged)?;
    RawValue::from_string(text).map_err(damaged)
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

/// Decodes what stands before the results of an event of any version, without what follows.
pub fn decode_header(bytes: &[u8]) -> Result<Header, DecodeError> {
    header(&mut text(bytes)?)
}

/// Decodes an event of any version.
pub fn decode(bytes: &[u8]) -> Result<Event, DecodeError> {
    let (mut text, mut test_results) = (text(bytes)?, String::new());
    let header = header(&mut text)?;
    text.read_to_string(&mut test_results).map_err(damaged)?;
    Ok(Event { header, test_results: RawValue::from_string(test_results).map_err(damaged)? })
}

/// The text of an event whose version is known.
fn text(bytes: &[u8]) -> Result<impl BufRead, DecodeError> {
    let frame = match bytes.split_first() {
        Some((&VERSION, frame)) => frame,
        Some((version, _)) => return Err(DecodeError::UnknownVersion(*version)),
        None => return Err(damaged("no bytes")),
    };
    Ok(BufReader::new(zstd::Decoder::new(frame).map_err(damaged)?.take(MAX_DECODED_BYTES)))
}

/// Reads the header, which is the first line.
fn header(text: &mut impl BufRead) -> Result<Header, DecodeError> {
    let mut line = Vec::new();
    text.read_until(b'\n', &mut line).map_err(damaged)?;
    serde_json::from_slice(&line).map_err(damaged)
}

fn damaged(cause: impl std::fmt::Display) -> DecodeError {
    DecodeError::Damaged(cause.to_string())
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
    use crate::configuration::Configuration;
    use crate::event::Request;

    fn header() -> Header {
        Header {
            event_id: uuid::Uuid::from_u128(7),
            received_at: 1_700_000_000,
            request: Request::Upload {
                suite: "layout-tests".into(),
                configuration: Configuration { platform: Some("Mac".into()), ..Configuration::default() },
                commits: Vec::new(),
                timestamp: 1_700_000_000,
                links: None,
                notes: None,
            },
            payload: None,
            fingerprint: None,
            request_id: None,
            trace: None,
            actor: None,
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
