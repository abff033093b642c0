//! Errors at the start of the authority.

use std::path::PathBuf;

/// The authority does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the authority.
    #[error("cannot {operation} {path}; deleting the folder makes a new authority")]
    File {
        /// What failed.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Making or reading a key or certificate.
    #[error("cannot make or read the keys and certificates in {path}; deleting the folder makes new ones")]
    Certificates {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: openssl::error::ErrorStack,
    },
    /// The key that signs tokens.
    #[error("the key that signs tokens cannot be used; deleting the folder of the authority makes a new one")]
    SigningKey(#[source] jsonwebtoken::errors::Error),
    /// A role of the topology.
    #[error("{0}")]
    Role(String),
    /// An identity of the topology.
    #[error("the identity `{0}` is declared twice in the topology")]
    Twice(String),
    /// No identity of the topology has this name.
    #[error("the topology has no identity `{0}`")]
    Unknown(String),
    /// The listener has no address.
    #[error("cannot learn the identity endpoint's address")]
    Listener(#[source] std::io::Error),
}
