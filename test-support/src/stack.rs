//! The three services as processes, on a real Kafka broker and the engine's front.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use eventlog::broker::Broker;
use eventlog::{EventLog, KafkaLog};
use schema::{ARCHIVE_GROUP, EVENTS_TOPIC};
use tempfile::TempDir;

use crate::server::{Binary, Server};
use crate::shards::{self, StandIn};
use crate::wait::until;
use crate::workspace::example;

/// Name of the processor that is started again.
const FIRST: &str = "first";

/// What the services stand on: Kafka, the store, and the folder of their configuration; processes die with it.
pub struct Ground {
    /// Kafka.
    pub broker: Broker,
    /// The engine, which listens as a ClickHouse server does.
    pub engine: Server,
    directory: TempDir,
}

impl Ground {
    /// Starts both empty, and brings topics and tables up to date. `members` begin the configuration.
    pub fn start(binary: Binary, members: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("kafka")).unwrap();
        let broker = Broker::start(&directory.path().join("kafka"));
        std::fs::write(directory.path().join("password"), "only for this test\n").unwrap();
        if let Some(number) = shards::wanted() {
            shards::configure(&directory.path().join("store"), number);
        }
        let engine = start_engine(binary, directory.path(), 0);
        let (store, cluster) = match shards::wanted() {
            Some(number) => {
                let cluster =
                    format!("[clickhouse.cluster]\nname = '{}'\nreplicas = 1\nsharded = true\n", shards::NAME);
                (StandIn::before(&engine.url, Some(number)).url, cluster)
            }
            None => (engine.url.clone(), String::new()),
        };
        let text = format!(
            "listen = '127.0.0.1:0'\nblobs = '{blobs}'\n{members}\n[archive]\nseconds = 1\n[kafka]\nbrokers = '{}'\n[clickhouse]\nurl = '{}'\npassword_file = '{password}'\n{cluster}",
            broker.address(),
            store,
            blobs = directory.path().join("blobs").display(),
            password = directory.path().join("password").display(),
        );
        std::fs::write(config(directory.path()), text).unwrap();
        let ground = Self { broker, engine, directory };
        ground.migrate(binary);
        ground
    }

    /// Brings topics and tables up to date with a version.
    pub fn migrate(&self, binary: Binary) {
        assert!(self.command(binary, "migrate").status().unwrap().success());
    }

    /// A command of a version on this configuration.
    pub fn command(&self, binary: Binary, name: &str) -> Command {
        command(binary, self.directory.path(), name)
    }
}

/// Everything of a deployment; processes die with it.
pub struct Stack {
    /// Kafka.
    pub broker: Broker,
    /// The engine, which listens as a ClickHouse server does.
    pub engine: Server,
    /// The intake.
    pub ingest: Server,
    /// At least one; each is a static member of the group, under a name of its own.
    pub processors: Vec<Process>,
    /// The query service.
    pub query: Server,
    binary: Binary,
    directory: TempDir,
    engine_port: u16,
}

/// A process that prints nothing. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Its number.
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
    /// Starts everything empty, with one processor.
    pub fn start(binary: Binary) -> Self {
        let text = std::fs::read_to_string(example("webkit.toml")).unwrap();
        let Ground { broker, engine, directory } = Ground::start(binary, &text);
        let engine_port = engine.url.rsplit(':').next().unwrap().parse().unwrap();
        let (ingest, query) = (start(binary, directory.path(), "ingest"), start(binary, directory.path(), "query"));
        let mut stack = Self { broker, engine, ingest, processors: Vec::new(), query, binary, directory, engine_port };
        stack.start_processor(FIRST);
        stack
    }

    /// Starts one more processor; names are those of members of the group.
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
    pub fn command(&self, name: &str) -> Command {
        command(self.binary, self.directory.path(), name)
    }

    /// Adds members to the configuration, for what is started from then on.
    pub fn configure(&self, members: &str) {
        let file = config(self.directory.path());
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}\n{members}\n")).unwrap();
    }

    /// One more query service.
    pub fn start_query(&self) -> Server {
        start(self.binary, self.directory.path(), "query")
    }

    /// The folder of the blob store.
    pub fn blobs(&self) -> PathBuf {
        self.directory.path().join("blobs")
    }

    /// Waits until every event is archived.
    pub fn archived(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let log = KafkaLog::connect(&self.broker.address()).unwrap();
        until("the events are archived", || {
            runtime.block_on(async {
                let ends = log.end_offsets(EVENTS_TOPIC).await.unwrap();
                log.committed_offsets(EVENTS_TOPIC, ARCHIVE_GROUP).await.unwrap() == ends
            })
        });
    }

    /// Kills the intake and starts it again, at another address.
    pub fn restart_ingest(&mut self) {
        self.ingest.kill();
        self.ingest = start(self.binary, self.directory.path(), "ingest");
    }

    /// Kills the query service and starts it again, at another address.
    pub fn restart_query(&mut self) {
        self.query.kill();
        self.query = start(self.binary, self.directory.path(), "query");
    }

    /// Kills the first processor and starts it again.
    pub fn restart_processor(&mut self) {
        drop(self.processors.remove(0));
        self.start_processor(FIRST);
        // It stays the first, for the next time.
        self.processors.rotate_right(1);
    }

    /// Kills the engine and starts it again, at the same address.
    pub fn restart_engine(&mut self) {
        self.engine.kill();
        self.engine = start_engine(self.binary, self.directory.path(), self.engine_port);
    }
}

fn config(directory: &Path) -> PathBuf {
    directory.join("resultsdb.toml")
}

fn command(binary: Binary, directory: &Path, service: &str) -> Command {
    let mut command = binary.command();
    command.env("RUST_LOG", "error,eventlog=off").arg(service).arg("--config").arg(config(directory));
    command
}

fn start(binary: Binary, directory: &Path, service: &str) -> Server {
    binary.spawn(&[service, "--config", &config(directory).display().to_string()])
}

fn start_engine(binary: Binary, directory: &Path, port: u16) -> Server {
    let path = |name: &str| directory.join(name).display().to_string();
    let (store, password, port) = (path("store"), path("password"), port.to_string());
    binary.spawn(&["engine", "--data-dir", &store, "--password-file", &password, "--port", &port])
}
