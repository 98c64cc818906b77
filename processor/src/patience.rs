//! Waits between attempts, longer each time, and no longer than until the signal to stop.

use std::time::Duration;

use eventlog::{Consumer, LogError};
use tokio::sync::watch;

use crate::apply::keep_alive;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(10);

pub(crate) struct Patience {
    stop: watch::Receiver<bool>,
    pause: Duration,
}

impl Patience {
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Self {
        Self { stop, pause: FIRST_PAUSE }
    }

    /// After a success.
    pub(crate) fn reset(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    pub(crate) async fn stopped(&mut self) {
        // A sender that is gone ends with its process, and so does this.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Waits, as a member of the group; false if told to stop.
    pub(crate) async fn wait(&mut self, consumer: &mut dyn Consumer) -> bool {
        keep_alive(consumer).await;
        self.wait_alone().await
    }

    /// Waits as a member of no group; false if told to stop.
    pub(crate) async fn wait_alone(&mut self) -> bool {
        // Processors that lost the same store must not all come back at the same moment.
        let pause = self.pause.mul_f64(0.5 + fastrand::f64());
        self.pause = (self.pause * 2).min(LAST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.stopped() => false,
        }
    }

    /// Waits for a log that is away; other errors stay.
    pub(crate) async fn with_log(&mut self, error: LogError, consumer: &mut dyn Consumer) -> Result<bool, LogError> {
        self.check(error)?;
        Ok(self.wait(consumer).await)
    }

    /// The same as a member of no group.
    pub(crate) async fn with_log_alone(&mut self, error: LogError) -> Result<bool, LogError> {
        self.check(error)?;
        Ok(self.wait_alone().await)
    }

    fn check(&self, error: LogError) -> Result<(), LogError> {
        if !error.passes() {
            return Err(error);
        }
        tracing::warn!(%error, "waiting for the log");
        Ok(())
    }
}
