//! A server that keeps the bodies that are posted to it: for hooks, collectors of traces, and others that we talk to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// Listens on a port of its own until the test ends.
#[derive(Debug)]
pub struct Receiver {
    /// Where it listens, such as `http://127.0.0.1:4711`; any path will do.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    bodies: Mutex<Vec<Vec<u8>>>,
    refusals: AtomicU32,
}

impl Receiver {
    /// Starts to listen.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, kept) = (stream.unwrap(), Arc::clone(&kept));
                std::thread::spawn(move || kept.serve(stream));
            }
        });
        Self { url, shared }
    }

    /// Answers the next `count` requests with 500, and keeps nothing of them.
    pub fn refuse(&self, count: u32) {
        self.shared.refusals.store(count, Ordering::SeqCst);
    }

    /// The texts of all findings that hooks told so far.
    pub fn findings(&self) -> Vec<String> {
        let bodies = self.bodies();
        let messages = bodies.iter().map(|body| serde_json::from_slice::<Value>(body).unwrap());
        let findings = messages.flat_map(|message| message["findings"].as_array().unwrap().clone());
        findings.map(|finding| finding["text"].as_str().unwrap().to_owned()).collect()
    }

    /// All bodies so far.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.shared.bodies.lock().unwrap().clone()
    }
}

impl Shared {
    /// Answers requests of one connection until the sender closes it.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(body) = next_body(&mut reader) {
            let less = |refusals: u32| refusals.checked_sub(1);
            let status = match self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
                Ok(_) => "500 Internal Server Error",
                Err(_) => {
                    self.bodies.lock().unwrap().push(body);
                    "200 OK"
                }
            };
            if write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
        }
    }
}

/// The body of the next request; none where the connection ends.
fn next_body(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    (length > 0 && reader.read_exact(&mut body).is_ok()).then_some(body)
}
