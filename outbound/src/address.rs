//! Which addresses are not public, by IANA's registries of special-purpose addresses, multicast and reserved space.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Address, length of the prefix, and what the range is for.
type Range<A> = (A, u32, &'static str);

/// Everything of IPv4 that is not globally reachable. The three /24 of AS112 and AMT are, and are missing here.
const IPV4: [Range<Ipv4Addr>; 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private use"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by carriers"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private use"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relays"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private use"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// Ranges of IPv6 with a name; what is outside [`GLOBAL_UNICAST`] is refused without one, too.
const IPV6: [Range<Ipv6Addr>; 14] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "local NAT64"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "discard only"),
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64, "dummy prefix"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, "segment routing"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique local"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

/// The only part of IPv6 from which public addresses are given out.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// The prefix by which translators reach IPv4 (RFC 6052).
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// What an address is for, unless it is public. An IPv6 address that leads to an IPv4 address counts as that one.
pub fn special_use(address: IpAddr) -> Option<&'static str> {
    match reached(address) {
        IpAddr::V4(address) => {
            let range = IPV4.iter().find(|(start, length, _)| has_prefix(address.into(), (*start).into(), *length));
            range.map(|(_, _, name)| *name)
        }
        IpAddr::V6(address) => {
            let is_in = |start: Ipv6Addr, length| has_prefix(address.into(), start.into(), length);
            let range = IPV6.iter().find(|(start, length, _)| is_in(*start, *length));
            let is_given_out = is_in(GLOBAL_UNICAST.0, GLOBAL_UNICAST.1);
            range.map(|(_, _, name)| *name).or((!is_given_out).then_some("not given out"))
        }
    }
}

/// The address that packets to an address arrive at: IPv4 for what is mapped or translated to it, by itself otherwise.
pub(crate) fn reached(address: IpAddr) -> IpAddr {
    let IpAddr::V6(inner) = address else { return address };
    if let Some(mapped) = inner.to_ipv4_mapped() {
        return mapped.into();
    }
    if has_prefix(inner.into(), NAT64.0.into(), NAT64.1) {
        let [.., a, b, c, d] = inner.octets();
        return Ipv4Addr::new(a, b, c, d).into();
    }
    address
}

/// Whether the first `length` bits of an address are those of `start`.
pub(crate) fn has_prefix(address: IpAddr, start: IpAddr, length: u32) -> bool {
    match (address, start) {
        (IpAddr::V4(address), IpAddr::V4(start)) => {
            (address.to_bits() ^ start.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(start)) => {
            (address.to_bits() ^ start.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// First and last address of every range of the registries that is not globally reachable.
    const SPECIAL: [(&str, &str); 34] = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.255"),
        ("::", "::"),
        ("::1", "::1"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        ("100::", "100::ffff:ffff:ffff:ffff"),
        ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
        ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:20::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // What no range names is not given out: IPv4-compatible addresses, and everything beside 2000::/3.
        ("4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];

    /// The public addresses beside every range, and those of special purpose that are globally reachable.
    const PUBLIC: [&str; 33] = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "192.175.48.1",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::1",
        "2001:200::",
        "2001:db7::1",
        "2003::1",
        "2620:4f:8000::1",
        "2a00:1450::1",
        "3ffe:ffff::1",
    ];

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn number(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => address.to_bits().into(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    /// Ways to write an IPv4 address in IPv6 that lead to it.
    fn disguised(address: Ipv4Addr) -> [IpAddr; 2] {
        let nat64 = Ipv6Addr::from_bits(NAT64.0.to_bits() | u128::from(address.to_bits()));
        [address.to_ipv6_mapped().into(), nat64.into()]
    }

    #[test]
    fn both_ends_of_every_special_range_are_special() {
        for (first, last) in SPECIAL {
            for end in [first, last] {
                assert!(special_use(address(end)).is_some(), "{end}");
            }
        }
        assert_eq!(special_use(address("169.254.169.254")), Some("link-local"));
        assert_eq!(special_use(address("::7f00:1")), Some("not given out"));
    }

    #[test]
    fn what_lies_beside_the_ranges_is_public() {
        for text in PUBLIC {
            assert_eq!(special_use(address(text)), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_lies_within_a_range_is_special(range in 0..SPECIAL.len(), offset in any::<u128>()) {
            let (first, last) = (address(SPECIAL[range].0), address(SPECIAL[range].1));
            let within = match number(last) - number(first) {
                0 => number(first),
                width => number(first) + offset % (width + 1),
            };
            let inner: IpAddr = match first {
                IpAddr::V4(_) => Ipv4Addr::from_bits(u32::try_from(within).unwrap()).into(),
                IpAddr::V6(_) => Ipv6Addr::from_bits(within).into(),
            };
            prop_assert!(special_use(inner).is_some(), "{inner}");
        }

        #[test]
        fn a_disguise_changes_nothing(bits in any::<u32>()) {
            let plain = Ipv4Addr::from_bits(bits);
            for other in disguised(plain) {
                prop_assert_eq!(special_use(other), special_use(plain.into()), "{}", other);
            }
        }

        #[test]
        fn the_standard_library_finds_nothing_more(bits in any::<u32>(), wide in any::<u128>()) {
            let (short, long) = (Ipv4Addr::from_bits(bits), Ipv6Addr::from_bits(wide));
            if short.is_private() || short.is_loopback() || short.is_link_local() || short.is_multicast()
                || short.is_broadcast() || short.is_documentation() || short.is_unspecified()
            {
                prop_assert!(special_use(short.into()).is_some(), "{short}");
            }
            if long.is_unique_local() || long.is_unicast_link_local() || long.is_multicast() {
                prop_assert!(special_use(long.into()).is_some(), "{long}");
            }
        }

        #[test]
        fn a_prefix_is_what_a_mask_keeps(bits in any::<u32>(), start in any::<u32>(), length in 0..=32u32) {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let same = bits & mask == start & mask;
            let is_in = has_prefix(Ipv4Addr::from_bits(bits).into(), Ipv4Addr::from_bits(start).into(), length);
            prop_assert_eq!(is_in, same);
        }
    }
}
