//! Origins whose pages may call the site's functions.

use std::str::FromStr;

use axum::http::HeaderValue;
use url::Url;

/// Origins (RFC 6454) that browsers are told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Any origin.
    Any,
    /// These.
    Some(Vec<HeaderValue>),
}

impl Origins {
    /// Whether pages of this origin, as a browser sends it, are among them.
    pub fn allow(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Some(origins) => origins.contains(origin),
        }
    }
}

/// A text that is no origin.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no origin; one is https://shop.contoso.com, without a path")]
pub struct OriginError(String);

impl FromStr for Origins {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let origin = |text: &str| {
            // Browsers send an origin in the URL standard's own spelling; any other would never match.
            let origin = Url::parse(text).ok()?.origin();
            let is_origin = origin.is_tuple() && origin.ascii_serialization() == text;
            if is_origin { HeaderValue::from_str(text).ok() } else { None }
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| origin(part).ok_or_else(|| OriginError(part.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self::Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_spelled_as_browsers_spell_them() {
        let parse = |text: &str| text.parse::<Origins>();
        let some =
            |origins: &[&'static str]| Origins::Some(origins.iter().copied().map(HeaderValue::from_static).collect());
        assert_eq!(parse("*").unwrap(), Origins::Any);
        assert_eq!(parse("").unwrap(), some(&[]));
        let two = "https://shop.contoso.com, http://localhost:7070";
        assert_eq!(parse(two).unwrap(), some(&["https://shop.contoso.com", "http://localhost:7070"]));
        for bad in [
            "shop.contoso.com",
            "https://shop.contoso.com/",
            "https://Shop.contoso.com",
            "https://a:443",
            "*,https://a",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
