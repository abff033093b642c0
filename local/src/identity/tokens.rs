//! Access tokens: JSON Web Tokens with the claims of Microsoft Entra's, signed with a key of the stack (ES256).

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    caller::{Caller, Principal, TENANT},
    certificates::{new_key, read, write},
    error::Error,
};

const KEY: &str = "token-key.pem";

/// How long a token is valid: what App Service gives.
const VALIDITY: Duration = Duration::from_secs(24 * 60 * 60);

/// Tokens whose signature has been checked; forgotten all at once when there are so many.
const MAX_KNOWN: usize = 1024;

/// The claims that matter. `aud` stands as it was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    appid: Uuid,
    oid: Uuid,
    sub: Uuid,
    tid: Uuid,
    ver: String,
}

/// Signs and checks. Clones share it.
#[derive(Clone)]
pub(super) struct Tokens {
    shared: Arc<Shared>,
}

struct Shared {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// By object id.
    principals: HashMap<Uuid, Arc<Principal>>,
    /// By hash of the token: a client shows one token with every request.
    known: Mutex<HashMap<[u8; 32], Claims>>,
}

/// A token and when it expires.
pub(super) struct Issued {
    pub(super) token: String,
    /// Seconds since the Unix epoch.
    pub(super) expires_on: u64,
}

/// A token is not accepted.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidToken {
    /// It is no JSON Web Token, or lacks a claim.
    #[error("The token is malformed.")]
    Malformed,
    /// Somebody else signed it.
    #[error("The signature of the token is invalid.")]
    Signature,
    /// It was valid.
    #[error("The token has expired.")]
    Expired,
    /// It is for another service.
    #[error("The audience of the token is invalid.")]
    Audience,
    /// It came in plain text, where others can read it.
    #[error("Bearer tokens are taken over https only.")]
    PlainText,
    /// The topology no longer has its identity.
    #[error("The identity of the token is unknown.")]
    UnknownIdentity,
}

impl Tokens {
    /// With the signing key in `dir`, so that tokens outlive a restart.
    pub(super) fn open(dir: &Path, principals: impl Iterator<Item = Arc<Principal>>) -> Result<Self, Error> {
        let path = dir.join(KEY);
        let failed = |source| Error::Certificates { path: path.clone(), source };
        let private = match read(&path)? {
            Some(private) => private,
            None => {
                let private = new_key().and_then(|key| key.private_key_to_pem_pkcs8()).map_err(failed)?;
                write(&path, &private)?;
                private
            }
        };
        let public = openssl::pkey::PKey::private_key_from_pem(&private).and_then(|key| key.public_key_to_pem());
        let mut validation = Validation::new(Algorithm::ES256);
        // The audience is compared by `check`, which takes a slash at its end for nothing.
        validation.validate_aud = false;
        validation.validate_nbf = true;
        let shared = Shared {
            encoding: EncodingKey::from_ec_pem(&private).map_err(Error::SigningKey)?,
            decoding: DecodingKey::from_ec_pem(&public.map_err(failed)?).map_err(Error::SigningKey)?,
            validation,
            principals: principals.map(|principal| (principal.object_id, principal)).collect(),
            known: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A token of `principal` for `audience`.
    pub(super) fn issue(&self, principal: &Principal, audience: &str) -> Result<Issued, jsonwebtoken::errors::Error> {
        let now = unix_seconds();
        let claims = Claims {
            aud: audience.to_owned(),
            iss: format!("https://sts.windows.net/{TENANT}/"),
            iat: now,
            nbf: now,
            exp: now + VALIDITY.as_secs(),
            appid: principal.client_id,
            oid: principal.object_id,
            sub: principal.object_id,
            tid: TENANT,
            ver: "1.0".to_owned(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.shared.encoding)?;
        Ok(Issued { token, expires_on: claims.exp })
    }

    pub(super) fn check(&self, token: &str, audiences: &[&str]) -> Result<Caller, InvalidToken> {
        let claims = self.claims(token)?;
        if claims.exp <= unix_seconds() {
            return Err(InvalidToken::Expired);
        }
        let plain = |audience: &str| audience.trim_end_matches('/').to_ascii_lowercase();
        if !audiences.iter().any(|audience| plain(audience) == plain(&claims.aud)) {
            return Err(InvalidToken::Audience);
        }
        let principal = self.shared.principals.get(&claims.oid).ok_or(InvalidToken::UnknownIdentity)?;
        Ok(Caller::until(Arc::clone(principal), UNIX_EPOCH + Duration::from_secs(claims.exp)))
    }

    fn claims(&self, token: &str) -> Result<Claims, InvalidToken> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(claims) = self.known().get(&hash) {
            return Ok(claims.clone());
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.shared.decoding, &self.shared.validation);
        let claims = decoded.map_err(|error| InvalidToken::from(&error))?.claims;
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(hash, claims.clone());
        Ok(claims)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Claims>> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&jsonwebtoken::errors::Error> for InvalidToken {
    fn from(error: &jsonwebtoken::errors::Error) -> Self {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Self::Signature,
            ErrorKind::ExpiredSignature => Self::Expired,
            _ => Self::Malformed,
        }
    }
}

fn unix_seconds() -> u64 {
    SystemTime::from(crate::clock::machine_now()).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
