//! The proxy that is shipped, as a process in front of services.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::NamedTempFile;

use crate::wait::{DEADLINE, until};
use crate::workspace;

/// HAProxy with the shipped configuration; it is killed when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    /// Its port, on the loopback addresses of both families.
    pub port: u16,
    /// Its address.
    pub url: String,
    log: NamedTempFile,
}

impl Proxy {
    /// Starts it on the loopback addresses of both families. Others may take its port before it does: then it takes another.
    pub fn start(intakes: [&str; 2], queries: [&str; 2]) -> Self {
        let address = |url: &str| url.trim_start_matches("http://").to_owned();
        for _ in 0..3 {
            let log = NamedTempFile::new().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            // Debian has it where only administrators look.
            let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
            let child = Command::new("haproxy")
                .env("PATH", path)
                .args(["-db", "-f"])
                .arg(workspace::example("proxy/haproxy.cfg"))
                .env("LISTEN", format!("127.0.0.1:{port},[::1]:{port}"))
                .env("INGEST_1", address(intakes[0]))
                .env("INGEST_2", address(intakes[1]))
                .env("QUERY_1", address(queries[0]))
                .env("QUERY_2", address(queries[1]))
                .stdout(log.reopen().unwrap())
                .stderr(Stdio::null())
                .spawn()
                .expect("haproxy, which scripts/fetch.sh installs");
            let mut proxy = Self { child, port, url: format!("http://127.0.0.1:{port}"), log };
            let mut ended = false;
            until("the proxy listens", || {
                ended = proxy.child.try_wait().unwrap().is_some();
                ended || TcpStream::connect(("::1", port)).is_ok()
            });
            if !ended {
                return proxy;
            }
        }
        panic!("the proxy does not start");
    }

    /// A connection to it.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// How many requests one of the services has answered, by its name in the configuration, such as `intakes/ingest-1`.
    pub fn answered_by(&self, service: &str) -> usize {
        let log = std::fs::read_to_string(self.log.path()).unwrap();
        log.lines().filter(|line| line.contains(&format!(" {service} "))).count()
    }

    /// The most memory that it ever had, bytes.
    pub fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
