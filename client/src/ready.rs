//! Documents that are ready to be uploaded: what `--dry-run` prints, or what other programs make.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::ExitCode;

use anyhow::Context;

use crate::delivery::new_key;
use crate::progress::Progress;
use crate::server::Server;

/// Bytes at the beginning of a file by which it is told what it is.
const HEAD_BYTES: u64 = 64 << 10;
/// Members that a document has, and no report.
const MEMBERS: [&str; 3] = ["\"test_results\"", "\"configuration\"", "\"commits\""];

/// Whether a file is a document, by its beginning.
pub(crate) fn is_document(path: &str) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    let text = String::from_utf8_lossy(&head);
    read.is_ok() && text.trim_start().starts_with('{') && MEMBERS.iter().any(|member| text.contains(member))
}

/// Uploads documents one after the other, each with a key of its own, so that trying again is harmless.
///
/// # Errors
/// One is not taken; those before it are.
pub(crate) fn upload(files: &[String], server: &Server) -> anyhow::Result<ExitCode> {
    for path in files {
        let failed = || format!("uploading {path}");
        let file = File::open(path).with_context(failed)?;
        let length = file.metadata().with_context(failed)?.len();
        let progress = Progress::sending(length);
        let mut open = || -> io::Result<(Box<dyn Read>, u64)> {
            let mut file = file.try_clone()?;
            file.rewind()?;
            Ok((progress.count(file), length))
        };
        let key = new_key()?;
        let headers =
            [("Content-Type", "application/json"), ("Prefer", "handling=strict"), ("Idempotency-Key", key.as_str())];
        let sent = server.post("/api/upload", &headers, &mut open);
        progress.finish();
        sent.with_context(failed)?;
    }
    Ok(ExitCode::SUCCESS)
}
