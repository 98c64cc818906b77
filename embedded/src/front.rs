//! The HTTP front the `clickhouse` crate talks to, in place of a server's port.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, oneshot};

use crate::chdb::{ChdbError, Connection};
use crate::pool::Pool;
use crate::request::{Request, Unblock, header_length};

const MAX_STATEMENT: usize = 64 << 20;

/// What every request needs.
pub struct Front {
    /// Where statements run.
    pub pool: Arc<Pool>,
    /// The only user there is.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// Marks an error inside a result; unguessable, so that no stored text can pass for one.
    pub exception_tag: String,
}

/// The routes: every path is a statement, as on ClickHouse's own port.
pub fn router(front: Arc<Front>) -> Router {
    Router::new().fallback(handle).with_state(front)
}

async fn handle(State(front): State<Arc<Front>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    if !front.admits(&headers) {
        return refusal(&ChdbError::with_code(
            516,
            "Authentication failed: password is incorrect, or there is no such user",
        ));
    }
    let request = Request::from_url_query(uri.query().unwrap_or_default());
    let answer = match request.as_insert() {
        Some((sql, format)) => insert(&front, request, sql, format, body).await,
        None => statement(&front, request, &headers, body).await,
    };
    answer.unwrap_or_else(|error| refusal(&error))
}

impl Front {
    fn admits(&self, headers: &HeaderMap) -> bool {
        let given = |name: &str| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        let user = given("x-clickhouse-user").ct_eq(self.user.as_bytes());
        let password = given("x-clickhouse-key").ct_eq(self.password.as_bytes());
        (user & password).into()
    }
}

/// The statements that a request has a connection run before its own: of its address without the path, the type of its body, and
/// the body.
///
/// # Errors
/// The request cannot be read, or names a setting that is none.
pub fn statements(query: &str, content_type: &str, body: &[u8]) -> Result<Vec<String>, ChdbError> {
    let mut request = Request::from_url_query(query);
    request.add_body(content_type, body)?;
    let _ = (request.as_insert(), request.is_streamable());
    Ok(request.set_statement()?.into_iter().chain([request.use_statement()]).collect())
}

async fn insert(
    front: &Front,
    request: Request,
    sql: String,
    format: String,
    body: Body,
) -> Result<Response, ChdbError> {
    let mut lease = front.pool.lease(&request).await?;
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, ()>>(8);
    let work = tokio::task::spawn_blocking(move || {
        let mut insert = lease.prepared(&request)?.insert(&sql, &format)?;
        let mut blocks = Unblock::default();
        while let Some(chunk) = receiver.blocking_recv() {
            let chunk = chunk.map_err(|()| ChdbError::with_code(210, "The client broke off the insert"))?;
            if request.decompress {
                blocks.push(&chunk, |data| insert.append(data))?;
            } else {
                insert.append(&chunk)?;
            }
        }
        blocks.finish()?;
        insert.finish()
    });
    let mut body = body.into_data_stream();
    while let Some(chunk) = body.next().await {
        let broken = chunk.is_err();
        // After a failed statement the rest is read and dropped: a client still sending would see
        // a broken connection instead of the error.
        let _ = sender.send(chunk.map_err(|_| ())).await;
        if broken {
            tracing::debug!("an insert was broken off by its client");
            break;
        }
    }
    drop(sender);
    let rows = work.await.map_err(|_| gone())??;
    let mut response = Response::new(Body::empty());
    if let Ok(summary) = HeaderValue::from_str(&format!("{{\"written_rows\":\"{rows}\"}}")) {
        response.headers_mut().insert("x-clickhouse-summary", summary);
    }
    Ok(response)
}

async fn statement(
    front: &Front,
    mut request: Request,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ChdbError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let body = axum::body::to_bytes(body, MAX_STATEMENT)
        .await
        .map_err(|_| ChdbError::with_code(62, "The statement is too long or was broken off"))?;
    request.add_body(content_type, &body)?;
    let mut lease = front.pool.lease(&request).await?;
    let (chunks, mut receiver) = mpsc::channel::<Bytes>(4);
    // The status line has to wait until the first chunk or error: most errors come before any data.
    let (started, start) = oneshot::channel::<Result<(), ChdbError>>();
    let tag = front.exception_tag.clone();
    tokio::task::spawn_blocking(move || {
        let mut output = Output { started: Some(started), chunks, tag };
        let result = lease.prepared(&request).and_then(|connection| run(connection, &request, &mut output));
        // After a stream that failed, the connection's next one may end at once, without an error or rows.
        let result = result.or_else(|error| lease.renew().and(Err(error)));
        drop(lease);
        output.finish(result);
    });
    start.await.map_err(|_| gone())??;
    let body = stream::poll_fn(move |context| receiver.poll_recv(context)).map(Ok::<_, io::Error>);
    let mut response = Response::new(Body::from_stream(body));
    if let Ok(tag) = HeaderValue::from_str(&front.exception_tag) {
        response.headers_mut().insert("x-clickhouse-exception-tag", tag);
    }
    Ok(response)
}

fn run(connection: &Connection, request: &Request, output: &mut Output) -> Result<(), ChdbError> {
    if !request.is_streamable() {
        let result = connection.query(&request.sql, &request.format, &request.parameters)?;
        output.send(result.data());
        return Ok(());
    }
    let mut stream = connection.stream(&request.sql, &request.format, &request.parameters)?;
    let mut first = true;
    while let Some(chunk) = stream.next_chunk()? {
        let data = chunk.data();
        let skip = if first { 0 } else { header_length(&request.format, data) };
        first = false;
        if !output.send(&data[skip..]) {
            break;
        }
    }
    Ok(())
}

struct Output {
    started: Option<oneshot::Sender<Result<(), ChdbError>>>,
    chunks: mpsc::Sender<Bytes>,
    tag: String,
}

impl Output {
    /// Sends data on; false once nobody reads it.
    fn send(&mut self, data: &[u8]) -> bool {
        if let Some(started) = self.started.take()
            && started.send(Ok(())).is_err()
        {
            return false;
        }
        data.is_empty() || self.chunks.blocking_send(Bytes::copy_from_slice(data)).is_ok()
    }

    fn finish(mut self, result: Result<(), ChdbError>) {
        match (self.started.take(), result) {
            (Some(started), result) => {
                let _ = started.send(result);
            }
            (None, Ok(())) => {}
            (None, Err(error)) => {
                let (tag, message) = (&self.tag, format!("{error}\n"));
                let length = message.len();
                let trailer = format!("\r\n__exception__\r\n{tag}\r\n{message}{length} {tag}\r\n__exception__\r\n");
                let _ = self.chunks.blocking_send(Bytes::from(trailer));
            }
        }
    }
}

fn gone() -> ChdbError {
    ChdbError::with_code(1002, "The statement's thread ended without a result")
}

/// The status a server gives for the same error, as clients decide on it whether to try again.
fn refusal(error: &ChdbError) -> Response {
    let code = error.code();
    let status = match code {
        60 | 81 => StatusCode::NOT_FOUND,
        27 | 33 | 36 | 62 | 115 | 117 | 456 | 457 => StatusCode::BAD_REQUEST,
        159 => StatusCode::REQUEST_TIMEOUT,
        497 | 516 => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = Response::new(Body::from(error.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("x-clickhouse-exception-code", HeaderValue::from(code));
    response
}
