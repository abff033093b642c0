//! A request, taken apart.

use std::{collections::BTreeMap, str::FromStr};

use http::{HeaderMap, HeaderValue, Method, Uri, request::Parts};
use percent_encoding::percent_decode_str;

use super::{Code, Refusal};
use crate::transport::{Peer, spelling};

/// Most bytes of metadata, names and values.
const MAX_METADATA: usize = 8 * 1024;
/// What the names of its headers start with.
pub(crate) const METADATA: &str = "x-ms-meta-";

/// User metadata: names without `x-ms-meta-`, in the case they were set in.
pub(crate) type Metadata = BTreeMap<String, String>;

/// The headers of a request that carry metadata, in the client's spelling.
#[derive(Default)]
pub(crate) struct MetadataHeaders(Vec<(String, HeaderValue)>);

impl MetadataHeaders {
    pub(crate) async fn of(parts: &Parts) -> Self {
        Self(spelling::spelled(parts, METADATA).await)
    }
}

/// Everything of a request but its body. `T` is what its address names.
pub(crate) struct Call<T> {
    pub(crate) method: Method,
    /// As it came, percent-encoded: signatures cover this form.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    metadata: MetadataHeaders,
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

    /// The first parameter of this name; names have no case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// A parameter that is one of the service's words, which have no case, in small letters.
    pub(crate) fn word(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_ascii_lowercase)
    }

    /// The words of a list, such as `include=Metadata,Copy`, in small letters.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let list = self.word(name).unwrap_or_default();
        list.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<T> Call<T> {
    pub(crate) fn new(parts: Parts, metadata: MetadataHeaders, id: String, target: T) -> Self {
        Self {
            target,
            metadata,
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
        for (name, value) in &self.metadata.0 {
            let name = name.get(METADATA.len()..).unwrap_or_default();
            let invalid = |why: &str| Refusal::new(Code::InvalidMetadata, format!("Name: {name}; {why}."));
            let value = value.to_str().map_err(|_| invalid("its value is not ASCII"))?;
            if name.is_empty() {
                return Err(Code::EmptyMetadataKey.into());
            }
            // "If two or more metadata headers with the same name are submitted": names have no case there.
            if metadata.keys().any(|other: &String| other.eq_ignore_ascii_case(name)) {
                return Err(invalid("it is given twice"));
            }
            metadata.insert(name.to_owned(), value.trim().to_owned());
        }
        check_metadata(&metadata)?;
        Ok(metadata)
    }

    /// The service has no name for what this asks for.
    pub(crate) fn unknown(&self) -> Refusal {
        let query = ["comp", "restype"].map(|name| (name, self.query.get(name).unwrap_or_default()));
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
        if !identifier || !value.is_ascii() || value.chars().any(char::is_control) {
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
