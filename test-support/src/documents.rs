//! Upload documents as senders make them.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A run of the suite `layout-tests` in one configuration, on one commit of `webkit` at `timestamp`, started at `start`
/// (both in seconds since 1970); `results` is the tree of tests. Runs that start at different times are no repetitions.
pub fn upload(timestamp: i64, start: i64, results: &Value) -> Vec<u8> {
    json!({
        "version": 0, "suite": "layout-tests", "timestamp": start,
        "configuration": {"platform": "Mac", "version": "14.2", "is_simulator": false, "architecture": "arm64", "style": "Release"},
        "commits": [{"repository_id": "webkit", "branch": "main", "timestamp": timestamp, "hash": format!("{timestamp:040x}"), "message": "A change"}],
        "test_results": {"details": {"link": "https://ci.example.org/1"}, "run_stats": {"tests_skipped": 2}, "results": results},
    })
    .to_string()
    .into_bytes()
}

/// A zip file with one file as it is.
pub fn packed(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored)).unwrap();
    zip.write_all(contents).unwrap();
    zip.finish().unwrap().into_inner()
}

/// The content type of [`archive`].
pub const ARCHIVE_TYPE: &str = "multipart/form-data; boundary=mark";

/// The form that uploads the files of the run that [`upload`] uploads, packed as a zip file.
pub fn archive(timestamp: i64, start: i64, packed: &[u8]) -> Vec<u8> {
    let document: Value = serde_json::from_slice(&upload(timestamp, start, &json!({}))).unwrap();
    let mut body = Vec::new();
    for (name, value) in [
        ("suite", "layout-tests".to_owned()),
        ("configuration", document["configuration"].to_string()),
        ("commits", document["commits"].to_string()),
        ("timestamp", start.to_string()),
    ] {
        let field = format!("--mark\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(field.into_bytes());
    }
    body.extend(b"--mark\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\n");
    body.extend(packed);
    body.extend(b"\r\n--mark--\r\n");
    body
}
