//! Reads what the `clickhouse` crate puts into a request, and the binary framings it uses.

use bytes::{Buf, BytesMut};

use crate::chdb::ChdbError;

/// URL keys that are not settings; those without a field here mean nothing to one embedded user.
const NOT_SETTINGS: [&str; 11] = [
    "compress",
    "query_id",
    "session_id",
    "session_timeout",
    "session_check",
    "user",
    "password",
    "role",
    "buffer_size",
    "wait_end_of_query",
    "client_protocol_version",
];

const MAX_BLOCK: usize = 1 << 30;

/// Formats of which rows follow each other, without beginning or end but the header that [`header_length`] knows.
const PIECEMEAL: [&str; 6] =
    ["RowBinary", "RowBinaryWithNamesAndTypes", "TabSeparated", "TSV", "TSVRaw", "JSONEachRow"];

#[derive(Default)]
pub(crate) struct Request {
    pub(crate) sql: String,
    pub(crate) database: String,
    pub(crate) format: String,
    pub(crate) decompress: bool,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn from_url_query(query: &str) -> Self {
        let mut request = Self { database: "default".into(), format: "TabSeparated".into(), ..Self::default() };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*key {
                "query" => request.sql = value,
                "database" if value.is_empty() => {}
                "database" => request.database = value,
                "default_format" => request.format = value,
                "decompress" => request.decompress = value == "1",
                key if NOT_SETTINGS.contains(&key) => {}
                key => match key.strip_prefix("param_") {
                    Some(name) => request.parameters.push((name.to_owned(), value)),
                    None => request.settings.push((key.to_owned(), value)),
                },
            }
        }
        request
    }

    pub(crate) fn add_body(&mut self, content_type: &str, body: &[u8]) -> Result<(), ChdbError> {
        let bad = || ChdbError::with_code(36, "the request body cannot be read");
        let body = std::str::from_utf8(body).map_err(|_| bad())?;
        if content_type.starts_with("multipart/form-data") {
            return self.add_form(content_type, body).ok_or_else(bad);
        }
        if !self.sql.is_empty() && !body.is_empty() {
            self.sql.push('\n');
        }
        self.sql.push_str(body);
        Ok(())
    }

    fn add_form(&mut self, content_type: &str, body: &str) -> Option<()> {
        let boundary = content_type.split_once("boundary=")?.1.trim_matches('"');
        let opening = format!("--{boundary}");
        // A value may hold any text, so only a boundary on a line of its own divides.
        let divider = format!("\r\n--{boundary}");
        for part in body.strip_prefix(&opening)?.split(divider.as_str()) {
            if part.starts_with("--") {
                break;
            }
            let (head, value) = part.split_once("\r\n\r\n")?;
            let name = head.split_once("name=\"")?.1.split('"').next()?;
            match name.strip_prefix("param_") {
                Some(name) => self.parameters.push((name.to_owned(), value.to_owned())),
                None if name == "query" => value.clone_into(&mut self.sql),
                None => {}
            }
        }
        Some(())
    }

    /// The insert this is, as the statement without its FORMAT clause and that format; only inserts
    /// whose data follows in the body count.
    pub(crate) fn as_insert(&self) -> Option<(String, String)> {
        let sql = self.sql.trim().trim_end_matches(';').trim_end();
        if !sql.get(..6)?.eq_ignore_ascii_case("insert") {
            return None;
        }
        let at = sql.to_ascii_uppercase().rfind("FORMAT ")?;
        let format = sql.get(at + 7..)?.trim();
        let is_name = !format.is_empty() && format.bytes().all(|b| b.is_ascii_alphanumeric());
        is_name.then(|| (sql[..at].to_owned(), format.to_owned()))
    }

    /// Whether the result can come in chunks: only a SELECT without a format of its own, because the
    /// engine refuses other statements in a stream and the repeated header must be known; and only in a format whose
    /// pieces are a whole when they follow each other: of others, such as Parquet, each chunk is a file by itself.
    pub(crate) fn is_streamable(&self) -> bool {
        if !PIECEMEAL.contains(&self.format.as_str()) {
            return false;
        }
        let upper = self.sql.trim_start().to_ascii_uppercase();
        (upper.starts_with("SELECT") || upper.starts_with("WITH"))
            && !upper
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|word| word == "FORMAT" || word == "INSERT")
    }

    /// The statement that applies the settings.
    pub(crate) fn set_statement(&self) -> Result<Option<String>, ChdbError> {
        if self.settings.is_empty() {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for (name, value) in &self.settings {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(ChdbError::with_code(115, "Unknown setting"));
            }
            parts.push(format!("{name} = '{}'", escape(value, '\'')));
        }
        Ok(Some(format!("SET {}", parts.join(", "))))
    }

    pub(crate) fn use_statement(&self) -> String {
        format!("USE `{}`", escape(&self.database, '`'))
    }
}

fn escape(text: &str, quote: char) -> String {
    text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}"))
}

/// Undoes the native block framing of compressed inserts: CityHash128, method, two sizes, data.
#[derive(Default)]
pub(crate) struct Unblock {
    buffer: BytesMut,
}

impl Unblock {
    pub(crate) fn push(
        &mut self,
        data: &[u8],
        mut out: impl FnMut(&[u8]) -> Result<(), ChdbError>,
    ) -> Result<(), ChdbError> {
        self.buffer.extend_from_slice(data);
        loop {
            let mut head = &self.buffer[..];
            if head.len() < 25 {
                return Ok(());
            }
            let sum = head.get_u128_le();
            let method = head.get_u8();
            let packed = head.get_u32_le() as usize;
            let unpacked = head.get_u32_le() as usize;
            if !(9..=MAX_BLOCK).contains(&packed) || unpacked > MAX_BLOCK {
                return Err(ChdbError::with_code(271, "Bad compressed block"));
            }
            let Some(block) = self.buffer.get(16..16 + packed) else {
                return Ok(());
            };
            // ClickHouse writes the two halves of the hash in the other order.
            if cityhash_rs::cityhash_102_128(block).rotate_left(64) != sum {
                return Err(ChdbError::with_code(40, "Checksum doesn't match: corrupted data"));
            }
            match method {
                0x82 => {
                    let raw = lz4_flex::block::decompress(&block[9..], unpacked)
                        .map_err(|error| ChdbError::with_code(271, &format!("Cannot decompress: {error}")))?;
                    out(&raw)?;
                }
                0x02 => out(&block[9..])?,
                _ => return Err(ChdbError::with_code(89, "Unknown compression method")),
            }
            self.buffer.advance(16 + packed);
        }
    }

    /// Fails where the data stopped inside a block.
    pub(crate) fn finish(&self) -> Result<(), ChdbError> {
        if self.buffer.is_empty() { Ok(()) } else { Err(ChdbError::with_code(33, "Compressed data ends early")) }
    }
}

/// How many bytes at the start of a chunk are the format's header.
pub(crate) fn header_length(format: &str, chunk: &[u8]) -> usize {
    let texts_per_column = match format {
        "RowBinaryWithNamesAndTypes" => 2,
        "RowBinaryWithNames" => 1,
        _ => return 0,
    };
    let mut at = 0;
    let Some(columns) = variable_integer(chunk, &mut at) else {
        return 0;
    };
    for _ in 0..columns.saturating_mul(texts_per_column) {
        let Some(length) = variable_integer(chunk, &mut at) else {
            return 0;
        };
        at = at.saturating_add(length);
    }
    at.min(chunk.len())
}

fn variable_integer(data: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *data.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
