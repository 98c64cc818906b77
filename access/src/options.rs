//! The part `[access]` of the configuration.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use serde::Deserialize;
use serde::de::{Deserializer, Unexpected, Visitor};

use crate::issuer_options::IssuerOptions;
use crate::keyring::KeyRecord;
use crate::limits::Limits;
use crate::people::{PeopleError, PeopleOptions, ProxyHeaders, Roles};
use crate::proxy::Proxy;
use crate::scope::{MAX_SCOPES, Scope, Scopes};
use crate::secret::Digest;

/// Who may come in. Where there is no such part, anybody may do anything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessOptions {
    /// Whether reading needs a key.
    pub reading: Reading,
    /// A file with what sessions of people are signed with, at least 32 bytes; the same for all services. Without it, sessions
    /// end with the process.
    pub session_secret_file: Option<PathBuf>,
    /// How much one caller may ask for.
    pub limits: Limits,
    /// Proxies that say in `Forwarded` or `X-Forwarded-For` for whom they ask.
    pub proxies: Vec<Proxy>,
    /// Keys beside those that are made while the server runs, such as the first one.
    pub keys: Vec<ConfiguredKey>,
    /// Services whose tokens count beside keys.
    pub issuers: Vec<IssuerOptions>,
    /// People, beside those who hold keys.
    pub people: Option<PeopleOptions>,
}

/// Whether reading needs a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// It needs one.
    #[default]
    Closed,
    /// Anybody reads.
    Open,
}

/// A key that the configuration names. It ends when it is taken out of there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfiguredKey {
    /// What it is for.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal digits.
    pub digest: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// The day at whose beginning it ends (UTC), as 2027-01-31; never without.
    #[serde(default, deserialize_with = "day")]
    pub expires: Option<NaiveDate>,
}

/// What is wrong with keys or people of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Its digest is none.
    #[error(
        "access.keys: the digest of the key '{0}' is not 64 hexadecimal digits: `resultsdb keys create` without --url prints one"
    )]
    Digest(String),
    /// It is there twice, perhaps with other scopes.
    #[error("access.keys: the keys '{0}' and '{1}' have one digest: take one of them out")]
    Twice(String, String),
    /// What is said of people makes no sense.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// It allows nothing, or too much to read.
    #[error("access.keys: the key '{0}' has no scope, or more than {MAX_SCOPES}")]
    Scopes(String),
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    struct Day;
    impl Visitor<'_> for Day {
        type Value = NaiveDate;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a day, such as \"2027-01-31\"")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<NaiveDate, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_str(Day).map(Some)
}

impl AccessOptions {
    /// Whether it lets nobody in but who has a key that was made while a server ran.
    pub fn names_nobody(&self) -> bool {
        // Examples stand in for a digest with zeros.
        let is_real = |key: &ConfiguredKey| key.digest.bytes().any(|digit| digit != b'0');
        self.issuers.is_empty() && self.people.is_none() && !self.keys.iter().any(is_real)
    }

    /// The keys.
    ///
    /// # Errors
    /// One has no digest, one that another has, or no scope.
    pub fn records(&self) -> Result<Vec<KeyRecord>, OptionsError> {
        let mut records: Vec<KeyRecord> = Vec::with_capacity(self.keys.len());
        for record in self.keys.iter().map(ConfiguredKey::record) {
            let record = record?;
            if let Some(other) = records.iter().find(|other| other.digest == record.digest) {
                return Err(OptionsError::Twice(other.name.clone(), record.name));
            }
            records.push(record);
        }
        Ok(records)
    }

    /// How to read what proxies say of people.
    ///
    /// # Errors
    /// It makes no sense, or nobody says who people are.
    pub(crate) fn proxy_headers(&self) -> Result<Option<ProxyHeaders>, PeopleError> {
        let Some(people) = &self.people else { return Ok(None) };
        let roles = Roles::new(&people.roles)?;
        match &people.proxy {
            None if people.provider.is_none() => Err(PeopleError::NoWay),
            None => Ok(None),
            Some(_) if self.proxies.is_empty() => Err(PeopleError::NoProxies),
            Some(proxy) => ProxyHeaders::new(proxy, roles).map(Some),
        }
    }
}

impl ConfiguredKey {
    fn record(&self) -> Result<KeyRecord, OptionsError> {
        let digest = Digest::parse(&self.digest).ok_or_else(|| OptionsError::Digest(self.name.clone()))?;
        if self.scopes.is_empty() || self.scopes.len() > MAX_SCOPES {
            return Err(OptionsError::Scopes(self.name.clone()));
        }
        Ok(KeyRecord {
            id: digest.id(),
            name: self.name.clone(),
            digest,
            scopes: Arc::new(Scopes::new(self.scopes.clone())),
            expires_at: self.expires.map(|day| day.and_time(NaiveTime::MIN).and_utc().timestamp()),
            ended_at: None,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(keys: &[(&str, &str, &[&str])]) -> String {
        let keys = keys.iter().map(|(name, digest, scopes)| ConfiguredKey {
            name: (*name).to_owned(),
            digest: (*digest).to_owned(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            expires: None,
        });
        AccessOptions { keys: keys.collect(), ..AccessOptions::default() }.records().unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_by_its_name() {
        let (lower, upper) = ("ab".repeat(32), "AB".repeat(32));
        assert!(refused(&[("a", "7", &["read"])]).starts_with("access.keys: the digest of the key 'a' is not 64"));
        assert!(refused(&[("a", &lower, &[])]).starts_with("access.keys: the key 'a' has no scope"));
        let twice = refused(&[("a", &lower, &["read"]), ("b", &upper, &["admin"])]);
        assert_eq!(twice, "access.keys: the keys 'a' and 'b' have one digest: take one of them out");
    }
}
