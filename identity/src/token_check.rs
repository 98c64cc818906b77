//! What every token of one issuer has to hold, whoever it is of.

use std::sync::Arc;

use access::Algorithm;

use crate::error::{IdentityError, IssuerError};
use crate::keyset::Keyset;
use crate::token::{Claims, Unverified};

/// Checks tokens of one issuer, each step before the next: key → algorithm → signature → audience → times.
#[derive(Debug)]
pub(crate) struct TokenCheck {
    audience: String,
    algorithms: Vec<Algorithm>,
    keys: Arc<Keyset>,
}

impl TokenCheck {
    /// # Errors
    /// No audience, or no algorithm.
    pub(crate) fn new(
        issuer: &str,
        audience: &str,
        algorithms: &[Algorithm],
        keys: Arc<Keyset>,
    ) -> Result<Self, IssuerError> {
        if audience.is_empty() {
            return Err(IssuerError::NoAudience(issuer.to_owned()));
        }
        if algorithms.is_empty() {
            return Err(IssuerError::NoAlgorithm(issuer.to_owned()));
        }
        Ok(Self { audience: audience.to_owned(), algorithms: algorithms.to_vec(), keys })
    }

    /// The claims of a token at `now`, seconds since 1970. It may ask the issuer for its keys.
    ///
    /// # Errors
    /// The first check that fails.
    pub(crate) async fn claims(&self, unverified: &Unverified<'_>, now: i64) -> Result<Claims, IdentityError> {
        let key = self.keys.key(unverified.key_id()?, now).await?;
        if !self.algorithms.contains(&key.algorithm()) || unverified.algorithm() != key.algorithm().name() {
            let names: Vec<&str> = self.algorithms.iter().map(|algorithm| algorithm.name()).collect();
            return Err(IdentityError::Algorithm(names.join(", ")));
        }
        let claims = unverified.verified(&key)?;
        claims.check_audience(&self.audience)?;
        claims.check_times(now)?;
        Ok(claims)
    }
}
