//! What a request's address says, as axum reads it; what cannot be read is a problem document here, where axum answers plain text.

use std::collections::BTreeSet;

use axum::{
    extract::{self, FromRequestParts},
    http::{StatusCode, Uri, request::Parts},
};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::problem::Problem;

/// The parameters of the path.
pub(crate) struct Path<T>(pub(crate) T);

/// The parameters behind the `?`, but for the platform's own: a function key may come as `code`, and the Functions host hands that on.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = extract::Path::from_request_parts(parts, state).await;
        read.map(|extract::Path(value)| Self(value)).map_err(|error| Problem::new(error.status(), error.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let address = match parts.uri.query().and_then(without_key) {
            None => parts.uri.clone(),
            Some(query) => Uri::builder()
                .path_and_query(format!("/?{query}"))
                .build()
                .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?,
        };
        let read = extract::Query::try_from_uri(&address);
        read.map(|extract::Query(value)| Self(value)).map_err(|error| {
            match repeated(address.query().unwrap_or_default()) {
                Some(name) => Problem::repeated(&name),
                None => Problem::new(error.status(), error.body_text()),
            }
        })
    }
}

/// A query without the function key in it, if there is one. Names have no case for the platform.
fn without_key(query: &str) -> Option<String> {
    let is_key = |pair: &str| {
        form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| name.eq_ignore_ascii_case("code"))
    };
    let pairs = || query.split('&');
    pairs().any(is_key).then(|| pairs().filter(|pair| !is_key(pair)).collect::<Vec<_>>().join("&"))
}

/// The first name that a query has twice: no type here takes one so.
fn repeated(query: &str) -> Option<String> {
    let mut seen = BTreeSet::new();
    form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).find(|name| !seen.insert(name.clone()))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        limit: Option<String>,
    }

    #[tokio::test]
    async fn a_name_that_comes_twice_is_named_and_a_key_is_passed_over() {
        let read = async |query: &str| {
            let request = Request::builder().uri(format!("/?{query}")).body(()).expect("a request");
            Query::<Asked>::from_request_parts(&mut request.into_parts().0, &()).await
        };
        assert_eq!(read("limit=5").await.expect("a query").0.limit.as_deref(), Some("5"));
        for query in ["code=a%3D&limit=5", "limit=5&Code=a", "limit=5&%63ode=a&code=b"] {
            let asked = read(query).await.expect("a key is the platform's");
            assert_eq!(asked.0.limit.as_deref(), Some("5"), "{query}");
        }
        assert!(read("limit=5&cod=a").await.is_err());
        let problem = format!("{:?}", read("limit=1&%6cimit=2").await.err().expect("refused"));
        assert!(problem.contains("limit came more than once in the query"), "{problem}");
    }
}
