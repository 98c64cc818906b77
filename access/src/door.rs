//! The door: who asks, by what they send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::{HeaderMap, header};
use schema::clock::now_signed;

use crate::caller::{Caller, Who};
use crate::denied::Denied;
use crate::keyring::{KeyRecord, Keyring};
use crate::options::{AccessOptions, OptionsError, Reading};
use crate::scope::{Scope, Scopes};
use crate::secret::Secret;

/// Knows who may come in; a clone is the same door.
#[derive(Debug, Clone, Default)]
pub struct Door(Option<Arc<Guarded>>);

/// What a door knows that is not open.
#[derive(Debug)]
struct Guarded {
    reading: Reading,
    configured: Keyring,
    /// Keys that were made while servers ran; none before they were read for the first time.
    stored: RwLock<Option<Arc<Keyring>>>,
    /// Keys that were used since that was written last, and when, seconds since 1970.
    used: Mutex<HashMap<String, i64>>,
}

impl Door {
    /// A door through which anybody may do anything.
    pub fn open() -> Self {
        Self(None)
    }

    /// A door that asks for keys.
    ///
    /// # Errors
    /// A key of the configuration makes no sense.
    pub fn guarded(options: &AccessOptions) -> Result<Self, OptionsError> {
        Ok(Self(Some(Arc::new(Guarded {
            reading: options.reading,
            configured: Keyring::new(options.records()?),
            stored: RwLock::default(),
            used: Mutex::default(),
        }))))
    }

    /// Whether anybody may do anything.
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Who sends a request with these headers.
    ///
    /// # Errors
    /// They send a key that does not count.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Denied> {
        let Some(guarded) = &self.0 else { return Ok(Caller::anyone()) };
        match bearer(headers) {
            None => Ok(guarded.nobody()),
            Some(text) => guarded.holder(&text?),
        }
    }

    /// Whoever holds a key that came in an upload, as the reference's uploaders send theirs.
    ///
    /// # Errors
    /// The key does not count.
    pub fn holder(&self, key: &str) -> Result<Caller, Denied> {
        match &self.0 {
            None => Ok(Caller::anyone()),
            Some(guarded) => guarded.holder(key),
        }
    }

    /// Puts the keys in place that are stored.
    pub fn replace_stored(&self, keys: Vec<KeyRecord>) {
        if let Some(guarded) = &self.0 {
            let keys = Some(Arc::new(Keyring::new(keys)));
            *guarded.stored.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
    }

    /// The stored key of an id.
    pub fn stored_key(&self, id: &str) -> Option<Arc<KeyRecord>> {
        self.0.as_ref()?.stored()?.by_id(id).cloned()
    }

    /// The keys of the configuration.
    pub fn configured_keys(&self) -> Vec<Arc<KeyRecord>> {
        self.0.iter().flat_map(|guarded| guarded.configured.iter().cloned()).collect()
    }

    /// Keys that were used since this was asked last, and when, seconds since 1970.
    pub(crate) fn take_used(&self) -> HashMap<String, i64> {
        let Some(guarded) = &self.0 else { return HashMap::new() };
        std::mem::take(&mut *guarded.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Guarded {
    fn nobody(&self) -> Caller {
        let scopes = match self.reading {
            Reading::Open => Scopes::new(vec![Scope::Read]),
            Reading::Closed => Scopes::default(),
        };
        Caller::new(Who::Nobody, Arc::new(scopes))
    }

    fn stored(&self) -> Option<Arc<Keyring>> {
        self.stored.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn holder(&self, key: &str) -> Result<Caller, Denied> {
        let secret = Secret::parse(key.trim()).map_err(|error| Denied::BadKey(error.to_string()))?;
        let record = match self.configured.find(&secret) {
            Some(record) => Arc::clone(record),
            None => {
                let stored = self.stored().ok_or(Denied::Unready)?;
                let unknown = || Denied::BadKey("this server does not know it".to_owned());
                Arc::clone(stored.find(&secret).ok_or_else(unknown)?)
            }
        };
        let now = now_signed();
        record.check(now)?;
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(record.id.clone(), now);
        let who = Who::Key { id: record.id.clone(), name: record.name.clone() };
        Ok(Caller::new(who, Arc::clone(&record.scopes)))
    }
}

/// The bearer's key of `Authorization` (RFC 6750); none if there is no such header.
fn bearer(headers: &HeaderMap) -> Option<Result<String, Denied>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    let other = || Denied::BadKey("'Authorization' must be 'Bearer', a space and the key".to_owned());
    if values.next().is_some() {
        return Some(Err(Denied::BadKey("there are several 'Authorization' headers".to_owned())));
    }
    let read = value.to_str().ok().and_then(|text| text.split_once(' '));
    Some(match read {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key.trim().to_owned()),
        _ => Err(other()),
    })
}
