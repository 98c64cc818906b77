//! Proxies whose word counts, as the configuration lists them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// One proxy, or a network of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Proxy(IpNet);

/// A text is neither an address nor a network.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is neither an address nor a network: write 10.0.0.1, or 10.0.0.0/8")]
pub struct ProxyError(String);

impl TryFrom<String> for Proxy {
    type Error = ProxyError;

    fn try_from(text: String) -> Result<Self, ProxyError> {
        let address = text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
        address.or_else(|_| text.parse()).map(Self).map_err(|_| ProxyError(text))
    }
}

impl Proxy {
    /// Whether an address is its own.
    pub(crate) fn has(&self, address: &IpAddr) -> bool {
        self.0.contains(address)
    }
}
