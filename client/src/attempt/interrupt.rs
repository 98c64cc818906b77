//! Ctrl-C: the first one ends the reruns once the one that goes on has ended, the second one ends that one, too. What is known
//! of the others is said either way. SIGTERM, by which CIs take jobs back, is like two of them.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::kill;

/// What a command ends with that was interrupted, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;
/// After what time at most it is seen that a command has ended, or that somebody pressed Ctrl-C.
const PAUSE: Duration = Duration::from_millis(20);

/// How often somebody pressed Ctrl-C.
#[derive(Debug, Default)]
pub(super) struct Interrupt {
    /// Whether somebody has since this was looked at.
    pressed: Arc<AtomicBool>,
    /// Whether the process is to end.
    terminated: Arc<AtomicBool>,
    times: u32,
}

impl Interrupt {
    /// From now on. The test command hears of it by itself, since a terminal tells all that run in it.
    pub(super) fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        flag::register(SIGINT, Arc::clone(&interrupt.pressed))?;
        flag::register(SIGTERM, Arc::clone(&interrupt.terminated))?;
        Ok(interrupt)
    }

    /// As if somebody had pressed it.
    #[cfg(test)]
    pub(super) fn come(&mut self) {
        self.times();
        self.pressed.store(true, Ordering::SeqCst);
    }

    /// Whether somebody pressed it.
    pub(super) fn came(&mut self) -> bool {
        self.times() > 0
    }

    fn times(&mut self) -> u32 {
        self.times += u32::from(self.pressed.swap(false, Ordering::SeqCst));
        if self.terminated.load(Ordering::SeqCst) {
            self.times = self.times.max(2);
        }
        self.times
    }

    /// Waits until a command has ended. Once Ctrl-C is pressed a second time, it is ended with all that it started: it may not
    /// have heard of the first one, or does not care.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(super) fn wait(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.times() > 1 {
                kill::with_descendants(child)?;
                return child.wait();
            }
            // Signals that come one close after the other make a sleep begin again and again; this one has an end by the clock.
            park_timeout(pause);
            pause = (pause * 2).min(PAUSE);
        }
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn the_first_one_lets_a_command_end_and_the_second_one_ends_it() {
        let mut interrupt = Interrupt::default();
        assert!(!interrupt.came());
        interrupt.come();
        let mut patient = Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap();
        assert_eq!(interrupt.wait(&mut patient).unwrap().code(), Some(3));
        interrupt.come();
        let mut deaf = Command::new("sh").args(["-c", "trap '' INT; while :; do sleep 600; done"]).spawn().unwrap();
        assert_eq!(interrupt.wait(&mut deaf).unwrap().signal(), Some(9));
        assert!(interrupt.came());
    }

    #[test]
    fn whoever_ends_the_process_ends_the_command() {
        let mut interrupt = Interrupt::default();
        interrupt.terminated.store(true, Ordering::SeqCst);
        let mut command = Command::new("sh").args(["-c", "while :; do sleep 600; done"]).spawn().unwrap();
        assert_eq!(interrupt.wait(&mut command).unwrap().signal(), Some(9));
        assert!(interrupt.came());
    }
}
