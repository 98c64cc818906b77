//! The C calls of libchdb as types that free what they own.

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::Arc;

use crate::library::{Api, RawConnection, RawInsert, RawResult};

/// What the engine answered instead of a result; its text starts with `Code: N.` as the server's does.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ChdbError(pub String);

impl ChdbError {
    /// An error of our own, in the server's form.
    pub fn with_code(code: u32, message: &str) -> Self {
        Self(format!("Code: {code}. DB::Exception: {message}"))
    }

    /// ClickHouse's number of the error; 1002 (unknown) where the text has none.
    pub fn code(&self) -> u32 {
        self.0
            .split_once("Code: ")
            .and_then(|(_, rest)| rest.split('.').next())
            .and_then(|digits| digits.trim().parse().ok())
            .unwrap_or(1002)
    }
}

/// Named values for `{name:Type}` in a statement.
pub type Parameters = [(String, String)];

/// One connection: one statement at a time, in parallel with other connections.
pub struct Connection {
    api: Arc<Api>,
    raw: *mut RawConnection,
}

// SAFETY: the library lets any thread use a connection as long as only one does at a time, which
// holds because the type is not Sync.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens a connection; all of a process must give the same `arguments`.
    pub fn open(api: &Arc<Api>, arguments: &[String]) -> Result<Self, ChdbError> {
        let arguments = std::iter::once("clickhouse")
            .chain(arguments.iter().map(String::as_str))
            .map(CString::new)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| ChdbError("an engine argument holds a zero byte".into()))?;
        let mut pointers: Vec<*mut c_char> = arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).unwrap_or(c_int::MAX);
        // SAFETY: `pointers` holds `count` zero-terminated strings that live through the call.
        let raw = unsafe { (api.connect)(count, pointers.as_mut_ptr()) };
        // SAFETY: a non-null answer points to a connection handle.
        if raw.is_null() || unsafe { (*raw).is_null() } {
            return Err(ChdbError("the engine did not open; is another process using its data directory?".into()));
        }
        Ok(Self { api: api.clone(), raw })
    }

    fn handle(&self) -> RawConnection {
        // SAFETY: `raw` was checked in `open` and is valid until `drop`.
        unsafe { *self.raw }
    }

    /// Runs a statement and returns its whole result.
    pub fn query(&self, sql: &str, format: &str, parameters: &Parameters) -> Result<QueryResult, ChdbError> {
        let p = RawParameters::of(parameters);
        // SAFETY: every pointer goes with its length and lives through the call.
        let raw = unsafe {
            (self.api.query)(
                self.handle(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                p.names.as_ptr(),
                p.name_lengths.as_ptr(),
                p.values.as_ptr(),
                p.value_lengths.as_ptr(),
                parameters.len(),
            )
        };
        QueryResult::check(&self.api, raw)
    }

    /// Starts a SELECT whose result comes in chunks.
    pub fn stream(&self, sql: &str, format: &str, parameters: &Parameters) -> Result<Stream<'_>, ChdbError> {
        let p = RawParameters::of(parameters);
        // SAFETY: as in `query`.
        let raw = unsafe {
            (self.api.stream)(
                self.handle(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                p.names.as_ptr(),
                p.name_lengths.as_ptr(),
                p.values.as_ptr(),
                p.value_lengths.as_ptr(),
                parameters.len(),
            )
        };
        let result = QueryResult::check(&self.api, raw)?;
        Ok(Stream { connection: self, result })
    }

    /// Starts an insert; `sql` is the statement without its FORMAT clause.
    pub fn insert(&self, sql: &str, format: &str) -> Result<InsertStream<'_>, ChdbError> {
        // SAFETY: both texts go with their lengths and live through the call.
        let raw = unsafe {
            (self.api.insert)(self.handle(), sql.as_ptr().cast(), sql.len(), format.as_ptr().cast(), format.len())
        };
        if raw.is_null() {
            return Err(ChdbError("the engine did not start the insert".into()));
        }
        let stream = InsertStream { connection: self, raw, finished: false };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: streams borrow the connection, so nothing uses it any more.
        unsafe { (self.api.close)(self.raw) }
    }
}

struct RawParameters {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
}

impl RawParameters {
    fn of(parameters: &Parameters) -> Self {
        Self {
            names: parameters.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lengths: parameters.iter().map(|(name, _)| name.len()).collect(),
            values: parameters.iter().map(|(_, value)| value.as_ptr().cast()).collect(),
            value_lengths: parameters.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}

/// A result, in the format the statement was given.
pub struct QueryResult {
    api: Arc<Api>,
    raw: RawResult,
}

impl QueryResult {
    fn check(api: &Arc<Api>, raw: RawResult) -> Result<Self, ChdbError> {
        if raw.is_null() {
            return Err(ChdbError("the engine gave no result".into()));
        }
        let result = Self { api: api.clone(), raw };
        // SAFETY: `raw` is a live result.
        match error_text(unsafe { (result.api.result_error)(raw) }) {
            Some(error) => Err(error),
            None => Ok(result),
        }
    }

    /// The bytes.
    pub fn data(&self) -> &[u8] {
        // SAFETY: `raw` is live; the buffer it owns lives as long as it and has that length.
        unsafe {
            let buffer = (self.api.result_buffer)(self.raw);
            let length = (self.api.result_length)(self.raw);
            if buffer.is_null() || length == 0 { &[] } else { std::slice::from_raw_parts(buffer.cast(), length) }
        }
    }

    /// Rows an insert wrote.
    pub fn rows_written(&self) -> u64 {
        // SAFETY: `raw` is live.
        unsafe { (self.api.result_rows_written)(self.raw) }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: owned, and dropped once.
        unsafe { (self.api.destroy_result)(self.raw) }
    }
}

/// A SELECT in progress; dropping it cancels the rest.
pub struct Stream<'a> {
    connection: &'a Connection,
    result: QueryResult,
}

impl Stream<'_> {
    /// The next chunk, each with the format's own header again; `None` at the end.
    pub fn next_chunk(&mut self) -> Result<Option<QueryResult>, ChdbError> {
        let api = &self.connection.api;
        // SAFETY: both handles are live and of the same connection.
        let raw = unsafe { (api.stream_fetch)(self.connection.handle(), self.result.raw) };
        let chunk = QueryResult::check(api, raw)?;
        Ok((!chunk.data().is_empty()).then_some(chunk))
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        // SAFETY: both handles are live; the result is destroyed after this.
        unsafe { (self.connection.api.stream_cancel)(self.connection.handle(), self.result.raw) }
    }
}

/// An insert in progress; dropping it before [`InsertStream::finish`] cancels it.
pub struct InsertStream<'a> {
    connection: &'a Connection,
    raw: RawInsert,
    finished: bool,
}

impl InsertStream<'_> {
    fn error(&self) -> Option<ChdbError> {
        // SAFETY: `raw` is live.
        error_text(unsafe { (self.connection.api.insert_error)(self.raw) })
    }

    /// Hands over more bytes; they need not end where a row ends.
    pub fn append(&mut self, data: &[u8]) -> Result<(), ChdbError> {
        // SAFETY: `data` goes with its length and is copied by the call.
        let state = unsafe { (self.connection.api.insert_append)(self.raw, data.as_ptr().cast(), data.len()) };
        if state == 0 {
            return Ok(());
        }
        Err(self.error().unwrap_or_else(|| ChdbError("the engine refused the data".into())))
    }

    /// Ends the data and waits until it is stored; returns the rows written.
    pub fn finish(mut self) -> Result<u64, ChdbError> {
        self.finished = true;
        // SAFETY: `raw` is live and is only destroyed after this.
        let raw = unsafe { (self.connection.api.insert_done)(self.raw) };
        Ok(QueryResult::check(&self.connection.api, raw)?.rows_written())
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        let api = &self.connection.api;
        // SAFETY: owned, cancelled at most once and destroyed once.
        unsafe {
            if !self.finished {
                (api.insert_cancel)(self.raw);
            }
            (api.destroy_insert)(self.raw);
        }
    }
}

fn error_text(text: *const c_char) -> Option<ChdbError> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the library returns zero-terminated text owned by the handle it was asked of.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(ChdbError(text))
}
