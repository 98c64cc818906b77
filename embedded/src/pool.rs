//! Connections shared by all requests: a connection runs one statement at a time, so each is leased.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::chdb::{ChdbError, Connection};
use crate::library::Api;

/// A fixed number of connections.
pub struct Pool {
    api: Arc<Api>,
    arguments: Vec<String>,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    size: u32,
}

impl Pool {
    /// Opens `size` connections (at least one) to the engine those `arguments` describe.
    pub fn open(api: Arc<Api>, arguments: Vec<String>, size: usize) -> Result<Self, ChdbError> {
        let size = size.clamp(1, 1024);
        let free = (0..size).map(|_| Connection::open(&api, &arguments)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            api,
            arguments,
            free: Mutex::new(free),
            permits: Arc::new(Semaphore::new(size)),
            size: u32::try_from(size).unwrap_or(1024),
        })
    }

    /// Waits for a free connection. Waiting here, before a thread is taken, keeps a queue of
    /// requests from using up the threads the running ones need.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease, ChdbError> {
        let closed = || ChdbError::with_code(210, "the engine is shutting down");
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| closed())?;
        let connection = self.lock().pop().ok_or_else(closed)?;
        Ok(Lease { pool: self.clone(), connection: Some(connection), _permit: permit })
    }

    /// Waits for every statement, refuses new ones and closes the connections.
    pub async fn close(&self) {
        let all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        drop(all);
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for one request; it goes back when this is dropped.
pub struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Swaps the connection for a new one, for when its settings could not be undone. The new one is
    /// opened first: closing the last connection would close the engine.
    pub fn renew(&mut self) -> Result<(), ChdbError> {
        self.connection = Some(Connection::open(&self.pool.api, &self.pool.arguments)?);
        Ok(())
    }

    /// The connection.
    pub fn connection(&self) -> Result<&Connection, ChdbError> {
        self.connection.as_ref().ok_or_else(|| ChdbError("the connection is gone".into()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.lock().push(connection);
        }
    }
}
