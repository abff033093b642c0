//! Addresses of webhooks, judged when one is dialled: all that a name resolves to, and what was judged is what is dialled. A name that
//! leads elsewhere the second time (DNS rebinding) is judged again and gains nothing.
//!
//! Source of the ranges: IANA's special-purpose registries for IPv4 and IPv6, with Azure's platform address `168.63.129.16`, which
//! lies in a public range.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;
use url::{Host, Url};

use crate::topology::WebhookEgress;

/// An address that nothing is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the host leads to {address}, an address {}, and webhooks of this stack may lead to {} only; `contoso up --webhooks {}` allows it",
    .kind.what(), .egress.reach(), .kind.allowed_by()
)]
pub(crate) struct RefusedAddress {
    address: IpAddr,
    kind: Kind,
    egress: WebhookEgress,
}

/// What an address is that is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Loopback,
    Other(&'static str),
}

impl Kind {
    fn what(self) -> &'static str {
        match self {
            Self::Loopback => "of this machine",
            Self::Other(what) => what,
        }
    }

    fn allowed_by(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Other(_) => "any",
        }
    }
}

impl WebhookEgress {
    fn reach(self) -> &'static str {
        match self {
            Self::Public => "public addresses",
            Self::Loopback => "public addresses and loopback",
            Self::Any => "all addresses",
        }
    }
}

const V4: [(Ipv4Addr, u32, &str); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "of \"this network\""),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "of a private network"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "of those shared behind a carrier's NAT"),
    (Ipv4Addr::new(168, 63, 129, 16), 32, "of Azure's platform"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "of this link, as instance metadata is"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "of a private network"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "of IETF protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "of documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "of 6to4 relays"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "of a private network"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "of benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "of documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "of documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "of multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "that is reserved"),
    (Ipv4Addr::new(255, 255, 255, 255), 32, "of broadcast"),
];

/// What within `2000::/3`, the only range of global unicast, is not public.
const V6: [(Ipv6Addr, u32, &str); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "of Teredo or another IETF protocol"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "of documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "of 6to4"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "of documentation"),
];

/// Judges one address, whatever it is spelled like. An IPv4 address in IPv6 (`::ffff:127.0.0.1`) is what it is in IPv4; one that is
/// translated on the way (NAT64, 6to4, Teredo, `::a.b.c.d`) leads into networks that nobody here can judge and is refused.
pub(crate) fn judge(address: IpAddr, egress: WebhookEgress) -> Result<(), RefusedAddress> {
    let kind = match address.to_canonical() {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    };
    match (kind, egress) {
        (None, _) | (_, WebhookEgress::Any) | (Some(Kind::Loopback), WebhookEgress::Loopback) => Ok(()),
        (Some(kind), egress) => Err(RefusedAddress { address, kind, egress }),
    }
}

fn v4(address: Ipv4Addr) -> Option<Kind> {
    if address.is_loopback() {
        return Some(Kind::Loopback);
    }
    let bits = address.to_bits();
    let of = |network: Ipv4Addr, length: u32| (bits ^ network.to_bits()) >> (32 - length) == 0;
    V4.iter().find(|(network, length, _)| of(*network, *length)).map(|(_, _, what)| Kind::Other(what))
}

fn v6(address: Ipv6Addr) -> Option<Kind> {
    if address.is_loopback() {
        return Some(Kind::Loopback);
    }
    let bits = address.to_bits();
    if bits >> 125 != 1 {
        return Some(Kind::Other("outside of global unicast"));
    }
    let of = |network: Ipv6Addr, length: u32| (bits ^ network.to_bits()) >> (128 - length) == 0;
    V6.iter().find(|(network, length, _)| of(*network, *length)).map(|(_, _, what)| Kind::Other(what))
}

/// Judges the address that stands in a URL itself; a name is judged when it is resolved.
pub(crate) fn judge_literal(url: &Url, egress: WebhookEgress) -> Result<(), RefusedAddress> {
    match url.host() {
        Some(Host::Ipv4(address)) => judge(address.into(), egress),
        Some(Host::Ipv6(address)) => judge(address.into(), egress),
        Some(Host::Domain(_)) | None => Ok(()),
    }
}

/// All addresses of a name, or the first of them that must not be dialled: with one private address beside a public one, the name is
/// refused.
fn judged(addresses: Vec<SocketAddr>, egress: WebhookEgress) -> io::Result<vec::IntoIter<SocketAddr>> {
    for address in &addresses {
        judge(address.ip(), egress).map_err(io::Error::other)?;
    }
    Ok(addresses.into_iter())
}

/// Resolves names for the HTTP client: it dials what this returns and asks nobody else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JudgedResolver(pub(crate) WebhookEgress);

impl Service<Name> for JudgedResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let egress = self.0;
        Box::pin(async move { judged(tokio::net::lookup_host((name.as_str(), 0)).await?.collect(), egress) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, egress: WebhookEgress) -> bool {
        judge(text.parse().expect("an address"), egress).is_err()
    }

    #[test]
    fn an_address_is_judged_by_what_it_is_and_not_by_its_spelling() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::a00:1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(refused(text, WebhookEgress::Public) && refused(text, WebhookEgress::Loopback), "{text}");
            assert!(!refused(text, WebhookEgress::Any), "{text}");
        }
        for text in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:7f00:1"] {
            assert!(refused(text, WebhookEgress::Public) && !refused(text, WebhookEgress::Loopback), "{text}");
        }
        for text in ["8.8.8.8", "100.63.255.255", "172.32.0.1", "168.63.129.17", "::ffff:8.8.8.8", "2606:4700::1111"] {
            assert!(!refused(text, WebhookEgress::Public), "{text}");
        }
    }

    #[test]
    fn one_private_address_beside_a_public_one_is_enough() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect::<Vec<_>>();
        let mixed = judged(addresses(&["8.8.8.8:443", "[::1]:443"]), WebhookEgress::Public).expect_err("refused");
        let refusal = mixed.into_inner().expect("a cause");
        assert!(refusal.to_string().contains("`contoso up --webhooks loopback` allows it"), "{refusal}");
        let public = addresses(&["8.8.8.8:443", "[2606:4700::1111]:443"]);
        assert_eq!(judged(public.clone(), WebhookEgress::Public).expect("public").collect::<Vec<_>>(), public);
    }
}
