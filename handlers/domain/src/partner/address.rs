//! SSRF protection: which IP addresses may be dialled on behalf of a stranger.
//!
//! The lists are those of the IANA special-purpose address registries, and Azure's platform address, which lies in a public range. Forms of
//! IPv6 that carry an IPv4 address are refused, or judged by the address inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address must not be dialled: what it is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is {0}")]
pub struct AddressRefusal(&'static str);

/// First address, bits of the prefix, name.
const V4: [(Ipv4Addr, u32, &str); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "of this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "of a private network"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared behind carriers' translators"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "of this machine"),
    (Ipv4Addr::new(168, 63, 129, 16), 32, "Azure's platform address"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "of the local link"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "of a private network"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "kept for protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a relay to IPv6"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "of a private network"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "of a multicast group"),
    (Ipv4Addr::BROADCAST, 32, "the broadcast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// The same of IPv6. The first that contains an address names it.
const V6: [(Ipv6Addr, u32, &str); 16] = [
    (Ipv6Addr::LOCALHOST, 128, "of this machine"),
    (Ipv6Addr::UNSPECIFIED, 128, "of no machine"),
    (Ipv6Addr::UNSPECIFIED, 96, "an IPv4 address in an old spelling"),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, "a translated IPv4 address"),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, "a translated IPv4 address"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "a translated IPv4 address"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "where packets are discarded"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "a Teredo tunnel"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "kept for protocols"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "for documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "a 6to4 tunnel"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "for documentation"),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, "of segment routing"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "of a private network"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 9, "of the local link or site"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "of a multicast group"),
];

/// What is given out to the public Internet at all: `2000::/3`.
const GLOBAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Judges an address that is about to be dialled. IPv4 mapped into IPv6 (`::ffff:a.b.c.d`) is judged as IPv4.
///
/// # Errors
/// It is not one of the public Internet.
pub fn judge_address(address: IpAddr) -> Result<(), AddressRefusal> {
    let refusal = match address.to_canonical() {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            V4.iter().find(|(first, prefix, _)| (bits ^ first.to_bits()) >> (32 - prefix) == 0).map(|range| range.2)
        }
        IpAddr::V6(address) => {
            let within =
                |(first, prefix): (Ipv6Addr, u32)| (address.to_bits() ^ first.to_bits()) >> (128 - prefix) == 0;
            let named = V6.iter().find(|range| within((range.0, range.1))).map(|range| range.2);
            named.or_else(|| (!within(GLOBAL)).then_some("not given out to anybody"))
        }
    };
    refusal.map_or(Ok(()), |name| Err(AddressRefusal(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_private_address_passes_in_any_spelling_and_public_ones_do() {
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:168.63.129.16",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:10::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "4000::1",
            "8000::1",
            "::2:0:0:0:1",
            "100:0:0:1::1",
            "1fff::1",
        ] {
            assert!(judge_address(refused.parse().expect(refused)).is_err(), "{refused}");
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert_eq!(judge_address(public.parse().expect(public)), Ok(()), "{public}");
        }
    }
}
