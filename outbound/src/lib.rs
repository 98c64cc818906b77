//! Requests that a server makes to addresses of its configuration: hosts of repositories, CI masters, hooks, issuers.
//!
//! Such an address may be chosen, or its name pointed elsewhere, by somebody who cannot reach the server's own network.
//! Every request therefore goes through an agent of [`Outbound`]:
//!
//! - the name is resolved once, all of its addresses are checked ([`special_use`]), and the connection goes to exactly
//!   these addresses, so that a name cannot change between check and use;
//! - an address that is not public is refused, unless the configuration lists its host or network;
//! - redirects stay within the scheme, host and port of the first request;
//! - time and size of an answer are bounded.
//!
//! Proxies of the environment are not used: a proxy resolves names by itself, and would undo the check.

mod address;
mod allow;
mod origin;
mod resolver;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;

pub use address::special_use;
use allow::AllowList;
pub use allow::AllowListError;
pub use origin::Origin;
use resolver::CheckedResolver;

/// Bytes of an answer's body that [`text`] reads.
pub const MAX_ANSWER_BYTES: u64 = 10 << 20;
/// Redirects that an agent follows within one origin, where it follows any.
pub const SAME_ORIGIN_REDIRECTS: u32 = 5;

/// Why a request is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address has no host of the web. It is not shown: addresses of hooks are secrets.
    #[error("the address must begin with https:// or http:// and name a host")]
    Address,
    /// The host has an address that is not public, and is not listed.
    #[error(
        "the host {host} is private ({range}), and a server asks no private host that its configuration does not list; \
         if it is meant, add \"{host}\" to allow in [outbound] of the configuration"
    )]
    Private {
        /// The host, as the address names it.
        host: String,
        /// The range that one of its addresses is in.
        range: &'static str,
    },
    /// The host sends the request elsewhere.
    #[error("{from} redirects to {to}, and a server follows no redirect to another host")]
    Redirect {
        /// Scheme, host and port of the request.
        from: String,
        /// Scheme, host and port of the redirect.
        to: String,
    },
}

/// What a server may ask of others, as it is configured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundOptions {
    /// Hosts (`gitlab.internal`), addresses (`127.0.0.1`) and networks (`10.1.0.0/16`) that are asked though they are
    /// not public.
    pub allow: Vec<String>,
}

/// Makes the agents of all requests to others; a clone is the same rule. The default asks public hosts only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "OutboundOptions")]
pub struct Outbound {
    allow: Arc<AllowList>,
}

impl TryFrom<OutboundOptions> for Outbound {
    type Error = AllowListError;

    fn try_from(options: OutboundOptions) -> Result<Self, AllowListError> {
        Ok(Self { allow: Arc::new(AllowList::parse(&options.allow)?) })
    }
}

impl Outbound {
    /// An agent for requests to the scheme, host and port of `url`, and to nothing else.
    ///
    /// One request takes at most `timeout`, its redirects included, of which there are at most `redirects`; an answer of
    /// any status is an answer.
    ///
    /// # Errors
    /// `url` is no address of the web. Everything else shows in the error of a request, of which [`explain`] makes a text.
    pub fn agent(&self, url: &str, timeout: Duration, redirects: u32) -> Result<ureq::Agent, OutboundError> {
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(timeout))
            .max_redirects(redirects)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("resultsdb")
            .build();
        let origin = Origin::of_address(url)?;
        let resolver = CheckedResolver::new(DefaultResolver::default(), origin, Arc::clone(&self.allow));
        Ok(ureq::Agent::with_parts(config, DefaultConnector::default(), resolver))
    }
}

/// The refusal behind the error of a request; none where the request was made.
pub fn refusal(error: &ureq::Error) -> Option<&OutboundError> {
    match error {
        ureq::Error::Other(cause) => cause.downcast_ref(),
        _ => None,
    }
}

/// One sentence about the error of a request.
pub fn explain(error: &ureq::Error) -> String {
    refusal(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// The body of an answer.
///
/// # Errors
/// The body ends early, takes too long, or is larger than [`MAX_ANSWER_BYTES`].
pub fn text(answer: &mut ureq::http::Response<ureq::Body>) -> Result<String, ureq::Error> {
    answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string()
}
