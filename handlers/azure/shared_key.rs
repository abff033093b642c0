//! Shared Key authorization for blob storage: the Rust client has tokens only, and refuses those over plain HTTP.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    credentials::Secret,
    hmac::hmac_sha256,
    http::{
        Context, Request,
        headers::HeaderName,
        policies::{Policy, PolicyResult},
    },
    time::{OffsetDateTime, to_rfc7231},
};
use url::Url;

/// Signs each try of a request anew, since the signature covers the date.
#[derive(Debug)]
pub(super) struct SharedKey {
    account: String,
    key: Secret,
}

impl SharedKey {
    /// Signs for the account in `endpoint`: the first label of an Azure host name, else the first segment of the path.
    pub(super) fn new(endpoint: &Url, key: Secret) -> Self {
        let in_path =
            endpoint.path_segments().and_then(|mut segments| segments.next()).filter(|segment| !segment.is_empty());
        let in_host = || endpoint.host_str().and_then(|host| host.split('.').next()).unwrap_or_default();
        Self { account: in_path.map_or_else(|| in_host().to_owned(), str::to_owned), key }
    }

    /// The text that is signed: "Authorize with Shared Key", Blob service, version 2015-02-21 and later.
    fn string_to_sign(&self, request: &Request) -> String {
        let header =
            |name: &'static str| request.headers().get_optional_str(&HeaderName::from_static(name)).unwrap_or_default();
        let length = match header("content-length") {
            "" => request.body().len().unwrap_or(0).to_string(),
            length => length.to_owned(),
        };
        let length = if length == "0" { "" } else { &length };
        // `Date` is left empty: `x-ms-date` replaces it.
        let mut text = format!(
            "{}\n{}\n{}\n{length}\n{}\n{}\n\n{}\n{}\n{}\n{}\n{}\n",
            request.method().as_str(),
            header("content-encoding"),
            header("content-language"),
            header("content-md5"),
            header("content-type"),
            header("if-modified-since"),
            header("if-match"),
            header("if-none-match"),
            header("if-unmodified-since"),
            header("range"),
        );
        let own: BTreeMap<_, _> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| name.starts_with("x-ms-"))
            .collect();
        for (name, value) in own {
            text.push_str(&format!("{name}:{}\n", value.trim()));
        }
        text.push_str(&format!("/{}{}", self.account, request.url().path()));
        let mut parameters = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in request.url().query_pairs() {
            parameters.entry(name.to_lowercase()).or_default().push(value.into_owned());
        }
        for (name, mut values) in parameters {
            values.sort();
            text.push_str(&format!("\n{name}:{}", values.join(",")));
        }
        text
    }
}

#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header("x-ms-date", to_rfc7231(&OffsetDateTime::now_utc()));
        let signature = hmac_sha256(&self.string_to_sign(request), &self.key)?;
        request.insert_header("authorization", format!("SharedKey {}:{signature}", self.account));
        match next {
            [following, rest @ ..] => following.send(context, request, rest).await,
            [] => Err(azure_core::Error::with_message(
                azure_core::error::ErrorKind::Other,
                "signing is not the last step of a request",
            )),
        }
    }
}
