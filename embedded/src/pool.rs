//! Connections shared by all requests: a connection runs one statement at a time, so each is leased.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::chdb::{ChdbError, Connection};
use crate::library::Api;
use crate::request::Request;

/// A fixed number of connections.
pub struct Pool {
    api: Arc<Api>,
    arguments: Vec<String>,
    free: Mutex<Vec<Session>>,
    permits: Arc<Semaphore>,
    size: u32,
}

impl Pool {
    /// Opens `size` connections (at least one) to the engine those `arguments` describe.
    pub fn open(api: Arc<Api>, arguments: Vec<String>, size: usize) -> Result<Self, ChdbError> {
        let size = size.clamp(1, 1024);
        let free = (0..size).map(|_| Session::open(&api, &arguments)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            api,
            arguments,
            free: Mutex::new(free),
            permits: Arc::new(Semaphore::new(size)),
            size: u32::try_from(size).unwrap_or(1024),
        })
    }

    /// Waits for a free connection, and takes one that is as the request wants it, if there is one. Waiting here, before a thread is taken, keeps a queue of
    /// requests from using up the threads the running ones need.
    pub(crate) async fn lease(self: &Arc<Self>, request: &Request) -> Result<Lease, ChdbError> {
        let closed = || ChdbError::with_code(210, "the engine is shutting down");
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| closed())?;
        let session = {
            let mut free = self.lock();
            let prepared = free.iter().rposition(|session| session.is_prepared(request));
            let at = prepared.or_else(|| free.len().checked_sub(1)).ok_or_else(closed)?;
            free.swap_remove(at)
        };
        Ok(Lease { pool: self.clone(), session: Some(session), _permit: permit })
    }

    /// The rows that a statement of this process answers, as JSON objects; nothing that came from outside may be in it.
    pub(crate) async fn rows(self: &Arc<Self>, sql: &str) -> Result<Vec<serde_json::Value>, ChdbError> {
        let request = Request { sql: sql.to_owned(), database: "system".to_owned(), ..Request::default() };
        let mut lease = self.lease(&request).await?;
        let work = tokio::task::spawn_blocking(move || {
            let result = lease.prepared(&request)?.query(&request.sql, "JSONEachRow", &[])?;
            let lines = result.data().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let row = |line| serde_json::from_slice(line).map_err(|error| ChdbError(format!("not a row: {error}")));
            lines.map(row).collect()
        });
        work.await.map_err(|_| ChdbError::with_code(1002, "The statement's thread ended without a result"))?
    }

    /// Waits for every statement, refuses new ones and closes the connections.
    pub async fn close(&self) {
        let all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        drop(all);
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, and what was set on it: requests mostly ask for the same, and setting costs more than asking.
struct Session {
    connection: Connection,
    database: Option<String>,
    settings: Vec<(String, String)>,
}

impl Session {
    fn open(api: &Arc<Api>, arguments: &[String]) -> Result<Self, ChdbError> {
        Ok(Self { connection: Connection::open(api, arguments)?, database: None, settings: Vec::new() })
    }

    fn is_prepared(&self, request: &Request) -> bool {
        self.database.as_deref() == Some(&request.database) && self.settings == request.settings
    }

    fn prepare(&mut self, request: &Request) -> Result<(), ChdbError> {
        if self.database.as_deref() != Some(&request.database) {
            self.connection.query(&request.use_statement(), "TSV", &[])?;
            self.database = Some(request.database.clone());
        }
        if self.settings == request.settings {
            return Ok(());
        }
        for (name, _) in self.settings.drain(..) {
            self.connection.query(&format!("SET {name} = DEFAULT"), "TSV", &[])?;
        }
        if let Some(set) = request.set_statement()? {
            self.connection.query(&set, "TSV", &[])?;
        }
        self.settings.clone_from(&request.settings);
        Ok(())
    }
}

/// A connection for one request; it goes back when this is dropped.
pub struct Lease {
    pool: Arc<Pool>,
    session: Option<Session>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Takes a new connection in place of the old one, whose state is not known. It is opened first: closing the last
    /// connection would close the engine.
    pub(crate) fn renew(&mut self) -> Result<(), ChdbError> {
        self.session = Some(Session::open(&self.pool.api, &self.pool.arguments)?);
        Ok(())
    }

    /// The connection, with the request's database and settings and no others.
    pub(crate) fn prepared(&mut self, request: &Request) -> Result<&Connection, ChdbError> {
        let prepared = self.session.as_mut().map_or(Ok(()), |session| session.prepare(request));
        if let Err(error) = prepared {
            // Which settings took effect is not known; a new connection has none.
            self.renew()?;
            return Err(error);
        }
        let session = self.session.as_ref().ok_or_else(|| ChdbError("the connection is gone".into()))?;
        Ok(&session.connection)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.pool.lock().push(session);
        }
    }
}
