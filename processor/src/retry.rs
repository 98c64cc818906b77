//! Pauses between attempts while the log or a store is away. Each pause is longer than the one before, and the signal to
//! stop ends it.

use std::time::Duration;

use eventlog::{Consumer, LogError};
use tokio::sync::watch;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Pause between two signs of life during long work: well below the five minutes after which a group gives up a member
/// that does not poll.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The pauses of one task.
pub(crate) struct Retry {
    stop: watch::Receiver<bool>,
    pause: Duration,
}

impl Retry {
    /// Begins with the shortest pause; `stop` turns true when the task is to end.
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Self {
        Self { stop, pause: FIRST_PAUSE }
    }

    /// Goes back to the shortest pause, after a success.
    pub(crate) fn reset(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// Returns once the signal to stop was given.
    pub(crate) async fn stopped(&mut self) {
        // A sender that is gone ends with its process, and so does this task.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Pauses and keeps the consumer's membership of its group; false if the task is to stop.
    pub(crate) async fn wait(&mut self, consumer: &mut dyn Consumer) -> bool {
        keep_alive(consumer).await;
        self.wait_without_group().await
    }

    /// Pauses; false if the task is to stop.
    pub(crate) async fn wait_without_group(&mut self) -> bool {
        // Processors that lost the same store must not all come back at the same moment.
        let pause = self.pause.mul_f64(0.5 + fastrand::f64());
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.stopped() => false,
        }
    }

    /// Pauses after an error of a log that is away; false if the task is to stop. An error that waiting does not mend is
    /// returned.
    pub(crate) async fn wait_for_log(
        &mut self,
        error: LogError,
        consumer: &mut dyn Consumer,
    ) -> Result<bool, LogError> {
        expect_recovery(error)?;
        Ok(self.wait(consumer).await)
    }

    /// Does the same as [`Self::wait_for_log`] for a task that has no consumer yet.
    pub(crate) async fn wait_for_log_without_group(&mut self, error: LogError) -> Result<bool, LogError> {
        expect_recovery(error)?;
        Ok(self.wait_without_group().await)
    }
}

fn expect_recovery(error: LogError) -> Result<(), LogError> {
    if !error.passes() {
        return Err(error);
    }
    tracing::warn!(%error, "waiting for the log");
    Ok(())
}

/// Does long work and keeps the consumer's membership of its group meanwhile.
pub(crate) async fn with_keep_alive<T>(consumer: &mut dyn Consumer, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(KEEP_ALIVE) => keep_alive(consumer).await,
        }
    }
}

/// Tells the group that this member is alive. A failure is only logged: the group then gives the partitions to another
/// member, which reads again what this one commits too late, and that changes nothing.
async fn keep_alive(consumer: &mut dyn Consumer) {
    if let Err(error) = consumer.keep_alive().await {
        tracing::warn!(%error, "the group could not be told that this member is alive");
    }
}
