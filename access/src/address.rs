//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::proxy::Proxy;

/// The headers in which proxies say for whom they ask, the standard one first.
const FORWARDED: &str = "forwarded";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of whoever sends a request: the other end of the connection, or, if that is one of the listed proxies, the last
/// address they name that is none of them. What anybody else writes into these headers counts for nothing.
///
/// An address of IPv6 stands for its network of 64 bits, which is what one place is given (RFC 6177): whoever has one could
/// otherwise be somebody else with each request.
pub(crate) fn of(request: &Parts, proxies: &[Proxy]) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let peer = peer.ip().to_canonical();
    let named = if is_of(request, proxies) { named(&request.headers, proxies) } else { None };
    Some(network(named.unwrap_or(peer)))
}

/// Whether a request comes from one of the listed proxies.
pub(crate) fn is_of(request: &Parts, proxies: &[Proxy]) -> bool {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| has(proxies, &peer.ip().to_canonical()))
}

fn has(proxies: &[Proxy], address: &IpAddr) -> bool {
    proxies.iter().any(|proxy| proxy.has(address))
}

/// The address that proxies name. A proxy sets one of the two headers and may pass the other on as it came: where both name
/// somebody, they have to agree, or nobody knows which is the proxy's.
fn named(headers: &HeaderMap, proxies: &[Proxy]) -> Option<IpAddr> {
    let lines =
        |name| headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    // RFC 7239, section 4: `for=192.0.2.1`, `for="[2001:db8::1]:4711"`, beside other parameters.
    let of_standard = |element: &str| {
        let pair = element.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then_some(value.to_owned())
        });
        pair.and_then(|value| address(value.trim_matches('"')))
    };
    let last = |addresses: Vec<IpAddr>| addresses.into_iter().rev().find(|address| !has(proxies, address));
    let standard = last(lines(FORWARDED).filter_map(of_standard).collect());
    let usual = last(lines(FORWARDED_FOR).filter_map(address).collect());
    match (standard, usual) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

/// The network of an address of IPv6; one of IPv4 is its own.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let alone = text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    alone
        .or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn seen(peer: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::new(());
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        for (name, value) in headers {
            request.headers_mut().append(axum::http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let proxies = ["10.0.0.1", "10.0.0.2", "10.1.0.0/16"].map(|proxy| Proxy::try_from(proxy.to_owned()).unwrap());
        of(&request.into_parts().0, &proxies).unwrap().to_string()
    }

    #[test]
    fn only_listed_proxies_say_for_whom_they_ask() {
        let forged = [("x-forwarded-for", "192.0.2.9")];
        assert_eq!(seen("192.0.2.1:5", &forged), "192.0.2.1");
        assert_eq!(seen("10.0.0.1:5", &forged), "192.0.2.9");
        // What stands further left anybody may have written.
        assert_eq!(seen("10.0.0.1:5", &[("x-forwarded-for", "1.1.1.1, 192.0.2.9, 10.0.0.2")]), "192.0.2.9");
        assert_eq!(
            seen("10.0.0.1:5", &[("forwarded", "for=1.1.1.1, proto=https;For=\"[2001:db8::1]:4711\"")]),
            "2001:db8::"
        );
        assert_eq!(
            seen("10.0.0.1:5", &[("forwarded", "for=unknown"), ("x-forwarded-for", "192.0.2.9:80")]),
            "192.0.2.9"
        );
        assert_eq!(seen("10.1.7.7:5", &[("x-forwarded-for", "192.0.2.9, 10.1.2.3")]), "192.0.2.9");
        assert_eq!(seen("10.2.7.7:5", &forged), "10.2.7.7");
        // Of two headers, one may be passed on as anybody wrote it.
        let (standard, usual) = (("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "192.0.2.9"));
        assert_eq!(seen("10.0.0.1:5", &[standard, usual]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1:5", &[("forwarded", "for=192.0.2.9"), usual]), "192.0.2.9");
        assert_eq!(seen("10.0.0.1:5", &[]), "10.0.0.1");
        assert_eq!(seen("[::ffff:192.0.2.1]:5", &[]), "192.0.2.1");
    }

    #[test]
    fn a_place_with_many_addresses_is_one() {
        assert_eq!(seen("[2001:db8:0:7:1:2:3:4]:5", &[]), seen("[2001:db8:0:7::9]:5", &[]));
        assert_ne!(seen("[2001:db8:0:7::9]:5", &[]), seen("[2001:db8:0:8::9]:5", &[]));
    }
}
