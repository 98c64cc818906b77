//! Whether blobs can be written.

use anyhow::{Context, bail, ensure};
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutPayload};
use schema::blobs::Blobs;
use schema::place::Place;
use uuid::Uuid;

use super::finding::Finding;
use crate::folders;

/// What is written: nothing that anybody looks for lies in a folder of this name.
const FOLDER: &str = "doctor";
const CONTENTS: &[u8] = b"written by resultsdb doctor; may be deleted\n";

/// Opens the place of blobs, which has to be there.
pub(super) fn open(place: &Place) -> anyhow::Result<Blobs> {
    // Whoever checks may be another user than the one who must be able to write there.
    if let Place::Folder(folder) = place
        && !folders::is_there(folder).with_context(|| format!("looking for {}", folder.display()))?
    {
        bail!("there is no folder {}", folder.display());
    }
    Ok(Blobs::at(place)?)
}

/// Writes a small object, reads it and deletes it.
pub(super) async fn of(blobs: &Blobs, name: &str) -> anyhow::Result<Finding> {
    let (store, key) = (blobs.objects(), Key::from_iter([FOLDER, &Uuid::now_v7().to_string()]));
    store.put(&key, PutPayload::from_static(CONTENTS)).await.context("writing an object")?;
    let read = async { anyhow::Ok(store.get(&key).await?.bytes().await?) };
    let read = read.await.context("reading an object");
    store.delete(&key).await.context("deleting an object")?;
    ensure!(read? == CONTENTS, "an object was read back with other contents");
    Ok(Finding::ok(format!("an object was written to {name}, read and deleted")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[tokio::test]
    async fn nothing_is_left_in_a_folder_and_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Folder(folder.path().join("blobs"));
        assert!(open(&place).is_err() && !folder.path().join("blobs").exists());
        std::fs::create_dir(folder.path().join("blobs")).unwrap();
        let found = of(&open(&place).unwrap(), "blobs").await.unwrap();
        assert_eq!(found.verdict, Verdict::Ok);
        assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    }
}
