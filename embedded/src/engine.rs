//! Starts and stops the embedded engine and its front.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::chdb::ChdbError;
use crate::damage::{self, Damage};
use crate::freeze::{self, Freezer};
use crate::front::{self, Front};
use crate::library::{self, Api, LibraryError};
use crate::pool::Pool;
use crate::space;

const USER: &str = "default";

/// How to run the engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Where the data lives; one process at a time may use it.
    pub data_dir: PathBuf,
    /// The library file, where it is not to be searched for.
    pub library: Option<PathBuf>,
    /// Statements at a time; 8 is a good number.
    pub connections: usize,
    /// Memory the engine may use before it refuses statements.
    pub max_memory_bytes: u64,
    /// Loopback port to listen on; 0 picks a free one.
    pub port: u16,
    /// Password of the only user; none makes a random one.
    pub password: Option<String>,
}

impl EngineOptions {
    /// A data directory, and what suits it: the library where it is usually found, 8 statements at a time in 4 GiB, a
    /// free port and a random password.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            library: None,
            connections: 8,
            max_memory_bytes: 4 << 30,
            port: 0,
            password: None,
        }
    }
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The library is missing or unusable.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The engine refused to open.
    #[error("cannot open the engine: {0}")]
    Open(#[from] ChdbError),
    /// There is no space for what the engine writes when it opens.
    #[error(
        "the disk of {folder} is full, so that the engine cannot open its tables: {free_mib} MiB are left; free some space"
    )]
    Full {
        /// Where the engine keeps its files.
        folder: String,
        /// What is left.
        free_mib: u64,
    },
    /// The data directory or the loopback port cannot be used.
    #[error("cannot prepare {what}: {source}")]
    Io {
        /// What was being prepared.
        what: String,
        /// Why that failed.
        source: io::Error,
    },
    /// The system gave no random bytes for the password.
    #[error("no random bytes from the system: {0}")]
    Random(getrandom::Error),
    /// Opening the engine was broken off.
    #[error("opening the engine was broken off")]
    Interrupted,
}

/// A running engine. A process can have one; it cannot be opened a second time elsewhere.
pub struct Engine {
    url: String,
    password: String,
    pool: Arc<Pool>,
    /// Where ClickHouse keeps its files.
    files: PathBuf,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Engine {
    /// Opens the data directory, creating it where needed, and starts the front on a free port.
    pub async fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let password = match &options.password {
            Some(password) => password.clone(),
            None => random_hex(32)?,
        };
        let wanted_port = options.port;
        let exception_tag = random_hex(8)?;
        let files = files_of(&options)?;
        // Loading and opening take up to a second, too long for a thread that serves others.
        let pool =
            tokio::task::spawn_blocking(move || open(&options)).await.map_err(|_| EngineError::Interrupted)??;
        let pool = Arc::new(pool);
        let port = |source| EngineError::Io { what: "a loopback port".into(), source };
        let listener = TcpListener::bind(("127.0.0.1", wanted_port)).await.map_err(port)?;
        let url = format!("http://{}", listener.local_addr().map_err(port)?);
        let router = front::router(Arc::new(Front {
            pool: pool.clone(),
            user: USER.into(),
            password: password.clone(),
            exception_tag,
        }));
        // Small answers would otherwise wait for the client's delayed acknowledgement.
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async move {
                    // An engine dropped without `shutdown` ends its front as well.
                    let _ = stopped.await;
                })
                .await
        });
        Ok(Self { url, password, pool, files, stop, server })
    }

    /// Where the front listens, for the `clickhouse` crate.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The user to give.
    pub fn user(&self) -> &str {
        USER
    }

    /// The password of this process; a new one at every start.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Takes images of the tables while the engine is in use.
    pub fn freezer(&self) -> Freezer {
        Freezer::new(Arc::clone(&self.pool), self.files.clone())
    }

    /// Reads every table and says what is damaged. Fails where the engine cannot be asked.
    pub async fn check(&self) -> Result<Vec<Damage>, ChdbError> {
        damage::of_tables(&self.pool).await
    }

    /// Stops accepting, waits for running statements and closes the data. The process should then
    /// exit: the engine cannot be opened again cheaply.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        match self.server.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the front ended with an error"),
            Err(error) => tracing::warn!(%error, "the front's task failed"),
        }
        self.pool.close().await;
    }
}

/// Where ClickHouse keeps its files; it wants absolute paths.
fn files_of(options: &EngineOptions) -> Result<PathBuf, EngineError> {
    let files = options.data_dir.join("clickhouse");
    std::path::absolute(&files).map_err(|source| EngineError::Io { what: files.display().to_string(), source })
}

fn open(options: &EngineOptions) -> Result<Pool, EngineError> {
    let failed = |what: &Path| {
        let what = what.display().to_string();
        move |source| EngineError::Io { what, source }
    };
    let api = Api::load(&library::find(options.library.as_deref())?)?;
    let (files, config) = (files_of(options)?, options.data_dir.join("config.xml"));
    std::fs::create_dir_all(&options.data_dir).map_err(failed(&options.data_dir))?;
    let config = std::path::absolute(&config).map_err(failed(&config))?;
    std::fs::write(&config, config_text(options.max_memory_bytes)).map_err(failed(&config))?;
    // A process that died during a backup left it there.
    freeze::remove_image(&files).map_err(failed(&files))?;
    let arguments = vec![format!("--path={}", files.display()), format!("--config-file={}", config.display())];
    let opened = Pool::open(Arc::new(api), arguments, options.connections);
    opened.map_err(|error| match space::left_on_full(&files) {
        Some(free_mib) => {
            tracing::debug!(%error, "the engine did not open");
            EngineError::Full { folder: files.display().to_string(), free_mib }
        }
        None => error.into(),
    })
}

/// The defaults are made for big servers: this keeps pools and caches small, and has every insert on disk before it is
/// acknowledged. Idle threads are kept: one insert uses a dozen for its syncs, and starting them takes longer than it.
fn config_text(max_memory_bytes: u64) -> String {
    format!(
        "<clickhouse>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <max_parts_cleaning_thread_pool_size>4</max_parts_cleaning_thread_pool_size>
  <max_thread_pool_free_size>100</max_thread_pool_free_size>
  <mark_cache_size>67108864</mark_cache_size>
  <max_server_memory_usage>{max_memory_bytes}</max_server_memory_usage>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge>
  </merge_tree>
</clickhouse>
"
    )
}

fn random_hex(bytes: usize) -> Result<String, EngineError> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(EngineError::Random)?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
