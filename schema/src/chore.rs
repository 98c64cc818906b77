//! Work that one process of a deployment does now and then, so that nobody has to think of it.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::lease::Lease;

/// How long the right may take; who does not get it looks again later.
const PATIENCE: Duration = Duration::from_secs(60);

/// Work that is done once by all processes of a deployment together, whenever the last time is long enough ago.
pub trait Chore: Sync {
    /// What was done.
    type Done: Send;
    /// Why it was not.
    type Error: Send;

    /// When it was done last; none if it never was.
    fn last(&self) -> impl Future<Output = Result<Option<SystemTime>, Self::Error>> + Send;

    /// Wants the right to do it, which keeps others from it.
    fn want(&self) -> Lease;

    /// Does it, and keeps for [`Chore::last`] that it was done at this time. It is broken off where the right is lost.
    fn work(&self, now: SystemTime) -> impl Future<Output = Result<Self::Done, Self::Error>> + Send;

    /// Tells operators of what was done, or why it was not; it is tried again.
    fn tell(&self, done: Result<Self::Done, Self::Error>);
}

/// When a chore is done.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From one time to the next.
    pub every: Duration,
    /// How often it is looked whether it is due. A process that starts looks after this time, too, when it has caught up.
    pub look: Duration,
}

/// Does a chore whenever it is due, until `stop` turns true.
pub async fn regularly(chore: impl Chore, pace: Pace, mut stop: watch::Receiver<bool>) {
    loop {
        let done = async {
            tokio::time::sleep(pace.look).await;
            once(&chore, pace.every).await.transpose()
        };
        tokio::select! {
            biased;
            // A sender that is gone stops nothing any more, and neither does this.
            _ = stop.wait_for(|stop| *stop) => return,
            done = done => if let Some(done) = done { chore.tell(done) },
        }
    }
}

/// Does it once if it is due and nobody else does; what was done, if anything was.
async fn once<C: Chore>(chore: &C, every: Duration) -> Result<Option<C::Done>, C::Error> {
    if !is_due(chore.last().await?, every, SystemTime::now()) {
        return Ok(None);
    }
    let mut right = chore.want();
    let done = async {
        if tokio::time::timeout(PATIENCE, right.held()).await.is_err() {
            return Ok(None);
        }
        // Another one may have had the right until now, and done it.
        let now = SystemTime::now();
        if !is_due(chore.last().await?, every, now) {
            return Ok(None);
        }
        tokio::select! {
            done = chore.work(now) => done.map(Some),
            () = right.lost() => Ok(None),
        }
    }
    .await;
    right.release().await;
    done
}

/// Whether the last time is so long ago, or there was none. A clock that was set back makes nothing due.
fn is_due(last: Option<SystemTime>, every: Duration, now: SystemTime) -> bool {
    last.is_none_or(|last| now.duration_since(last).unwrap_or_default() >= every)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::blobs::Blobs;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn it_is_due_once_the_last_time_is_long_ago() {
        let now = SystemTime::now();
        assert!(is_due(None, DAY, now));
        assert!(!is_due(Some(now), DAY, now));
        assert!(!is_due(Some(now), DAY, now - DAY));
        assert!(is_due(Some(now), DAY, now + DAY));
    }

    struct Counted {
        blobs: Blobs,
        done: Mutex<Vec<SystemTime>>,
    }

    impl Chore for Counted {
        type Done = ();
        type Error = ();

        async fn last(&self) -> Result<Option<SystemTime>, ()> {
            Ok(self.done.lock().unwrap().last().copied())
        }

        fn want(&self) -> Lease {
            Lease::want(&self.blobs, "counted", "a test".to_owned())
        }

        async fn work(&self, now: SystemTime) -> Result<(), ()> {
            self.done.lock().unwrap().push(now);
            Ok(())
        }

        fn tell(&self, _: Result<(), ()>) {}
    }

    #[tokio::test]
    async fn what_was_done_is_not_done_again_before_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let counted = Counted { blobs: Blobs::in_folder(folder.path()).unwrap(), done: Mutex::default() };
        assert_eq!(once(&counted, DAY).await, Ok(Some(())));
        assert_eq!(once(&counted, DAY).await, Ok(None));
        assert_eq!(counted.done.lock().unwrap().len(), 1);
    }
}
