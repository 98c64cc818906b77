//! The part `[[access.issuers]]` of the configuration: whose tokens count, and for what. The crate `identity` checks them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::claims::ClaimValues;
use crate::scope::Scope;

/// A service that issues identity tokens to jobs, such as a forge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerOptions {
    /// The claim `iss` of its tokens, letter by letter: an `https` address without query. On loopback it may be `http`.
    pub issuer: String,
    /// The claim `aud` that jobs ask for; best this server's address, which no other service asks for.
    pub audience: String,
    /// The address of its public keys (JWKS, RFC 7517). Without it, `ISSUER/.well-known/openid-configuration` names an
    /// address of the same scheme, host and port.
    #[serde(default)]
    pub jwks: Option<String>,
    /// Algorithms that may sign.
    #[serde(default = "only_rs256")]
    pub algorithms: Vec<Algorithm>,
    /// What tokens may do. All that match a token add their scopes.
    #[serde(default)]
    pub policies: Vec<PolicyOptions>,
}

/// An algorithm that signs tokens (RFC 7518, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Algorithm {
    /// RSA of at least 2048 bits, PKCS #1 v1.5, with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

/// What tokens with certain claims may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyOptions {
    /// Values by claim; a token has to have one of each. One claim at least is an id that nobody else is ever given
    /// (`identity::ID_CLAIMS`), without a pattern.
    pub claims: BTreeMap<String, ClaimValues>,
    /// What is allowed: anything but `admin`.
    pub scopes: Vec<Scope>,
    /// Says that no change of a fork is built here. A CI whose tokens do not tell changes under review apart (Buildkite) uploads
    /// to the change lane only, unless this is said. Tokens that do tell are not moved by it.
    #[serde(default)]
    pub builds_no_forks: bool,
}

impl Algorithm {
    /// Its name in tokens and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
        }
    }
}

pub(crate) fn only_rs256() -> Vec<Algorithm> {
    vec![Algorithm::RS256]
}
