//! Two of each service behind the proxy that is shipped. Each can be replaced by one of another version, in its place.

use std::process::Command;
use std::time::{Duration, Instant};

use test_support::load::Load;
use test_support::proxy::Proxy;
use test_support::server::{Binary, Server};
use test_support::stack::Ground;
use test_support::wait::until;

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ingest,
    Processor,
    Query,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Processor => "processor",
            Self::Query => "query",
        }
    }

    /// What the proxy calls the services of a kind; none of those that it does not know.
    fn backend(self) -> Option<&'static str> {
        match self {
            Self::Ingest => Some("intakes"),
            Self::Processor => None,
            Self::Query => Some("queries"),
        }
    }
}

/// Which of two.
const NUMBERS: [usize; 2] = [1, 2];

struct Service {
    kind: Kind,
    number: usize,
    process: Server,
}

/// Everything of a deployment; processes die with it.
pub(crate) struct Deployment {
    pub(crate) proxy: Proxy,
    services: Vec<Service>,
    ground: Ground,
}

impl Deployment {
    /// Starts everything empty, of one version.
    pub(crate) fn start(binary: Binary) -> Self {
        let ground = Ground::start(binary, "[repositories.webkit]\ndefault_branch = 'main'");
        let all =
            [Kind::Ingest, Kind::Processor, Kind::Query].into_iter().flat_map(|kind| NUMBERS.map(|it| (kind, it)));
        let start = |(kind, number)| {
            let process = Server::run(command(&ground, binary, kind, number, "127.0.0.1:0"));
            Service { kind, number, process }
        };
        let services: Vec<Service> = all.map(start).collect();
        let urls = |kind| {
            let mut of_kind = services.iter().filter(|service| service.kind == kind);
            NUMBERS.map(|_| of_kind.next().unwrap().process.url.as_str())
        };
        let proxy = Proxy::start(urls(Kind::Ingest), urls(Kind::Query));
        Self { proxy, services, ground }
    }

    /// Brings topics and tables up to date with a version, while everything runs.
    pub(crate) fn migrate(&self, binary: Binary) {
        self.ground.migrate(binary);
    }

    /// The query services.
    pub(crate) fn queries(&self) -> impl Iterator<Item = &Server> {
        self.services.iter().filter(|service| service.kind == Kind::Query).map(|service| &service.process)
    }

    /// A command of a version on the configuration of the services.
    pub(crate) fn command(&self, binary: Binary, name: &str) -> Command {
        self.ground.command(binary, name)
    }

    /// Asks each service of a kind to end, one after the other, and starts one of the version in its place. The second is
    /// left alone until the proxy uses the first again. How long the slowest took to end.
    pub(crate) fn replace(&mut self, kind: Kind, binary: Binary) -> Duration {
        NUMBERS.map(|number| self.replace_one(kind, number, binary)).into_iter().max().unwrap()
    }

    /// The same of the intakes. The load goes by the other one while one is replaced.
    pub(crate) fn replace_drained_intakes(&mut self, binary: Binary, load: &Load) -> Duration {
        let one = |number| {
            let is_other = |service: &&Service| service.kind == Kind::Ingest && service.number != number;
            let other = self.services.iter().find(is_other).unwrap().process.url.clone();
            load.drain_to(&other);
            let ended = self.start_anew(Kind::Ingest, number, binary);
            load.direct_to(&self.proxy.url);
            self.wait_for_proxy(Kind::Ingest, number);
            ended
        };
        NUMBERS.map(one).into_iter().max().unwrap()
    }

    fn replace_one(&mut self, kind: Kind, number: usize, binary: Binary) -> Duration {
        let ended = self.start_anew(kind, number, binary);
        self.wait_for_proxy(kind, number);
        ended
    }

    /// Waits until the proxy has sent something to a service, if it sends to such services at all.
    fn wait_for_proxy(&self, kind: Kind, number: usize) {
        let Some(backend) = kind.backend() else { return };
        let name = format!("{backend}/{}-{number}", kind.name());
        let before = self.proxy.answered_by(&name);
        until("the proxy uses it again", || self.proxy.answered_by(&name) > before);
    }

    fn start_anew(&mut self, kind: Kind, number: usize, binary: Binary) -> Duration {
        let chosen = |service: &&mut Service| service.kind == kind && service.number == number;
        let service = self.services.iter_mut().find(chosen).unwrap();
        let begun = Instant::now();
        service.process.signal("-TERM");
        assert_eq!(service.process.wait(), Some(0), "{} {number} does not end well", kind.name());
        let ended = begun.elapsed();
        let address = service.process.url.trim_start_matches("http://").to_owned();
        service.process = Server::run(command(&self.ground, binary, kind, number, &address));
        ended
    }
}

fn command(ground: &Ground, binary: Binary, kind: Kind, number: usize, address: &str) -> Command {
    let mut command = ground.command(binary, kind.name());
    command.args(["--set", &format!("listen={address}")]);
    if kind == Kind::Processor {
        // Its name, with which it keeps its partitions over the restart.
        command.args(["--set", &format!("kafka.instance=processor-{number}")]);
    }
    command
}
