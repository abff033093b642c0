//! A request, taken apart.

use std::{collections::BTreeMap, str::FromStr};

use http::{HeaderMap, Method, Uri, request::Parts};
use percent_encoding::percent_decode_str;

use super::{Code, Refusal};
use crate::transport::Peer;

/// Most bytes of metadata, names and values.
const MAX_METADATA: usize = 8 * 1024;

/// User metadata: names without `x-ms-meta-`.
pub(crate) type Metadata = BTreeMap<String, String>;

/// Everything of a request but its body. `T` is what its address names.
pub(crate) struct Call<T> {
    pub(crate) method: Method,
    /// As it came, percent-encoded: signatures cover this form.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) target: T,
    /// `x-ms-request-id` of the answer.
    pub(crate) id: String,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
}

/// Decoded parameters in the order they came.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(uri: &Uri) -> Self {
        let text = uri.query().unwrap_or_default();
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find_map(|(key, value)| (key == name).then_some(value))
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<T> Call<T> {
    pub(crate) fn new(parts: Parts, id: String, target: T) -> Self {
        Self {
            target,
            path: parts.uri.path().to_owned(),
            query: Query::parse(&parts.uri),
            method: parts.method,
            secure: Peer::is_secure(&parts.extensions),
            headers: parts.headers,
            id,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        match value.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(unusable(name)),
        }
    }

    /// A header's value, read as a `V`.
    pub(crate) fn parsed<V: FromStr>(&self, name: &str) -> Result<Option<V>, Refusal> {
        let Some(text) = self.header(name)? else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| unusable(name))
    }

    pub(crate) fn required<V: FromStr>(&self, name: &str) -> Result<V, Refusal> {
        let missing = || Refusal::new(Code::MissingRequiredHeader, format!("Header: {name}."));
        self.parsed(name)?.ok_or_else(missing)
    }

    /// The length must be announced, as the service demands it.
    ///
    /// # Errors
    /// [`Code::MissingContentLengthHeader`], [`Code::RequestBodyTooLarge`].
    pub(crate) fn check_length(&self, limit: u64) -> Result<(), Refusal> {
        let length: Option<u64> = self.parsed("content-length")?;
        match length {
            None => Err(Code::MissingContentLengthHeader.into()),
            Some(length) if length > limit => Err(Code::RequestBodyTooLarge.into()),
            Some(_) => Ok(()),
        }
    }

    /// A number among the parameters that lies in `range`.
    ///
    /// # Errors
    /// [`Code::InvalidQueryParameterValue`] where it is no number, [`Code::OutOfRangeQueryParameterValue`].
    pub(crate) fn number(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.query.get(name) else { return Ok(None) };
        let refused = |code| Refusal::new(code, format!("Parameter: {name}."));
        let number: i64 = text.parse().map_err(|_| refused(Code::InvalidQueryParameterValue))?;
        if range.contains(&number) { Ok(Some(number)) } else { Err(refused(Code::OutOfRangeQueryParameterValue)) }
    }

    pub(crate) fn client_request_id(&self) -> Option<String> {
        let value = self.headers.get("x-ms-client-request-id")?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    pub(crate) fn metadata(&self) -> Result<Metadata, Refusal> {
        let mut metadata = Metadata::new();
        for (name, value) in &self.headers {
            let Some(name) = name.as_str().strip_prefix("x-ms-meta-") else {
                continue;
            };
            let value = std::str::from_utf8(value.as_bytes())
                .map_err(|_| Refusal::new(Code::InvalidMetadata, format!("Name: {name}.")))?;
            if name.is_empty() {
                return Err(Code::EmptyMetadataKey.into());
            }
            metadata.insert(name.to_owned(), value.trim().to_owned());
        }
        check_metadata(&metadata)?;
        Ok(metadata)
    }

    /// The service has no name for what this asks for.
    pub(crate) fn unknown(&self) -> Refusal {
        let query: Vec<_> = self.query.pairs().filter(|(name, _)| matches!(*name, "comp" | "restype")).collect();
        Refusal::new(Code::UnsupportedHttpVerb, format!("{} {} with {query:?}.", self.method, self.path))
    }
}

/// Whether the service would keep this metadata.
///
/// # Errors
/// [`Code::InvalidMetadata`], [`Code::MetadataTooLarge`].
pub(crate) fn check_metadata(metadata: &Metadata) -> Result<(), Refusal> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    for (name, value) in metadata {
        let identifier = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
        if !identifier || value.chars().any(char::is_control) {
            return Err(Refusal::new(Code::InvalidMetadata, format!("Name: {name}.")));
        }
    }
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_METADATA {
        return Err(Code::MetadataTooLarge.into());
    }
    Ok(())
}

pub(crate) fn unusable(header: &str) -> Refusal {
    Refusal::new(Code::InvalidHeaderValue, format!("Header: {header}."))
}

/// The service has this operation, the local stack has not.
pub(crate) fn not_implemented(what: &str) -> Refusal {
    Refusal::new(Code::NotImplemented, format!("Not supported: {what}."))
}

/// The two decoded parts of `/{account}[/{first}[/{rest}]]`. Slashes within the rest may come encoded or not.
///
/// # Errors
/// An address outside of `account`; [`Code::InvalidUri`].
pub(crate) fn address(path: &str, account: &str) -> Result<(Option<String>, Option<String>), Refusal> {
    let decode = |text: &str| match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Refusal::from(Code::InvalidUri)),
    };
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    if next() != Some(account) {
        let detail = format!("The only account is {account}; addresses start with /{account}.");
        return Err(Refusal::new(Code::ResourceNotFound, detail));
    }
    let first = next().map(decode).transpose()?;
    let rest = next().map(decode).transpose()?;
    Ok((first, rest))
}
