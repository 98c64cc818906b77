//! Recognises uploads that repeat an earlier one.

use serde::{Deserialize, Serialize};

use super::Request;
use crate::commit::{branch_keys, run_uuid};

/// What a repetition of an upload is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadFingerprint {
    /// The run that it writes: `run ` and a digest of the run's natural key.
    pub run: String,
    /// Digest of everything that the upload says.
    pub content: String,
    /// `key ` and a digest of the sender's `Idempotency-Key`; none if the sender gave none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
}

impl UploadFingerprint {
    /// The fingerprint of an upload with these results; none for other requests.
    pub fn of(request: &Request, test_results: &[u8], key: Option<&[u8]>) -> Option<Self> {
        let Request::Upload { suite, configuration, commits, timestamp, .. } = request else { return None };
        let run = (suite, configuration, branch_keys(commits), run_uuid(commits), timestamp);
        Some(Self {
            run: format!("run {}", blake3::hash(&serde_json::to_vec(&run).ok()?).to_hex()),
            content: content(request, test_results)?,
            key: key.map(|key| format!("key {}", blake3::hash(key).to_hex())),
        })
    }

    /// The same for an upload that does not say when its run started: its contents are the same at any time.
    #[must_use]
    pub fn at_any_time(self, request: &Request, test_results: &[u8]) -> Self {
        let mut timeless = request.clone();
        if let Request::Upload { timestamp, .. } = &mut timeless {
            *timestamp = 0;
        }
        match content(&timeless, test_results) {
            Some(content) => Self { content, ..self },
            None => self,
        }
    }

    /// The names under which the upload's receipt is found.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.run.as_str()).chain(self.key.as_deref())
    }
}

/// Hexadecimal digest of everything that an upload says.
fn content(request: &Request, test_results: &[u8]) -> Option<String> {
    let mut content = blake3::Hasher::new();
    content.update(&serde_json::to_vec(request).ok()?).update(test_results);
    Some(content.finalize().to_hex().to_string())
}
