//! Identity: the certificate authority of the stack's TLS, the identities of apps with their roles, and their tokens.
//!
//! An app on App Service asks the identity endpoint in its environment for a token and shows that token to a service; the
//! service checks signature, expiry and audience, and whether a role of the identity covers what is asked. The same
//! happens here, so that a role forgotten in the deployment fails on the laptop first.
//!
//! | module | holds |
//! | --- | --- |
//! | `certificates` | the authority and the server's certificate |
//! | `tokens` | signing and checking |
//! | `roles` | Azure's built-in roles, as far as the services of the stack know them, and what they allow |
//! | `caller` | an identity that has proved itself, and what it may do |
//! | `endpoint` | the App Service identity endpoint |
//!
//! Tokens expire by the machine's clock and not by the stack's: clients keep a token until it expires, and a test that
//! steps the stack's clock does not step theirs.

mod caller;
mod certificates;
mod endpoint;
mod error;
mod roles;
#[cfg(test)]
mod tests;
mod tokens;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use uuid::Uuid;

pub use self::caller::{Caller, Forbidden, TENANT};
pub use self::error::Error;
pub use self::roles::Action;
pub use self::tokens::InvalidToken;
use self::{caller::Principal, certificates::Authority, tokens::Tokens};
use crate::{
    faults::Faults,
    topology,
    transport::{Hosts, HttpServer, Tls},
};

/// The stack's authority. Clones share it.
#[derive(Clone)]
pub struct Identity {
    shared: Arc<Shared>,
}

struct Shared {
    tls: Tls,
    ca_certificate: PathBuf,
    tokens: Tokens,
    /// By name.
    principals: BTreeMap<String, Arc<Principal>>,
    address: SocketAddr,
    server: HttpServer,
    faults: Faults,
}

/// What an app needs to get tokens, as App Service puts it into the app's environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// `IDENTITY_ENDPOINT`.
    pub endpoint: String,
    /// `IDENTITY_HEADER`: the secret that the request carries in `X-IDENTITY-HEADER`.
    pub header: String,
    /// Client id of the identity.
    pub client_id: Uuid,
}

impl Identity {
    /// Opens the authority in `dir`, makes it where there is none, and serves the identity endpoint on `listener`. What
    /// serves by its [`tls`](Self::tls) answers to `hosts`.
    ///
    /// # Errors
    /// When the directory cannot be used, or an identity of the topology has a role that is not known.
    pub fn start(
        identities: &[topology::Identity],
        dir: &Path,
        listener: TcpListener,
        hosts: &Hosts,
    ) -> Result<Self, Error> {
        let authority = Authority::open(dir)?;
        let tls = authority.server(hosts)?;
        let address = listener.local_addr().map_err(Error::Listener)?;
        let mut principals = BTreeMap::new();
        for identity in identities {
            let principal = Principal::new(identity, secret(&identity.name)).map_err(Error::Role)?;
            if principals.insert(identity.name.clone(), Arc::new(principal)).is_some() {
                return Err(Error::Twice(identity.name.clone()));
            }
        }
        let tokens = Tokens::open(dir, principals.values().map(Arc::clone))?;
        let faults = endpoint::faults();
        let router = endpoint::router(tokens.clone(), principals.values().map(Arc::clone).collect());
        let router = faults.guard(router);
        let server = HttpServer::start("identity", listener, router, &tls).map_err(Error::Listener)?;
        let ca_certificate = authority.certificate_path();
        Ok(Self { shared: Arc::new(Shared { tls, ca_certificate, tokens, principals, address, server, faults }) })
    }

    /// What serves TLS with the stack's certificate.
    #[must_use]
    pub fn tls(&self) -> &Tls {
        &self.shared.tls
    }

    /// The authority's certificate, PEM, for clients to trust.
    #[must_use]
    pub fn ca_certificate(&self) -> &Path {
        &self.shared.ca_certificate
    }

    /// Names of the identities.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shared.principals.keys().map(String::as_str)
    }

    /// What the app with the identity `name` gets into its environment.
    #[must_use]
    pub fn credentials(&self, name: &str) -> Option<Credentials> {
        let principal = self.shared.principals.get(name)?;
        Some(Credentials {
            endpoint: format!("http://{}{}", self.shared.address, endpoint::PATH),
            header: principal.secret.clone(),
            client_id: principal.client_id,
        })
    }

    /// A token of the identity `name` for `resource`, as the endpoint would give it.
    ///
    /// # Errors
    /// When there is no such identity, or the token cannot be signed.
    pub fn token(&self, name: &str, resource: &str) -> Result<String, Error> {
        let principal = self.shared.principals.get(name).ok_or_else(|| Error::Unknown(name.to_owned()))?;
        Ok(self.shared.tokens.issue(principal, resource).map_err(Error::SigningKey)?.token)
    }

    /// The identity `name`, for what the stack does in its name.
    #[must_use]
    pub fn caller(&self, name: &str) -> Option<Caller> {
        self.shared.principals.get(name).map(|principal| Caller::unlimited(Arc::clone(principal)))
    }

    /// The roles of the identity `name` of which nothing was asked yet that a lesser role would not allow as well, such as a contributor's of
    /// something that was only read. After all that an app does, these are more than it needs.
    #[must_use]
    pub fn unneeded(&self, name: &str) -> Vec<topology::RoleAssignment> {
        self.shared.principals.get(name).map(|principal| principal.unneeded()).unwrap_or_default()
    }

    /// The identity whose secret this is: what its app has as `IDENTITY_HEADER`.
    #[must_use]
    pub fn caller_with(&self, secret: &str) -> Option<Caller> {
        let principal = self.shared.principals.values().find(|principal| principal.secret == secret)?;
        Some(Caller::unlimited(Arc::clone(principal)))
    }

    /// Who shows this token: its signature is ours, it has not expired, and it is meant for one of `audiences`, which are
    /// compared without case and without a slash at the end.
    ///
    /// # Errors
    /// What is wrong with the token, in a sentence that holds nothing of it.
    pub fn authenticate(&self, bearer: &str, audiences: &[&str]) -> Result<Caller, InvalidToken> {
        self.shared.tokens.check(bearer, audiences)
    }

    /// As [`authenticate`](Self::authenticate), of a request over HTTP: in plain text, which no service of Azure takes
    /// tokens in, nobody is anybody.
    ///
    /// # Errors
    /// As there, or that the request was not `secure`.
    pub fn authenticate_request(&self, secure: bool, bearer: &str, audiences: &[&str]) -> Result<Caller, InvalidToken> {
        if !secure {
            return Err(InvalidToken::PlainText);
        }
        self.authenticate(bearer, audiences)
    }

    /// Faults that strike requests for tokens.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Ends the identity endpoint; what was issued stays valid.
    pub async fn stop(&self) {
        self.shared.server.stop().await;
    }
}

#[cfg(test)]
impl Identity {
    /// An authority for tests of services: the identity `owner` may do everything, `stranger` nothing.
    pub(crate) async fn sample() -> Self {
        let all = roles::ROLES
            .iter()
            .map(|role| topology::RoleAssignment { role: role.name.to_owned(), scope: String::new() });
        let identities = [
            topology::Identity { name: "owner".to_owned(), roles: all.collect() },
            topology::Identity { name: "stranger".to_owned(), roles: Vec::new() },
        ];
        // The files are read only at the start.
        let dir = tempfile::TempDir::new().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::start(&identities, dir.path(), listener, &Hosts::default()).expect("an authority")
    }
}

/// The secret derives from the identity's name, so that settings for other hosts can be written down; like the
/// emulators' keys it protects nothing but the habit. A page in a browser cannot send the header it goes into.
fn secret(name: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!("secret of the local identity {name}")))
}
