//! A deployment as processes on one machine: Kafka, the engine as its ClickHouse, and the services.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

const PASSWORD: &str = "only for this measure";
/// The broker's start, and with it the first fetch of its jars.
const START: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(100);
/// Below the range that the kernel takes the ports of outgoing connections from.
const BROKER_PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A process that dies with this.
pub(crate) struct Process(Child);

impl Process {
    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        ensure!(sent.success(), "process {} could not be signalled", self.id());
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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
        let broker = broker.stdout(log.try_clone()?).stderr(log).spawn();
        let broker = Process(broker.with_context(|| format!("starting {}", kafka.display()))?);
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD)?;
        let mut engine = Command::new(binary);
        engine.args(["engine", "--port", "0", "--data-dir"]).arg(folder.join("store"));
        engine.arg("--password-file").arg(&password);
        let (engine, store) = listening(engine)?;
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
        listening(self.command("ingest"))
    }

    /// One more processor.
    pub(crate) fn processor(&self, number: usize) -> anyhow::Result<Process> {
        let mut command = self.command("processor");
        command.args(["--set", &format!("kafka.instance=processor-{number}")]).stdout(Stdio::null());
        Ok(Process(command.spawn().context("starting a processor")?))
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
        self.broker.stop()
    }

    fn command(&self, service: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("RUST_LOG", "error,eventlog=off").arg(service);
        command.arg("--config").arg(self.folder.join("resultsdb.toml"));
        command
    }
}

/// Starts what prints its address.
fn listening(mut command: Command) -> anyhow::Result<(Process, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("starting {command:?}"))?;
    let output = child.stdout.take().context("the process's output")?;
    let process = Process(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let url = line.trim().strip_prefix("listening on ").with_context(|| format!("{command:?} printed no address"))?;
    Ok((process, url.to_owned()))
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
