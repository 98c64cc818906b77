//! A Kafka broker for tests: `scripts/kafka.sh` as a child process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// The first start fetches the broker's jars.
const START_TIMEOUT: Duration = Duration::from_secs(300);
const PROBE: Duration = Duration::from_millis(500);
/// Ports below the range from which the kernel takes those of outgoing connections: there a client
/// that keeps trying to reach a dead broker can get the broker's own port and connect to itself.
const FIRST_PORT: u32 = 12_000;
const PORTS: u32 = 20_000;

/// A broker that is killed when this is dropped. All methods block and panic on failure.
pub struct Broker {
    directory: PathBuf,
    port: u16,
    options: String,
    child: Child,
}

impl Broker {
    /// Starts a broker that keeps its data in `directory`, and returns once it answers.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, "", |_| {})
    }

    /// The same with options of java, and after something was prepared for the broker's port. Files of the directory say more
    /// to the broker, as `scripts/kafka.sh` tells; the two ports after the controller's, which is the broker's next, are free.
    pub fn start_with(directory: &Path, options: &str, prepare: impl Fn(u16)) -> Self {
        let mut port = free_ports();
        let mut attempts = 0;
        loop {
            prepare(port);
            let child = spawn(directory, port, options);
            let mut broker = Self { directory: directory.to_owned(), port, options: options.to_owned(), child };
            match broker.wait() {
                Ok(()) => return broker,
                // Somebody else may have taken the ports since they were found free.
                Err(_) if attempts < 2 => (attempts, port) = (attempts + 1, free_ports()),
                Err(cause) => panic!("{cause}"),
            }
        }
    }

    /// The address for clients.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills the broker without warning; returns when it is gone.
    pub fn kill(&mut self) {
        // Fails only if it is gone already.
        let _ = self.child.kill();
        self.child.wait().expect("the broker's exit status");
    }

    /// Starts the broker again on its data and at its address, and returns once it answers.
    pub fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.directory, self.port, &self.options);
        if let Err(cause) = self.wait() {
            panic!("{cause}");
        }
    }

    /// Deletes every record of a topic, as its retention would; offsets go on.
    pub fn forget(&self, topic: &str) {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", self.address());
        let client: BaseConsumer = settings.create().expect("a client");
        let metadata = client.fetch_metadata(Some(topic), START_TIMEOUT).expect("the topic");
        let mut ends = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            let (_, end) = client.fetch_watermarks(topic, partition.id(), START_TIMEOUT).expect("offsets");
            ends.add_partition_offset(topic, partition.id(), Offset::Offset(end)).expect("an offset");
        }
        let admin: AdminClient<DefaultClientContext> = settings.create().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(admin.delete_records(&ends, &AdminOptions::new())).expect("the records are deleted");
    }

    /// Gives a topic these settings, and takes all others away.
    pub fn configure(&self, topic: &str, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.address()).create().expect("a client");
        let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (name, value) in settings {
            wanted = wanted.set(name, value);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let altered = runtime.block_on(admin.alter_configs([&wanted], &AdminOptions::new())).expect("an answer");
        altered.into_iter().for_each(|result| drop(result.expect("the settings are changed")));
    }

    fn wait(&mut self) -> Result<(), String> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.address())
            .set("reconnect.backoff.max.ms", "200")
            .create()
            .expect("a client");
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if client.fetch_metadata(None, PROBE).is_ok_and(|metadata| !metadata.brokers().is_empty()) {
                return Ok(());
            }
            let ended = self.child.try_wait().expect("the broker's state");
            if ended.is_some() || Instant::now() >= deadline {
                let said = std::fs::read_to_string(output(&self.directory)).unwrap_or_default();
                return Err(format!("the broker at {} does not start ({ended:?}):\n{said}", self.address()));
            }
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn output(directory: &Path) -> PathBuf {
    directory.join("broker.out")
}

fn spawn(directory: &Path, port: u16, options: &str) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka.sh");
    let out = File::create(output(directory)).expect("a file for the broker's output");
    Command::new(&script)
        .arg(directory)
        .arg(port.to_string())
        .env("KAFKA_OPTS", options)
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a second handle"))
        .stderr(out)
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", script.display()))
}

/// A port whose three successors are free too: that of the controller, and those of further listeners.
fn free_ports() -> u16 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let start = since.subsec_nanos() ^ std::process::id().wrapping_mul(7919);
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (0..PORTS)
        .map(|step| (FIRST_PORT + (start.wrapping_add(2 * step)) % PORTS) as u16)
        .find(|port| (*port..*port + 4).all(free))
        .expect("four free ports")
}
