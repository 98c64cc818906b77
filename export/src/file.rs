//! Files of Parquet: the engine writes one while it is sent to the blob store, so that none is ever held as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use clickhouse::Client;
use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, WriteMultipart};

use crate::ExportError;
use crate::manifest::{ExportedFile, Manifest, PATH, ROOT};
use crate::weeks::Portion;

const CHUNK_BYTES: usize = 8 << 20;
/// How long a file stays that no manifest names any more: whoever reads has the manifest from before.
const GRACE: Duration = Duration::from_secs(schema::seconds::DAY);
/// What the engine may use for writing a file; questions of people come first.
const SETTINGS: [(&str, &str); 5] = [
    ("max_threads", "1"),
    ("max_memory_usage", "2000000000"),
    // Few rows are held at a time, as a group of them is written as a whole.
    ("output_format_parquet_row_group_size", "100000"),
    ("output_format_parquet_parallel_encoding", "0"),
    ("output_format_parquet_compression_method", "zstd"),
];

/// Writes a file of the runs that meet the condition `kept`. What was written of one that fails is not there.
pub(crate) async fn write(
    client: &Client,
    objects: &dyn ObjectStore,
    portion: &Portion,
    kept: &str,
    path: String,
) -> Result<ExportedFile, ExportError> {
    let mut client = client.clone();
    for (name, value) in SETTINGS {
        client = client.with_setting(name, value);
    }
    let mut rows = client.query(&portion.facts.statement(portion.week.as_deref(), kept)).fetch_bytes("Parquet")?;
    let upload = objects.put_multipart(&Key::from(path.as_str())).await?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, CHUNK_BYTES);
    let (mut hasher, mut bytes) = (blake3::Hasher::new(), 0);
    loop {
        match rows.next().await {
            Ok(Some(chunk)) => {
                hasher.update(&chunk);
                bytes += chunk.len() as u64;
                upload.put(chunk);
                upload.wait_for_capacity(2).await?;
            }
            Ok(None) => break,
            Err(error) => {
                upload.abort().await?;
                return Err(error.into());
            }
        }
    }
    upload.finish().await?;
    Ok(ExportedFile {
        path,
        facts: portion.facts.name().to_owned(),
        week: portion.week.clone(),
        bytes,
        blake3: hasher.finalize().to_hex().to_string(),
    })
}

/// What lies in the folder of exports: sizes in bytes by path.
pub(crate) async fn sizes(objects: &dyn ObjectStore) -> Result<BTreeMap<String, u64>, ExportError> {
    let listed = objects.list(Some(&Key::from(ROOT)));
    Ok(listed.map_ok(|object| (object.location.to_string(), object.size)).try_collect().await?)
}

/// Removes files that neither manifest names and that are not new; says how many.
pub(crate) async fn remove_others(
    objects: &dyn ObjectStore,
    manifest: &Manifest,
    last: &Manifest,
    now: SystemTime,
) -> Result<u64, ExportError> {
    let named: BTreeSet<&str> = manifest.files.iter().chain(&last.files).map(|file| file.path.as_str()).collect();
    let mut listed = objects.list(Some(&Key::from(ROOT)));
    let mut removed = 0;
    while let Some(object) = listed.try_next().await? {
        let path = object.location.as_ref();
        let age = now.duration_since(SystemTime::from(object.last_modified)).unwrap_or_default();
        if path == PATH || named.contains(path) || age < GRACE {
            continue;
        }
        match objects.delete(&object.location).await {
            Ok(()) => removed += 1,
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(removed)
}
