//! Ctrl-C: the first one ends the reruns, and what is known is said; the second one ends the command.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// What a command ends with that was interrupted, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;

/// Whether somebody pressed Ctrl-C.
#[derive(Debug, Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on. The test command hears of it by itself, since a terminal tells all that run in it.
    pub(super) fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        flag::register_conditional_shutdown(SIGINT, INTERRUPTED.into(), Arc::clone(&interrupt.0))?;
        flag::register(SIGINT, Arc::clone(&interrupt.0))?;
        Ok(interrupt)
    }

    /// As if somebody had.
    #[cfg(test)]
    pub(super) fn come(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
