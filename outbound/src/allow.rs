//! Hosts and networks that are asked though they are not public.

use std::net::IpAddr;

use crate::address::{has_prefix, reached};

/// An entry of `allow` that nobody understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' in allow of [outbound] is neither a host such as \"gitlab.internal\" nor an address or network such as \
     \"10.1.0.0/16\"; write it without scheme, port and path"
)]
pub struct AllowListError(String);

/// What the configuration lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowList {
    /// Names of hosts, in the form of [`plain_host`].
    hosts: Vec<String>,
    /// Start and length of the prefix.
    networks: Vec<(IpAddr, u32)>,
}

impl AllowList {
    pub(crate) fn parse(entries: &[String]) -> Result<Self, AllowListError> {
        let mut list = Self::default();
        for entry in entries {
            let wrong = || AllowListError(entry.clone());
            if let Some(network) = network(entry) {
                list.networks.push(network);
            } else if is_name(entry) {
                list.hosts.push(plain_host(entry));
            } else {
                return Err(wrong());
            }
        }
        Ok(list)
    }

    pub(crate) fn has_host(&self, host: &str) -> bool {
        let host = plain_host(host);
        self.hosts.contains(&host)
    }

    /// Whether a network has an address, or the IPv4 address that it leads to.
    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        let is_listed = |address| self.networks.iter().any(|(start, length)| has_prefix(address, *start, *length));
        is_listed(address) || is_listed(reached(address))
    }
}

/// A host's name in the one form in which names are compared.
pub(crate) fn plain_host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// An address, or an address and the length of a prefix.
fn network(entry: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = entry.split_once('/').map_or((entry, None), |(address, length)| (address, Some(length)));
    let bare = address.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(address);
    let address: IpAddr = bare.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    match length {
        None => Some((address, whole)),
        Some(length) => length.parse().ok().filter(|length| *length <= whole).map(|length| (address, length)),
    }
}

fn is_name(entry: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    entry.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && entry.bytes().all(is_plain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(entries: &[&str]) -> Result<AllowList, AllowListError> {
        AllowList::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn hosts_are_compared_without_case_and_final_dot() {
        let list = list(&["GitLab.internal."]).unwrap();
        assert!(list.has_host("gitlab.INTERNAL") && list.has_host("gitlab.internal."));
        assert!(
            !list.has_host("internal") && !list.has_host("a.gitlab.internal") && !list.has_host("gitlab.internal.b")
        );
    }

    #[test]
    fn networks_hold_their_addresses_in_any_disguise() {
        let list = list(&["10.1.0.0/16", "127.0.0.1", "fd00::/8", "[::1]"]).unwrap();
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "127.0.0.1", "fd12::1", "::1"] {
            assert!(list.has_address(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.2.0.0", "127.0.0.2", "fe80::1", "::2", "64:ff9b::10.2.0.0"] {
            assert!(!list.has_address(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn what_is_no_host_and_no_network_is_refused() {
        for entry in
            ["", "http://a", "a:80", "10.0.0.0/33", "10.0.0/8", "::/129", "*.internal", "a/b", "a b", "10.0.0.0/-1"]
        {
            let error = list(&[entry]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{entry}' in allow of [outbound]")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(entry in "\\PC{0,40}") {
            if let Ok(list) = list(&[&entry]) {
                prop_assert_eq!(list.hosts.len() + list.networks.len(), 1);
            }
        }

        #[test]
        fn an_address_lists_itself_alone(one in any::<u128>(), other in any::<u128>()) {
            let [one, other] = [one, other].map(|bits| IpAddr::V6(std::net::Ipv6Addr::from_bits(bits)));
            let list = list(&[&one.to_string()]).unwrap();
            prop_assert!(list.has_address(one));
            prop_assert_eq!(list.has_address(other), one == other);
        }
    }
}
