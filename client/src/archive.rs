//! The reports of a run as a zip, and the form that it is sent in.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Reports that are larger together are left out.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

/// A zip of the reports, at its beginning; none where they are larger than [`MAX_BYTES`], or where there are none.
pub(crate) fn pack(reports: &[PathBuf], input: Option<&mut File>) -> io::Result<Option<File>> {
    let files: Vec<(String, File)> = names(reports)
        .into_iter()
        .zip(reports)
        .filter_map(|(name, path)| Some((name, File::open(path).ok()?)))
        .collect();
    let mut bytes = 0;
    for file in files.iter().map(|(_, file)| file).chain(input.as_deref()) {
        bytes += file.metadata()?.len();
    }
    if bytes == 0 || bytes > MAX_BYTES {
        return Ok(None);
    }
    let mut zip = ZipWriter::new(tempfile::tempfile()?);
    for (name, file) in files {
        add(&mut zip, &name, file)?;
    }
    if let Some(input) = input {
        input.rewind()?;
        add(&mut zip, "standard-input", input)?;
    }
    let mut file = zip.finish().map_err(io::Error::other)?;
    file.rewind()?;
    Ok(Some(file))
}

fn add(zip: &mut ZipWriter<File>, name: &str, mut content: impl Read) -> io::Result<()> {
    // Without times, so that the same reports make the same archive.
    zip.start_file(name, SimpleFileOptions::default()).map_err(io::Error::other)?;
    // A report that grows meanwhile is cut.
    io::copy(&mut content.by_ref().take(MAX_BYTES), zip).map(drop)
}

/// Names inside the archive: the paths below the working folder or, for paths elsewhere, their last parts.
fn names(reports: &[PathBuf]) -> Vec<String> {
    let working = std::env::current_dir().unwrap_or_default();
    let mut taken = BTreeSet::new();
    let mut name = |path: &PathBuf| {
        let path = path.strip_prefix(&working).unwrap_or(path);
        let plain: Vec<_> = path
            .components()
            .filter_map(|part| match part {
                Component::Normal(part) => Some(part.to_string_lossy()),
                _ => None,
            })
            .collect();
        let outside = path.is_absolute() || path.components().any(|part| part == Component::ParentDir);
        let from = if outside { plain.len().saturating_sub(2) } else { 0 };
        let name = plain[from..].join("/");
        let mut unique = name.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = numbered(&name, number);
            number += 1;
        }
        unique
    };
    reports.iter().map(&mut name).collect()
}

fn numbered(name: &str, number: u32) -> String {
    match Path::new(name).extension() {
        Some(extension) => {
            let extension = extension.to_string_lossy();
            format!("{} ({number}).{extension}", name.trim_end_matches(&*extension).trim_end_matches('.'))
        }
        None => format!("{name} ({number})"),
    }
}

/// A form with the archive as a file, around which its other fields stand.
pub(crate) struct Form {
    boundary: String,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Form {
    /// The form for an archive of a run with these members. The boundary must stand nowhere in them or the archive.
    pub(crate) fn new(members: &Map<String, Value>, boundary: &str) -> Self {
        let mut before = Vec::new();
        for (name, value) in members {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let field = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
            before.extend_from_slice(field.as_bytes());
        }
        let _ = write!(
            before,
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"reports.zip\"\r\n\
             Content-Type: application/zip\r\n\r\n"
        );
        Self { boundary: boundary.to_owned(), before, after: format!("\r\n--{boundary}--\r\n").into_bytes() }
    }

    /// The media type of the form.
    pub(crate) fn media(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The body with an archive, and its length.
    pub(crate) fn body(&self, archive: &File) -> io::Result<(impl Read + 'static, u64)> {
        let mut archive = archive.try_clone()?;
        archive.rewind()?;
        let length = archive.metadata()?.len() + (self.before.len() + self.after.len()) as u64;
        Ok((Cursor::new(self.before.clone()).chain(archive).chain(Cursor::new(self.after.clone())), length))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_unique() {
        let working = std::env::current_dir().unwrap();
        let paths = ["a/r.xml", "./a/r.xml", "../x/y/r.xml", "/tmp/z/y/r.xml"].map(PathBuf::from);
        let mut paths = paths.to_vec();
        paths.push(working.join("b.xml"));
        assert_eq!(names(&paths), ["a/r.xml", "a/r (2).xml", "y/r.xml", "y/r (2).xml", "b.xml"]);
    }

    #[test]
    fn reports_are_packed_unless_they_are_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.xml");
        std::fs::write(&path, "<a/>").unwrap();
        let mut input = tempfile::tempfile().unwrap();
        input.write_all(b"1..0").unwrap();
        let archive = pack(std::slice::from_ref(&path), Some(&mut input)).unwrap().unwrap();
        let mut archive = zip::ZipArchive::new(archive).unwrap();
        let mut text = |index| {
            let mut text = String::new();
            archive.by_index(index).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!((text(0).as_str(), text(1).as_str()), ("<a/>", "1..0"));
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(pack(&[path], None).unwrap().is_none());
        assert!(pack(&[], None).unwrap().is_none());
    }

    #[test]
    fn forms_say_their_length() {
        let mut archive = tempfile::tempfile().unwrap();
        archive.write_all(b"PK").unwrap();
        let members = serde_json::json!({ "suite": "s", "commits": [{ "id": "1" }], "timestamp": 7 });
        let form = Form::new(members.as_object().unwrap(), "xyz");
        let (mut body, length) = form.body(&archive).unwrap();
        let mut text = String::new();
        body.read_to_string(&mut text).unwrap();
        assert_eq!(text.len() as u64, length);
        assert!(text.starts_with("--xyz\r\nContent-Disposition: form-data; name=\"suite\"\r\n\r\ns\r\n--xyz\r\n"));
        assert!(text.contains("name=\"commits\"\r\n\r\n[{\"id\":\"1\"}]\r\n") && text.ends_with("PK\r\n--xyz--\r\n"));
    }
}
