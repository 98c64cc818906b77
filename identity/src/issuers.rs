//! Tokens of all configured issuers.

use std::collections::HashMap;
use std::sync::Arc;

use access::{IssuerOptions, Scope, Scopes};
use outbound::Outbound;

use crate::ci::{CiRun, Code, shortened};
use crate::error::{IdentityError, IssuerError};
use crate::fetch::Source;
use crate::keyset::Keyset;
use crate::policy::Policy;
use crate::token::{Claims, Unverified};
use crate::token_check::TokenCheck;

/// Who a token is of, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who it is, as events and the audit say it: `repository octo/widget, run 77 (https://token.actions.githubusercontent.com)`.
    pub actor: String,
    /// What it allows, for this run alone.
    pub scopes: Scopes,
    /// The id of the run that the token was issued for, as the CI tells its jobs (`GITHUB_RUN_ID`, `CI_PIPELINE_ID`,
    /// `BUILDKITE_BUILD_ID`). An upload whose `run.id` or `shard.of` is another one is not what the token allows. A token may
    /// come again and again within its run: a job uploads in several requests.
    pub run: String,
}

/// Issuers whose tokens count; a clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Issuers(Arc<HashMap<String, Issuer>>);

#[derive(Debug)]
struct Issuer {
    name: String,
    tokens: TokenCheck,
    policies: Vec<Policy>,
}

impl Issuers {
    /// Reads the configuration. Nobody is asked for keys yet; `outbound` says who may be.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(options: &[IssuerOptions], outbound: &Outbound) -> Result<Self, IssuerError> {
        let mut issuers = HashMap::with_capacity(options.len());
        for options in options {
            if issuers.insert(options.issuer.clone(), Issuer::new(options, outbound)?).is_some() {
                return Err(IssuerError::Twice(options.issuer.clone()));
            }
        }
        Ok(Self(Arc::new(issuers)))
    }

    /// Whether no token counts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a token at `now`, seconds since 1970. It may ask the issuer for its keys.
    ///
    /// # Errors
    /// The first check that fails, in this order: form, issuer, key, algorithm, signature, audience, times, run, policies.
    pub async fn check(&self, token: &str, now: i64) -> Result<Identity, IdentityError> {
        let unverified = Unverified::read(token)?;
        let unknown = || IdentityError::UnknownIssuer(shortened(&unverified.issuer));
        let issuer = self.0.get(&unverified.issuer).ok_or_else(unknown)?;
        issuer.identity(&issuer.tokens.claims(&unverified, now).await?)
    }
}

impl Issuer {
    fn new(options: &IssuerOptions, outbound: &Outbound) -> Result<Self, IssuerError> {
        let name = || options.issuer.clone();
        let source = Source::new(&options.issuer, options.jwks.as_deref(), outbound)?;
        let keys = Arc::new(Keyset::new(&options.issuer, source));
        let tokens = TokenCheck::new(&options.issuer, &options.audience, &options.algorithms, keys)?;
        if options.policies.is_empty() {
            return Err(IssuerError::NoPolicy(name()));
        }
        let policies = options.policies.iter().zip(1..);
        Ok(Self {
            name: name(),
            tokens,
            policies: policies
                .map(|(policy, number)| Policy::new(&options.issuer, number, policy))
                .collect::<Result<_, _>>()?,
        })
    }

    /// What all policies that match allow to the run that these claims are of.
    fn identity(&self, claims: &Claims) -> Result<Identity, IdentityError> {
        let run = CiRun::of(claims.all())?;
        let (mut scopes, mut mismatches, mut has_match): (Vec<Scope>, Vec<&str>, _) = (Vec::new(), Vec::new(), false);
        for policy in &self.policies {
            let wrong = policy.mismatches(claims.all());
            if wrong.is_empty() {
                has_match = true;
                scopes.extend(allowed(policy, run.code));
            }
            mismatches.extend(wrong);
        }
        if !has_match {
            mismatches.sort_unstable();
            mismatches.dedup();
            return Err(IdentityError::NoPolicy { issuer: self.name.clone(), claims: mismatches.join(", ") });
        }
        if scopes.is_empty() {
            return Err(IdentityError::UnderReview);
        }
        Ok(Identity { actor: format!("{} ({})", run.name, self.name), scopes: Scopes::new(scopes), run: run.id })
    }
}

/// What a policy allows to code of this kind. What may be a fork's never counts as evidence about a branch.
fn allowed(policy: &Policy, code: Code) -> Vec<Scope> {
    let is_whole = code == Code::OnBranch || (code == Code::Untold && policy.builds_no_forks);
    if is_whole { policy.scopes.clone() } else { policy.scopes.iter().filter_map(Scope::reduced_to_changes).collect() }
}
