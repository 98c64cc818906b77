//! Rights that one process of a deployment has at a time.

use std::time::Duration;

use anyhow::anyhow;
use schema::blobs::Blobs;
use schema::lease::{self, Lease};

/// The right to tell hooks.
const HOOKS: &str = "hooks";
/// The right to rebuild, of which a deployment has one.
const REBUILD: &str = "rebuild";
/// The right to export facts.
const EXPORT: &str = "export";
/// The right to append what files of owners say that repositories have.
const OWNERS: &str = "owners";
/// How long taking the right takes where nobody has it.
const SOON: Duration = Duration::from_secs(2);
/// How long the right of a rebuild that was killed may still last.
const PATIENCE: Duration = Duration::from_secs(3 * lease::SLOT.as_secs());

/// Does what must not be done beside a rebuild, of which there is one at a time.
pub(crate) async fn alone(blobs: &Blobs, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut right = to_rebuild(blobs);
    take(&mut right).await?;
    let worked = tokio::select! {
        worked = work => worked,
        () = right.lost() => Err(anyhow!(
            "the blob store was away for so long that another rebuild may have begun; start this again, it goes on"
        )),
    };
    right.release().await;
    worked
}

/// Wants the right to tell hooks.
pub(crate) fn to_tell_hooks(blobs: &Blobs) -> Lease {
    Lease::want(blobs, HOOKS, holder())
}

/// Wants the right to rebuild.
pub(crate) fn to_rebuild(blobs: &Blobs) -> Lease {
    Lease::want(blobs, REBUILD, holder())
}

/// Wants the right to export facts.
pub(crate) fn to_export(blobs: &Blobs) -> Lease {
    Lease::want(blobs, EXPORT, holder())
}

/// Wants the right to append what files of owners say.
pub(crate) fn to_send_owners(blobs: &Blobs) -> Lease {
    Lease::want(blobs, OWNERS, holder())
}

/// Waits for the right to rebuild: a rebuild that was killed still has it for a while.
async fn take(right: &mut Lease) -> anyhow::Result<()> {
    if tokio::time::timeout(SOON, right.held()).await.is_ok() {
        return Ok(());
    }
    let other = right.holder().await.unwrap_or_else(|| "which one is not known".to_owned());
    eprintln!("waiting for another rebuild or sweep ({other})");
    let held = tokio::time::timeout(PATIENCE, right.held()).await;
    held.map_err(|_| {
        anyhow!("another rebuild or sweep is at work ({other}); wait for its end, or stop it and try again")
    })
}

/// What other processes are told of this one where it holds a right of which there is one.
fn holder() -> String {
    let host = rustix::system::uname();
    let (host, process) = (host.nodename().to_string_lossy(), std::process::id());
    format!("process {process} on {host}, since {}", chrono::Utc::now().format("%Y-%m-%d %H:%M:%S%.3f UTC"))
}
