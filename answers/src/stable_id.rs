//! Names of what is told, by which a reader knows what it was told before.

use uuid::{Builder, Uuid};

/// The same for the same texts.
pub fn of(texts: &[&str]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Builder::from_custom_bytes(bytes).into_uuid()
}
