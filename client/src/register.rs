//! Registers many commits: each registration is answered once the commit is visible, and many wait for one batch of the
//! server's processor.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::{Context, bail};

use crate::server::Server;

/// Registrations that are on their way at once.
const WORKERS: usize = 32;

/// What passes a commit on: its name for people, and its JSON.
pub type Send<'s> = &'s mut dyn FnMut(String, Vec<u8>) -> anyhow::Result<()>;

/// A commit's name for people, and its JSON.
type Named = (String, Vec<u8>);
/// What is to be registered; none once registering has failed.
type Receiver = Mutex<Option<mpsc::Receiver<Named>>>;

/// Registers every commit that `walk` sends, and calls `registered` after each. A commit that is registered again changes
/// nothing, so a repetition is harmless.
///
/// # Errors
/// The server is away or refuses a commit, or the walk fails.
pub fn all(
    server: &Server,
    registered: &(dyn Fn() + Sync),
    walk: impl FnOnce(Send<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (send, receive) = mpsc::sync_channel(WORKERS * 2);
    let receive = Mutex::new(Some(receive));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let done = register(&receive, server, registered);
                    if done.is_err() {
                        // Nobody receives any more, so that the walk ends, too.
                        lock(&receive).take();
                    }
                    done
                })
            })
            .collect();
        let walked = walk(&mut |name, json| send.send((name, json)).context("registering failed"));
        drop(send);
        for worker in workers {
            match worker.join() {
                Ok(done) => done?,
                Err(_) => bail!("a worker panicked"),
            }
        }
        walked
    })
}

fn lock(receive: &Receiver) -> std::sync::MutexGuard<'_, Option<mpsc::Receiver<Named>>> {
    receive.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(receive: &Receiver, server: &Server, registered: &(dyn Fn() + Sync)) -> anyhow::Result<()> {
    loop {
        let next = lock(receive).as_ref().and_then(|receive| receive.recv().ok());
        let Some((name, json)) = next else { return Ok(()) };
        server.post_small("/api/commits", "application/json", &json).with_context(|| format!("registering {name}"))?;
        registered();
    }
}
