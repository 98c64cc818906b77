//! The three services as processes, on a real Kafka broker and the engine's front.

use std::path::{Path, PathBuf};

use eventlog::broker::Broker;
use eventlog::{EventLog, KafkaLog};
use schema::{ARCHIVE_GROUP, EVENTS_TOPIC};
use tempfile::TempDir;

use super::{Server, example};

/// Name of the processor that is started again.
const FIRST: &str = "first";

/// Everything of a deployment; processes die with it.
pub struct Stack {
    pub broker: Broker,
    pub engine: Server,
    pub ingest: Server,
    /// At least one; each is a static member of the group, under a name of its own.
    pub processors: Vec<Process>,
    pub query: Server,
    directory: TempDir,
    engine_port: u16,
}

/// A process that prints nothing.
pub struct Process(std::process::Child);

impl Process {
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stack {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("kafka")).unwrap();
        let broker = Broker::start(&directory.path().join("kafka"));
        std::fs::write(directory.path().join("password"), "only for this test\n").unwrap();
        let engine = start_engine(directory.path(), 0);
        let engine_port = engine.url.rsplit(':').next().unwrap().parse().unwrap();
        let text = std::fs::read_to_string(example("webkit.toml")).unwrap();
        let own = format!(
            "listen = '127.0.0.1:0'\nblobs = '{blobs}'\n{text}\n[archive]\nseconds = 1\n[kafka]\nbrokers = '{}'\n[clickhouse]\nurl = '{}'\npassword_file = '{password}'\n",
            broker.address(),
            engine.url,
            blobs = directory.path().join("blobs").display(),
            password = directory.path().join("password").display(),
        );
        std::fs::write(config(directory.path()), own).unwrap();
        let migrated = command(directory.path(), "migrate").status().unwrap();
        assert!(migrated.success());
        let (ingest, query) = (start(directory.path(), "ingest"), start(directory.path(), "query"));
        let mut stack = Self { broker, engine, ingest, processors: Vec::new(), query, directory, engine_port };
        stack.start_processor(FIRST);
        stack
    }

    /// Starts one more.
    pub fn start_processor(&mut self, name: &str) {
        let mut command = self.command("processor");
        command.args(["--set", &format!("kafka.instance={name}")]);
        if let Ok(folder) = std::env::var("CHAOS_LOGS") {
            let log = std::fs::File::options().create(true).append(true).open(format!("{folder}/{name}.log"));
            command.env("RUST_LOG", "info").stderr(log.unwrap());
        }
        self.processors.push(Process(command.spawn().unwrap()));
    }

    /// A command of this deployment.
    pub fn command(&self, name: &str) -> std::process::Command {
        command(self.directory.path(), name)
    }

    /// The folder of the blob store.
    pub fn blobs(&self) -> PathBuf {
        self.directory.path().join("blobs")
    }

    /// Waits until every event is archived.
    pub fn archived(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let log = KafkaLog::connect(&self.broker.address()).unwrap();
        super::until("the events are archived", || {
            runtime.block_on(async {
                let ends = log.end_offsets(EVENTS_TOPIC).await.unwrap();
                log.committed_offsets(EVENTS_TOPIC, ARCHIVE_GROUP).await.unwrap() == ends
            })
        });
    }

    pub fn restart_ingest(&mut self) {
        self.ingest.signal("-KILL");
        self.ingest.wait();
        self.ingest = start(self.directory.path(), "ingest");
    }

    pub fn restart_query(&mut self) {
        self.query.signal("-KILL");
        self.query.wait();
        self.query = start(self.directory.path(), "query");
    }

    pub fn restart_processor(&mut self) {
        drop(self.processors.remove(0));
        self.start_processor(FIRST);
        // It stays the first, for the next time.
        self.processors.rotate_right(1);
    }

    pub fn restart_engine(&mut self) {
        self.engine.signal("-KILL");
        self.engine.wait();
        self.engine = start_engine(self.directory.path(), self.engine_port);
    }
}

fn config(directory: &Path) -> PathBuf {
    directory.join("resultsdb.toml")
}

fn command(directory: &Path, service: &str) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_resultsdb"));
    command.env("RUST_LOG", "error,eventlog=off").arg(service).arg("--config").arg(config(directory));
    command
}

fn start(directory: &Path, service: &str) -> Server {
    Server::spawn(&[service, "--config", &config(directory).display().to_string()])
}

fn start_engine(directory: &Path, port: u16) -> Server {
    let path = |name: &str| directory.join(name).display().to_string();
    let (store, password, port) = (path("store"), path("password"), port.to_string());
    Server::spawn(&["engine", "--data-dir", &store, "--password-file", &password, "--port", &port])
}
