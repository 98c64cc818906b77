//! Why a token does not count, and what is wrong with the configuration. No text holds a token.

use crate::needs::{ID_CLAIMS, MAX_TOKEN_BYTES};

/// Why a token does not count, in the order of the checks. Every text is for whoever sent the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It is longer than any CI's.
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// It is no JWT.
    #[error("the token is no JWT: {0}")]
    Malformed(&'static str),
    /// Its issuer is not configured.
    #[error("the token is of the issuer '{0}', which this server does not know: name it in [[access.issuers]]")]
    UnknownIssuer(String),
    /// It does not name its key.
    #[error("the token does not name its key: its header has no 'kid'")]
    NoKeyId,
    /// Its issuer has no usable key of that id.
    #[error("the token is signed with a key that {0} does not list, or that is too weak to count")]
    UnknownKey(String),
    /// The issuer's keys cannot be asked for now.
    #[error("the keys of {0} cannot be read now; try again")]
    KeysAway(String),
    /// Its algorithm is not the key's, or not allowed.
    #[error("the token's algorithm is not the one of its key, or is not among those that this server allows: {0}")]
    Algorithm(String),
    /// Its signature is not of this key.
    #[error("the token's signature does not hold")]
    Signature,
    /// A claim that every token needs is missing or has another type.
    #[error("the token's claim '{0}' is missing, or is not {1}")]
    Claim(&'static str, &'static str),
    /// It is for another service.
    #[error("the token is for another audience: ask the CI for one with the audience '{0}'")]
    Audience(String),
    /// It is for several services, each of which could use it here.
    #[error("the token is for several audiences: ask the CI for one with the audience '{0}' alone")]
    SeveralAudiences(String),
    /// Its time is over.
    #[error("the token has expired: ask the CI for a new one right before the upload")]
    Expired,
    /// Its time has not come.
    #[error("the token does not count yet: its 'nbf' is in the future; compare the clocks")]
    NotYet,
    /// It does not say which run it was issued for.
    #[error(
        "the token does not say which run it is of: it needs 'event_name' and 'run_id' (GitHub), 'pipeline_source' and \
         'pipeline_id' (GitLab), or 'pipeline_slug', 'build_number' and 'build_id' (Buildkite: \
         --claim organization_id,pipeline_id,build_id)"
    )]
    NoRun,
    /// No policy matches its claims.
    #[error("no policy for {issuer} matches the token; these claims have other values than policies ask for: {claims}")]
    NoPolicy {
        /// The issuer.
        issuer: String,
        /// Names of the claims that kept policies from matching.
        claims: String,
    },
    /// Policies match, and allow nothing that a change under review may do.
    #[error(
        "the run may be of a change under review, which may only upload, and only to the change lane; the policies that match \
         the token allow no upload"
    )]
    UnderReview,
}

impl IdentityError {
    /// Whether the same token may count a little later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::KeysAway(_))
    }

    /// Whether it is known who sent the token, and they may do nothing.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::NoPolicy { .. } | Self::UnderReview)
    }
}

/// What is wrong with an issuer, or a provider, of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// An address is none that is asked.
    #[error("'{0}' is not an https address without user, query and fragment (http only for loopback addresses)")]
    Address(String),
    /// It stands there twice.
    #[error("'{0}' is there twice; put all its policies into one")]
    Twice(String),
    /// It has no audience, so that any token of it would count.
    #[error("'{0}' needs an audience, such as this server's address")]
    NoAudience(String),
    /// Nothing may sign.
    #[error("'{0}' needs an algorithm: RS256 or ES256")]
    NoAlgorithm(String),
    /// No token of it may do anything.
    #[error("'{0}' has no policy, so that its tokens may do nothing")]
    NoPolicy(String),
    /// A policy names nothing that stays the same.
    #[error(
        "policy {number} of '{issuer}' names no id: names of repositories, groups and pipelines can be \
         registered again by somebody else, so that a policy needs one of these claims, without a pattern: {}", ID_CLAIMS.join(", ")
    )]
    NoId {
        /// The issuer.
        issuer: String,
        /// Which of its policies, from 1.
        number: usize,
    },
    /// A claim may have no value at all, or an empty one.
    #[error("policy {number} of '{issuer}' has {cause}")]
    NoValue {
        /// The issuer.
        issuer: String,
        /// Which of its policies, from 1.
        number: usize,
        /// What it lacks.
        cause: access::NoClaimValue,
    },
    /// A policy allows nothing, too much to read, or administration.
    #[error("policy {number} of '{issuer}' needs 1 to {} scopes, and never 'admin'", access::MAX_SCOPES)]
    Scopes {
        /// The issuer.
        issuer: String,
        /// Which of its policies, from 1.
        number: usize,
    },
}
