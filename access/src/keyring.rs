//! The keys that count, by their digests.

use std::collections::HashMap;
use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::denied::Denied;
use crate::scope::Scopes;
use crate::secret::{Digest, Secret};

/// A key as a service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The beginning of the digest.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What is stored of it.
    pub digest: Digest,
    /// What it allows.
    pub scopes: Arc<Scopes>,
    /// From when on it counts no more, seconds since 1970.
    pub expires_at: Option<i64>,
    /// When somebody ended it, seconds since 1970.
    pub ended_at: Option<i64>,
}

impl KeyRecord {
    /// Whether it counts at a time, in seconds since 1970.
    ///
    /// # Errors
    /// It counts no more; the text says why.
    pub fn check(&self, now: i64) -> Result<(), Denied> {
        let why = if self.ended_at.is_some_and(|at| at <= now) {
            "was revoked"
        } else if self.expires_at.is_some_and(|at| at <= now) {
            "has expired"
        } else {
            return Ok(());
        };
        Err(Denied::BadKey(format!("'{}' ({}) {why}; ask whoever runs this server for another", self.name, self.id)))
    }
}

/// Keys by digest.
#[derive(Debug, Default)]
pub struct Keyring(HashMap<Digest, Arc<KeyRecord>>);

impl Keyring {
    /// These keys.
    pub fn new(records: impl IntoIterator<Item = KeyRecord>) -> Self {
        Self(records.into_iter().map(|record| (record.digest, Arc::new(record))).collect())
    }

    /// The key of a secret. Whoever guesses learns nothing from the time that this takes: what is compared is a digest that
    /// they cannot choose, and the comparison of the whole takes the same time wherever two digests differ.
    pub fn find(&self, secret: &Secret) -> Option<&Arc<KeyRecord>> {
        let digest = secret.digest();
        self.0.get(&digest).filter(|record| bool::from(record.digest.0.ct_eq(&digest.0)))
    }

    /// The key of an id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<KeyRecord>> {
        self.0.values().find(|record| record.id == id)
    }

    /// All, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KeyRecord>> {
        self.0.values()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::secret::Kind;

    #[test]
    fn a_key_counts_until_it_expires_or_ends() {
        let secret = Secret::generate(Kind::Read).unwrap();
        let record = |expires_at, ended_at| KeyRecord {
            id: secret.digest().id(),
            name: "bots".into(),
            digest: secret.digest(),
            scopes: Arc::default(),
            expires_at,
            ended_at,
        };
        let ring = Keyring::new([record(Some(10), Some(20))]);
        assert!(ring.find(&secret).is_some() && ring.by_id(&secret.digest().id()).is_some());
        assert!(ring.find(&Secret::generate(Kind::Read).unwrap()).is_none());
        assert!(record(None, None).check(i64::MAX).is_ok() && record(Some(10), Some(20)).check(9).is_ok());
        let why = |expires_at, ended_at| record(expires_at, ended_at).check(10).unwrap_err().to_string();
        assert!(why(Some(10), None).contains("has expired") && why(Some(11), Some(10)).contains("was revoked"));
    }
}
