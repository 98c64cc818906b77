//! A right that one process of a deployment has at a time, kept in the blob store, which all of them share.
//!
//! Time is cut into slots of [`SLOT`]. Whoever creates the object of a slot has the right in that slot: an object store lets
//! one of several creations of an object through. Who has it creates the next slot's object in the last third of its own. Who
//! has not waits until a third of a slot has passed whose object nobody made, unless nobody made that of the slot before,
//! either. Two processes therefore have it at once only if their clocks differ by more than two thirds of a slot. A process that
//! is killed leaves the right to others within two slots.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::blobs::{Blobs, delete};

/// How long a slot is.
pub const SLOT: Duration = Duration::from_secs(15);
/// How often a process looks whether it may take or keep the right.
const PACE: Duration = Duration::from_secs(1);
const ROOT: &str = "leases";
/// Slots of others that are left: who waits for one has to find it.
const KEPT_SLOTS: u64 = 2;

/// A right that a process wants, and has from time to time.
#[derive(Debug)]
pub struct Lease {
    is_held: watch::Receiver<bool>,
    keeper: Arc<Keeper>,
    keeping: JoinHandle<()>,
}

impl Lease {
    /// Wants the right of this name for as long as the lease is kept. `holder` is what others are told of this process.
    pub fn want(blobs: &Blobs, name: &str, holder: String) -> Self {
        let keeper = Arc::new(Keeper { store: blobs.objects(), folder: Key::from_iter([ROOT, name]), holder });
        let (tell, is_held) = watch::channel(false);
        let keeping = tokio::spawn(keep(Arc::clone(&keeper), tell));
        Self { is_held, keeper, keeping }
    }

    /// Whether this process has the right now.
    pub fn is_held(&self) -> bool {
        *self.is_held.borrow()
    }

    /// Waits until this process has the right.
    pub async fn held(&mut self) {
        // The sender lives as long as the task, which ends with the lease.
        let _ = self.is_held.wait_for(|is_held| *is_held).await;
    }

    /// Waits until this process has lost the right.
    pub async fn lost(&mut self) {
        let _ = self.is_held.wait_for(|is_held| !*is_held).await;
    }

    /// What is known of the process that has the right, if one has.
    pub async fn holder(&self) -> Option<String> {
        self.keeper.holder_of(slot(SystemTime::now())).await.ok().flatten()
    }

    /// Gives the right up, so that another process need not wait for its end.
    pub async fn release(mut self) {
        self.keeping.abort();
        // What it was about to create comes before what is given back.
        let _ = (&mut self.keeping).await;
        let now = slot(SystemTime::now());
        for slot in [now, now + 1] {
            self.keeper.give_back(slot).await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

/// Takes the right and keeps it, and tells which. While the store does not answer, what was taken before still counts.
async fn keep(keeper: Arc<Keeper>, tell: watch::Sender<bool>) {
    let mut held = None;
    loop {
        let now = SystemTime::now();
        match keeper.look(now).await {
            Ok(looked) => held = looked,
            Err(error) => {
                tracing::warn!(%error, right = %keeper.folder, "the blob store does not tell who has a right")
            }
        }
        tell.send_if_modified(|is_held| std::mem::replace(is_held, held >= Some(slot(now))) != *is_held);
        tokio::time::sleep(PACE).await;
    }
}

#[derive(Debug)]
struct Keeper {
    store: Arc<dyn ObjectStore>,
    folder: Key,
    holder: String,
}

impl Keeper {
    /// The last slot that this process has after a look at a time; none if that is over.
    async fn look(&self, now: SystemTime) -> Result<Option<u64>, Error> {
        let (slot, passed) = (slot(now), passed(now));
        if self.has(slot).await? {
            let is_last_third = passed * 3 >= SLOT * 2;
            let keeps = is_last_third && (self.has(slot + 1).await? || self.take(slot + 1).await?);
            return Ok(Some(slot + u64::from(keeps)));
        }
        // Another one who had the slot before may have a clock that is behind, and take this one still.
        let before = self.holder_of(slot.saturating_sub(1)).await?;
        let may_take = passed * 3 >= SLOT || before.is_none_or(|holder| holder == self.holder);
        let takes = may_take && self.take(slot).await?;
        Ok(takes.then_some(slot))
    }

    /// Creates the object of a slot; false if somebody has.
    async fn take(&self, slot: u64) -> Result<bool, Error> {
        let created = self.store.put_opts(&self.key(slot), self.holder.clone().into(), PutMode::Create.into()).await;
        match created {
            Ok(_) => {}
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.forget_before(slot.saturating_sub(KEPT_SLOTS)).await?;
        Ok(true)
    }

    async fn forget_before(&self, slot: u64) -> Result<(), Error> {
        let oldest = self.key(slot);
        let found: Vec<_> = self.store.list(Some(&self.folder)).try_collect().await?;
        for object in found.into_iter().filter(|object| object.location < oldest) {
            delete(self.store.as_ref(), &object.location).await?;
        }
        Ok(())
    }

    /// Who has a slot, if somebody has.
    async fn holder_of(&self, slot: u64) -> Result<Option<String>, Error> {
        match self.store.get(&self.key(slot)).await {
            Ok(found) => Ok(String::from_utf8(found.bytes().await?.into()).ok()),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether this process has a slot. A store that lets two creations of an object through leaves it to the last.
    async fn has(&self, slot: u64) -> Result<bool, Error> {
        Ok(self.holder_of(slot).await?.as_ref() == Some(&self.holder))
    }

    /// Removes the object of a slot if it is of this process.
    async fn give_back(&self, slot: u64) {
        let given = async {
            match self.has(slot).await? {
                true => delete(self.store.as_ref(), &self.key(slot)).await,
                false => Ok(false),
            }
        };
        if let Err(error) = given.await {
            tracing::debug!(%error, right = %self.folder, "a right was not given back; it ends by itself");
        }
    }

    /// Names sort as their slots do.
    fn key(&self, slot: u64) -> Key {
        self.folder.clone().join(format!("{slot:020}"))
    }
}

fn since_1970(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn slot(now: SystemTime) -> u64 {
    since_1970(now).as_secs() / SLOT.as_secs()
}

/// How much of its slot has passed at a time.
fn passed(now: SystemTime) -> Duration {
    since_1970(now) - SLOT * u32::try_from(slot(now)).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn keeper(blobs: &Blobs, holder: &str) -> Keeper {
        Keeper { store: blobs.objects(), folder: Key::from_iter([ROOT, "test"]), holder: holder.to_owned() }
    }

    fn at(slots: f64) -> SystemTime {
        UNIX_EPOCH + SLOT * 1000 + SLOT.mul_f64(slots)
    }

    #[tokio::test]
    async fn one_of_two_has_the_right_and_keeps_it_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let (one, other) = (keeper(&blobs, "one"), keeper(&blobs, "other"));
        assert_eq!(one.look(at(0.1)).await.unwrap(), Some(1000));
        assert_eq!(other.look(at(0.5)).await.unwrap(), None);
        for step in 1..44 {
            let now = at(0.5 + f64::from(step) * 0.1);
            let held = one.look(now).await.unwrap();
            assert!(held >= Some(slot(now)), "{step}");
            assert_eq!(other.look(now).await.unwrap(), None, "{step}");
        }
        assert_eq!(other.holder_of(1004).await.unwrap().as_deref(), Some("one"));
        // It is gone; what it took ahead ends with the slot.
        assert_eq!(other.look(at(4.95)).await.unwrap(), None);
        assert_eq!(other.look(at(5.5)).await.unwrap(), None);
        // Whoever has it may believe to be in the slot before.
        assert_eq!(other.look(at(6.2)).await.unwrap(), None);
        assert_eq!(other.look(at(6.4)).await.unwrap(), Some(1006));
        assert_eq!(one.look(at(6.5)).await.unwrap(), None);
        let left: Vec<_> = blobs.objects().list(Some(&one.folder)).try_collect().await.unwrap();
        assert!(left.len() <= 3, "{left:?}");
    }

    #[tokio::test]
    async fn clocks_may_differ_by_half_a_slot() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let (late, early) = (keeper(&blobs, "late"), keeper(&blobs, "early"));
        assert_eq!(late.look(at(0.4)).await.unwrap(), Some(1000));
        for step in 0..40 {
            let now = 0.4 + f64::from(step) * 0.1;
            assert_eq!(early.look(at(now + 0.5)).await.unwrap(), None, "{step}");
            let held = late.look(at(now)).await.unwrap();
            assert!(held >= Some(slot(at(now))), "{step}");
        }
    }

    #[tokio::test]
    async fn who_stood_still_for_a_while_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let (one, other) = (keeper(&blobs, "one"), keeper(&blobs, "other"));
        assert_eq!(one.look(at(0.6)).await.unwrap(), Some(1000));
        assert_eq!(other.look(at(1.1)).await.unwrap(), None);
        assert_eq!(one.look(at(1.2)).await.unwrap(), Some(1001));
    }

    #[tokio::test]
    async fn who_is_overwritten_has_lost_the_right() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let one = keeper(&blobs, "one");
        assert_eq!(one.look(at(0.1)).await.unwrap(), Some(1000));
        blobs.objects().put(&one.key(1000), "other".into()).await.unwrap();
        assert_eq!(one.look(at(0.2)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_given_back_is_free_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let mut one = Lease::want(&blobs, "test", "one".into());
        one.held().await;
        assert!(one.is_held());
        let mut other = Lease::want(&blobs, "test", "other".into());
        assert_eq!(other.holder().await.as_deref(), Some("one"));
        assert!(!other.is_held());
        one.release().await;
        other.held().await;
        assert_eq!(other.holder().await.as_deref(), Some("other"));
    }
}
