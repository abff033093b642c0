//! Endpoint: the URL of a partner's webhook.
//!
//! The URL is a credential, in its path as in its query (Slack and Teams put theirs into the path): [`Display`](fmt::Display) and
//! [`Debug`](fmt::Debug) show scheme, host and port, and serde takes it only by way of [`whole`]. What is judged is the URL as a browser parses it (the
//! WHATWG's URL standard), so that `https://0x7f.1/` is seen as the address that it is.

use std::{fmt, net::IpAddr};

use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::address::{AddressRefusal, judge_address};

/// The setting that allows endpoints that are not public.
pub const SETTING: &str = "Partners__allowPrivateEndpoints";
/// The most bytes of a URL. Event Grid states none; browsers and proxies agree on about this much.
const LONGEST: usize = 2048;

/// A webhook's URL, valid and in the one form in which it is stored: names in ASCII and lower case, no default port, no last dot.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(Url);

/// Which endpoints are taken.
#[derive(Clone, Debug, Default)]
pub struct EndpointRules {
    allow_private: bool,
    own: Vec<(Host<String>, Option<u16>)>,
}

/// Why an endpoint is refused. The messages hold nothing of the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The parser's reason.
    #[error("is not a URL: {0}")]
    Url(url::ParseError),
    /// Parsers disagree on what spaces, control characters and backslashes mean.
    #[error("must not contain spaces, control characters or backslashes; write them percent-encoded")]
    Characters,
    /// Longer than most will take.
    #[error("must be at most {LONGEST} bytes long")]
    Length,
    /// Neither https, nor http where that is allowed.
    #[error("must be an https URL; the setting {SETTING} allows http")]
    Scheme,
    /// It would be sent as a header that Event Grid does not keep secret.
    #[error("must not contain a user name or password; a secret belongs into the path or the query")]
    UserInfo,
    /// It is never sent.
    #[error("must not have a fragment (#…)")]
    Fragment,
    /// Another service than a website may listen there.
    #[error("must be at port 443; the setting {SETTING} allows others")]
    Port,
    /// An address in any spelling instead of a name.
    #[error("must have a name, not an IP address; the setting {SETTING} allows addresses")]
    AddressLiteral,
    /// A name of this machine or of a network that is not the Internet.
    #[error("must have a public name such as hooks.example.com; the setting {SETTING} allows local ones")]
    LocalName,
    /// No such name can be looked up.
    #[error("has a host that is no domain name")]
    HostName,
    /// It would send our events to ourselves.
    #[error("must not be a host of this system")]
    OwnHost,
}

/// Why a name's addresses must not be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialRefusal {
    /// The name has none.
    #[error("the name has no address")]
    NoAddress,
    /// One of them, whichever is dialled, is not public.
    #[error("one of its addresses {0}; the setting {SETTING} allows it")]
    Private(AddressRefusal),
}

impl EndpointRules {
    /// Rules that take public https endpoints alone, or also others if `allow_private`, and never `own_hosts`: each `host` or `host:port`.
    ///
    /// # Errors
    /// The first of `own_hosts` that is no host.
    pub fn new<'a>(allow_private: bool, own_hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, OwnHostError> {
        let own = own_hosts.into_iter().map(own_host).collect::<Result<_, _>>()?;
        Ok(Self { allow_private, own })
    }

    /// Whether endpoints that are not public are taken.
    pub fn allows_private(&self) -> bool {
        self.allow_private
    }

    /// Judges all addresses that a name has, before one of them is dialled: an attacker's name may have a public one beside `::1`.
    ///
    /// # Errors
    /// There is none, or one is not public and that is not allowed.
    pub fn judge(&self, addresses: &[IpAddr]) -> Result<(), DialRefusal> {
        if addresses.is_empty() {
            return Err(DialRefusal::NoAddress);
        }
        if self.allow_private {
            return Ok(());
        }
        addresses.iter().try_for_each(|address| judge_address(*address)).map_err(DialRefusal::Private)
    }

    fn is_own(&self, url: &Url) -> bool {
        url.host().is_some_and(|host| {
            let host = canonical(host);
            let port = url.port_or_known_default();
            self.own.iter().any(|(own, own_port)| *own == host && own_port.is_none_or(|own| Some(own) == port))
        })
    }
}

/// One of our own hosts is not written as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host or host:port")]
pub struct OwnHostError(String);

fn own_host(text: &str) -> Result<(Host<String>, Option<u16>), OwnHostError> {
    let error = || OwnHostError(text.to_owned());
    let text = text.trim();
    let url = Url::parse(&format!("https://{text}/")).map_err(|_| error())?;
    // From the text, since the parser drops the port that is https's own.
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    match url.host() {
        Some(host) if url.path() == "/" && url.username().is_empty() => Ok((canonical(host), port)),
        _ => Err(error()),
    }
}

/// Hosts to compare: without a last dot, and this machine under one name.
fn canonical(host: Host<&str>) -> Host<String> {
    let here = || Host::Domain("localhost".to_owned());
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            if name == "localhost" || name.ends_with(".localhost") { here() } else { Host::Domain(name.to_owned()) }
        }
        Host::Ipv4(address) if address.is_loopback() || address.is_unspecified() => here(),
        Host::Ipv4(address) => Host::Ipv4(address),
        Host::Ipv6(address) => match IpAddr::V6(address).to_canonical() {
            IpAddr::V4(mapped) => canonical(Host::Ipv4(mapped)),
            IpAddr::V6(address) if address.is_loopback() || address.is_unspecified() => here(),
            IpAddr::V6(address) => Host::Ipv6(address),
        },
    }
}

impl Endpoint {
    /// Reads a URL that a partner wrote.
    ///
    /// # Errors
    /// It is none that `rules` take.
    pub fn parse(text: &str, rules: &EndpointRules) -> Result<Self, EndpointError> {
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '\\') {
            return Err(EndpointError::Characters);
        }
        if text.len() > LONGEST {
            return Err(EndpointError::Length);
        }
        let mut url = Url::parse(text).map_err(EndpointError::Url)?;
        if let Some(name) = url.domain().and_then(|name| name.strip_suffix('.')).map(str::to_owned) {
            url.set_host(Some(&name)).map_err(EndpointError::Url)?;
        }
        let endpoint = Self(url);
        endpoint.check(rules)?;
        Ok(endpoint)
    }

    /// Judges a stored endpoint again: rules may have become stricter since.
    ///
    /// # Errors
    /// `rules` no longer take it.
    pub fn check(&self, rules: &EndpointRules) -> Result<(), EndpointError> {
        let url = &self.0;
        // A name of many letters grows when it is written in ASCII.
        if url.as_str().len() > LONGEST {
            return Err(EndpointError::Length);
        }
        if !(url.scheme() == "https" || rules.allow_private && url.scheme() == "http") {
            return Err(EndpointError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(EndpointError::Fragment);
        }
        if rules.is_own(url) {
            return Err(EndpointError::OwnHost);
        }
        match url.host() {
            Some(Host::Domain(name)) if !is_domain_name(name) => return Err(EndpointError::HostName),
            _ if rules.allow_private => return Ok(()),
            Some(Host::Domain(name)) if is_local(name) => return Err(EndpointError::LocalName),
            Some(Host::Domain(_)) => {}
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => return Err(EndpointError::AddressLiteral),
            None => return Err(EndpointError::HostName),
        }
        // None is the default port, whether written or not.
        if url.port().is_some() { Err(EndpointError::Port) } else { Ok(()) }
    }

    /// The whole URL: a credential, to send to the service that delivers and to dial, and nowhere else.
    pub fn whole(&self) -> &Url {
        &self.0
    }

    /// A hash of the URL, to know it again without keeping it: 32 hexadecimal digits.
    pub fn digest(&self) -> String {
        Sha256::digest(self.0.as_str()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Its host, which may be shown: a name in ASCII, or an address as it stands in a URL.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// Whether DNS could have such a name: labels of 1 to 63 bytes, 253 in all.
fn is_domain_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Whether a name is of this machine or of a local network, whatever it resolves to.
fn is_local(name: &str) -> bool {
    const LOCAL: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];
    !name.contains('.') || LOCAL.iter().any(|ending| name.ends_with(ending))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.host())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// The whole URL in a stored document: `#[serde(with = "endpoint::whole")]`. Reading does not judge it, see [`Endpoint::check`].
pub mod whole {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use url::Url;

    use super::Endpoint;

    /// Writes the whole URL.
    ///
    /// # Errors
    /// The writer's.
    pub fn serialize<S: Serializer>(endpoint: &Endpoint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(endpoint.0.as_str())
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// No URL; the message does not repeat it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Endpoint, D::Error> {
        Url::parse(&String::deserialize(deserializer)?).map(Endpoint).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
