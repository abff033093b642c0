//! External functions host: one that is not the stack's own, such as that of `func start`. It runs beside the stack, is
//! started when somebody wants to, and may start again.

use std::fmt;

use url::Url;

/// Where an external functions host listens, and the key that its webhooks ask for.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalHost {
    address: Url,
    key: Option<String>,
}

/// The text is no address of a functions host.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a Functions host; write scheme, host and port alone, such as http://127.0.0.1:7071")]
pub struct ExternalHostError;

impl ExternalHost {
    /// The host at `address`: scheme, name and port. `key` is its system key `eventgrid_extension`, or its master key; none where it
    /// asks for none, as Core Tools do not.
    ///
    /// # Errors
    /// When the address has anything else, such as a path or a query.
    pub fn new(address: &str, key: Option<String>) -> Result<Self, ExternalHostError> {
        let url = Url::parse(address).map_err(|_| ExternalHostError)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !is_bare || !is_anonymous {
            return Err(ExternalHostError);
        }
        Ok(Self { address: url, key: key.filter(|key| !key.is_empty()) })
    }

    /// Scheme, name and port, without a slash at the end.
    #[must_use]
    pub fn address(&self) -> &str {
        self.address.as_str().trim_end_matches('/')
    }

    /// The port, also where it is the scheme's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port_or_known_default().unwrap_or_default()
    }

    /// The base of its webhooks' addresses, with the key in the query.
    pub(super) fn with_key(&self) -> Url {
        let mut url = self.address.clone();
        if let Some(key) = &self.key {
            url.query_pairs_mut().append_pair("code", key);
        }
        url
    }
}

/// Without the key.
impl fmt::Debug for ExternalHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ExternalHost").field("address", &self.address()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_scheme_name_and_port() {
        for address in ["http://127.0.0.1:7071", "http://localhost:7071/", "https://shop.test", "http://[::1]:7071"] {
            let host = ExternalHost::new(address, Some("s3cret".to_owned())).expect(address);
            assert_eq!(host.address(), address.trim_end_matches('/'));
            assert!(!format!("{host:?}").contains("s3cret"));
            assert_eq!(host.with_key().query(), Some("code=s3cret"));
        }
        let port = |address| ExternalHost::new(address, None).expect("an address").port();
        assert_eq!((port("https://shop.test"), port("http://[::1]:7071")), (443, 7071));
        for address in ["", "127.0.0.1:7071", "ftp://a", "http://a/api", "http://a?code=k", "http://u:p@a", "A,B"] {
            assert!(ExternalHost::new(address, None).is_err(), "{address}");
        }
    }
}
