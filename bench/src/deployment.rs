//! A deployment as processes on one machine: Kafka, the engine as its ClickHouse, and the services.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::process::{Process, listening};

const PASSWORD: &str = "only for this measure";
/// The broker's start, and with it the first fetch of its jars.
const START: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(100);
/// Below the range that the kernel takes the ports of outgoing connections from.
const BROKER_PORTS: std::ops::Range<u16> = 12_000..32_000;

/// Kafka and the store, running on the data of a folder.
pub(crate) struct Deployment {
    pub(crate) broker: Process,
    pub(crate) engine: Process,
    binary: PathBuf,
    folder: PathBuf,
    store: String,
}

impl Deployment {
    /// Starts both and brings topics and tables up to date.
    pub(crate) fn start(binary: &Path, kafka: &Path, folder: &Path) -> anyhow::Result<Self> {
        let port = free_ports()?;
        let log = std::fs::File::create(folder.join("kafka.out")).context("a file for the broker's output")?;
        let mut broker = Command::new(kafka);
        broker.arg(folder.join("kafka")).arg(port.to_string()).stdin(Stdio::null());
        let broker = Process::start(broker.stdout(log.try_clone()?).stderr(log))?;
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD)?;
        let mut engine = Command::new(binary);
        engine.args(["engine", "--port", "0", "--data-dir"]).arg(folder.join("store"));
        engine.arg("--password-file").arg(&password);
        let (engine, store) = listening(&mut engine)?;
        let config = format!(
            "listen = '127.0.0.1:0'\nblobs = '{}'\n[kafka]\nbrokers = '127.0.0.1:{port}'\n\
             [clickhouse]\nurl = '{store}'\npassword_file = '{}'\n",
            folder.join("blobs").display(),
            password.display(),
        );
        std::fs::write(folder.join("resultsdb.toml"), config)?;
        let deployment = Self { broker, engine, binary: binary.to_owned(), folder: folder.to_owned(), store };
        deployment.migrate()?;
        Ok(deployment)
    }

    fn migrate(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.command("migrate").stderr(Stdio::null()).status()?.success() {
            ensure!(
                begun.elapsed() < START,
                "the broker does not start; see {}",
                self.folder.join("kafka.out").display()
            );
        }
        Ok(())
    }

    /// The intake, and where it listens.
    pub(crate) fn ingest(&self) -> anyhow::Result<(Process, String)> {
        listening(&mut self.command("ingest"))
    }

    /// The query service, and where it listens.
    pub(crate) fn query(&self) -> anyhow::Result<(Process, String)> {
        listening(&mut self.command("query"))
    }

    /// One more processor.
    pub(crate) fn processor(&self, number: usize) -> anyhow::Result<Process> {
        let mut command = self.command("processor");
        command.args(["--set", &format!("kafka.instance=processor-{number}")]).stdout(Stdio::null());
        Process::start(&mut command)
    }

    /// The numbers of the only row of an answer.
    pub(crate) fn ask(&self, agent: &ureq::Agent, sql: &str) -> anyhow::Result<Vec<u64>> {
        let request = agent.post(format!("{}/?database=resultsdb&final=1", self.store));
        let request = request.header("X-ClickHouse-User", "default").header("X-ClickHouse-Key", PASSWORD);
        let answer = request.send(sql).with_context(|| sql.to_owned())?.body_mut().read_to_string()?;
        let numbers = answer.split_whitespace().map(str::parse).collect::<Result<_, _>>();
        numbers.with_context(|| format!("{sql} was answered with {answer}"))
    }

    /// Ends both in good order, so that the folder can be copied.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.engine.stop()?;
        self.broker.stop().map(drop)
    }

    fn command(&self, service: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("RUST_LOG", "error,eventlog=off").arg(service);
        command.arg("--config").arg(self.folder.join("resultsdb.toml"));
        command
    }
}

/// A free port whose successor, which the controller takes, is free too.
fn free_ports() -> anyhow::Result<u16> {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = (std::process::id() % u32::from(BROKER_PORTS.end - BROKER_PORTS.start)) as u16;
    let mut ports = BROKER_PORTS.skip(start.into()).chain(BROKER_PORTS).step_by(2);
    ports.find(|port| free(*port) && free(*port + 1)).context("no free port for the broker")
}

/// Waits for a condition; gives up when a process that it depends on has ended.
pub(crate) fn until(processes: &mut [Process], mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    while !holds()? {
        for process in &mut *processes {
            if let Some(status) = process.ended()? {
                bail!("a processor ended with {status}");
            }
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}
