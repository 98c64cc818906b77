//! A server that counts who connects to it and answers nobody: for what must not be asked.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Listens on a port of its own until the test ends.
#[derive(Debug)]
pub struct Visits {
    /// The port, on loopback.
    pub port: u16,
    seen: Arc<AtomicUsize>,
}

impl Visits {
    /// Starts to listen.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        Self { port, seen }
    }

    /// How many connections there were so far.
    pub fn count(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}
