//! What an archive holds, as the API shows it: without a master folder and without resource forks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};

use zip::ZipArchive;

use crate::error::{ApiError, bad};

/// The largest file that is unpacked, in bytes; a small archive may claim to hold any size.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;
/// Entries that are looked at.
const MAX_ENTRIES: usize = 200_000;

/// One name of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Below {
    /// Files below a folder, or the one file.
    pub(crate) files: usize,
    /// Size of a file, as the archive claims it; folders have none.
    pub(crate) bytes: Option<u64>,
}

/// An opened archive.
pub(crate) struct Contents {
    archive: ZipArchive<BufReader<File>>,
    /// Paths without the master folder, and the entries they stand for.
    names: Vec<(String, usize)>,
}

impl Contents {
    /// Reads the directory of an archive.
    pub(crate) fn open(file: File) -> Result<Self, ApiError> {
        let archive =
            ZipArchive::new(BufReader::new(file)).map_err(|error| bad(format!("Archive is broken: {error}")))?;
        let mut names: Vec<(String, usize)> = (0..archive.len().min(MAX_ENTRIES))
            .filter_map(|index| Some((archive.name_for_index(index)?.ok()?.into_owned(), index)))
            .filter(|(name, _)| !name.starts_with("__"))
            .collect();
        // A single file is no folder, whatever its name.
        let master = names.first().map(|(name, _)| name.clone()).filter(|name| name.ends_with('/')).unwrap_or_default();
        if !master.is_empty() && names.iter().all(|(name, _)| name.starts_with(&master)) {
            for (name, _) in &mut names {
                name.drain(..master.len());
            }
        }
        names.retain(|(name, _)| !name.is_empty() && !name.ends_with('/'));
        Ok(Self { archive, names })
    }

    /// Paths of all files.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// What is directly below a folder (empty, or ending in `/`) by name; names of folders end in `/`.
    pub(crate) fn below(&mut self, folder: &str) -> BTreeMap<String, Below> {
        let mut found: BTreeMap<String, Below> = BTreeMap::new();
        for (name, index) in &self.names {
            let Some(rest) = name.strip_prefix(folder) else { continue };
            match rest.find('/') {
                Some(end) => found.entry(rest[..=end].to_owned()).or_default().files += 1,
                None => {
                    let entry = found.entry(rest.to_owned()).or_default();
                    entry.files = 1;
                    entry.bytes = self.archive.by_index_raw(*index).ok().map(|file| file.size());
                }
            }
        }
        found
    }

    /// The file at a path.
    pub(crate) fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(index) = self.names.iter().find(|(name, _)| name == path).map(|(_, index)| *index) else {
            return Ok(None);
        };
        let broken = |error: &dyn std::fmt::Display| bad(format!("{path} cannot be unpacked: {error}"));
        let file = self.archive.by_index(index).map_err(|error| broken(&error))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(bad(format!("{path} is larger than {} MiB; download the archive", MAX_FILE_BYTES >> 20)));
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};
    use zip::write::SimpleFileOptions;

    fn archive(names: &[&str]) -> Contents {
        let mut writer = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        for name in names {
            if name.ends_with('/') {
                writer.add_directory(*name, SimpleFileOptions::default()).unwrap();
            } else {
                writer.start_file(*name, SimpleFileOptions::default()).unwrap();
                writer.write_all(name.as_bytes()).unwrap();
            }
        }
        let mut file = writer.finish().unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        Contents::open(file).unwrap()
    }

    #[test]
    fn the_master_folder_is_cut_and_resource_forks_do_not_exist() {
        let mut found = archive(&["out/", "out/a.txt", "out/b/c.txt", "__MACOSX/a.txt"]);
        let below = found.below("");
        assert_eq!(below.keys().collect::<Vec<_>>(), ["a.txt", "b/"]);
        assert_eq!(below["a.txt"], Below { files: 1, bytes: Some("out/a.txt".len() as u64) });
        assert_eq!(below["b/"], Below { files: 1, bytes: None });
        assert_eq!(found.read("b/c.txt").unwrap().unwrap(), b"out/b/c.txt");
        assert_eq!(found.read("out/a.txt").unwrap(), None);
    }

    #[test]
    fn a_single_file_and_a_flat_archive_are_shown_as_they_are() {
        assert_eq!(archive(&["only.txt"]).names().collect::<Vec<_>>(), ["only.txt"]);
        assert_eq!(archive(&["a/", "a/b", "c"]).names().collect::<Vec<_>>(), ["a/b", "c"]);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        let mut writer = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        writer.start_file("bomb.txt", options).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..=MAX_FILE_BYTES >> 20 {
            writer.write_all(&zeros).unwrap();
        }
        let mut found = Contents::open(writer.finish().unwrap()).unwrap();
        assert!(found.read("bomb.txt").unwrap_err().to_string().contains("larger than"));
    }
}
