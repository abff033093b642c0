//! The partner API, called with a partner's key.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use contoso_handlers::domain::partner::PartnerName;
use reqwest::{Client, Method, Response, StatusCode, Url, header::CONTENT_TYPE, redirect};
use serde_json::Value;

use crate::{
    endpoints::{self, EndpointsError},
    failure::{self, CallError},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// Where the app is.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// At this address.
    Fixed(Url),
    /// Where the stack says, whose file of endpoints this is: asked at each call, since a stack that was started again may have moved.
    Stack(PathBuf),
}

/// The API of one partner; cloning shares its connections.
#[derive(Clone)]
pub(super) struct Api(Arc<Inner>);

struct Inner {
    http: Client,
    base: Base,
    partner: PartnerName,
    key: String,
    /// Whether the partner API answered before: then it is there, whatever answers in its place for a while.
    is_known: AtomicBool,
}

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// There is no stack that says where the app is.
    #[error(transparent)]
    Nowhere(#[from] EndpointsError),
    /// A host answers that knows no such path: the app behind it is being started.
    #[error("cannot {0}: the app is not up yet")]
    NotUp(String),
    /// Something else answers there.
    #[error(
        "cannot {operation}: what answers {status} at {origin} is not the partner API; --api is the address of the app alone"
    )]
    NotOurs {
        /// What was tried.
        operation: String,
        /// The status of the answer.
        status: StatusCode,
        /// Where.
        origin: String,
    },
    /// The app did not answer, or refused.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl ApiError {
    /// Whether the same call may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Nowhere(_) | Self::NotUp(_) => true,
            Self::NotOurs { .. } => false,
            Self::Call(error) => error.is_transient(),
        }
    }

    /// The status of the answer, if there was one.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Call(CallError::Refused { status, .. }) => Some(*status),
            _ => None,
        }
    }
}

impl Api {
    pub(super) fn new(base: Base, partner: PartnerName, key: String) -> Result<Self, reqwest::Error> {
        // A redirect would carry the key elsewhere.
        let http = Client::builder().redirect(redirect::Policy::none()).timeout(DEADLINE).build()?;
        Ok(Self(Arc::new(Inner { http, base, partner, key, is_known: AtomicBool::new(false) })))
    }

    pub(super) fn partner(&self) -> &PartnerName {
        &self.0.partner
    }

    /// Something that tells this app from others, as far as files on this machine are concerned.
    pub(super) fn whereabouts(&self) -> String {
        match &self.0.base {
            Base::Fixed(url) => url.to_string(),
            Base::Stack(file) => file.canonicalize().unwrap_or_else(|_| file.clone()).display().to_string(),
        }
    }

    /// Calls `path` below the partner's own, and returns the answer's bytes. `operation` is what the error says was tried.
    pub(super) async fn bytes(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        repeat: Option<&str>,
        operation: &str,
    ) -> Result<Vec<u8>, ApiError> {
        let Inner { http, base, partner, key, .. } = &*self.0;
        let address = match base {
            Base::Fixed(url) => url.as_str().trim_end_matches('/').to_owned(),
            Base::Stack(file) => endpoints::read(file)?.functions,
        };
        let mut request = http.request(method, format!("{address}/api/partners/{partner}{path}")).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(repeat) = repeat {
            request = request.header("idempotency-key", repeat);
        }
        let send = |source: reqwest::Error| CallError::Send { operation: operation.to_owned(), source };
        let response = request.send().await.map_err(send)?;
        self.check(&response, operation)?;
        if !response.status().is_success() {
            return Err(failure::refused(operation.to_owned(), response).await.into());
        }
        Ok(response.bytes().await.map_err(send)?.to_vec())
    }

    /// Whether an answer is the partner API's. What is not may come from a host whose app is being started, where the stack says that it is
    /// there or it answered before; else the address is wrong.
    fn check(&self, response: &Response, operation: &str) -> Result<(), ApiError> {
        let Inner { base, is_known, .. } = &*self.0;
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_ours = match status {
            StatusCode::NO_CONTENT => true,
            status if status.is_success() => kind.starts_with("application/json"),
            _ => kind == "application/problem+json",
        };
        let may_pass = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::UNAUTHORIZED);
        match base {
            _ if is_ours => is_known.store(true, Ordering::Relaxed),
            // The host's own answers, which the caller tells of.
            _ if may_pass => {}
            Base::Fixed(url) if !is_known.load(Ordering::Relaxed) => {
                let origin = url.origin().ascii_serialization();
                return Err(ApiError::NotOurs { operation: operation.to_owned(), status, origin });
            }
            _ if status == StatusCode::NOT_FOUND || status.is_success() => {
                return Err(ApiError::NotUp(operation.to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    /// The same of an answer that is JSON; null where it is empty or something else.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        operation: &str,
    ) -> Result<Value, ApiError> {
        let bytes = self.bytes(method, path, body, None, operation).await?;
        Ok(contoso_json::plain(&bytes).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        http::header,
        response::IntoResponse,
        routing::{any, get},
    };
    use tokio::net::TcpListener;

    use super::*;

    /// A server that is no app under `/`, and one that is begun later under `/app`.
    async fn served() -> Url {
        let page = || async { ([(header::CONTENT_TYPE, "text/html")], "<p>hello").into_response() };
        let ours = || async { ([(header::CONTENT_TYPE, "application/json")], "{\"items\":[]}").into_response() };
        let router = Router::new()
            .route("/api/partners/acme", get(page))
            .route("/moved/api/partners/acme", any(|| async { axum::response::Redirect::temporary("/") }))
            .route("/busy/api/partners/acme", any(|| async { axum::http::StatusCode::SERVICE_UNAVAILABLE }))
            .route("/app/api/partners/acme", get(ours));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Url::parse(&url).expect("a URL")
    }

    #[tokio::test]
    async fn an_address_that_is_not_the_apps_is_told_from_an_app_that_is_not_up() {
        let url = served().await;
        let at = |path: &str| {
            let base = Base::Fixed(url.join(path).expect("a URL"));
            Api::new(base, "acme".to_owned().try_into().expect("a name"), "cpk_x".to_owned()).expect("TLS")
        };
        for (path, said) in [("", "200 OK"), ("moved", "307 Temporary Redirect"), ("none", "404 Not Found")] {
            let error = at(path).call(Method::GET, "", None, "look").await.expect_err(path);
            let text = error.to_string();
            assert!(!error.is_transient() && text.contains(said) && text.contains("is not the partner API"), "{text}");
        }
        assert!(at("busy").call(Method::GET, "", None, "look").await.expect_err("busy").is_transient());
        // What answered once is started again where it answers as nobody does.
        let app = at("app");
        app.call(Method::GET, "", None, "look").await.expect("an answer");
        let error = app.call(Method::GET, "/gone", None, "look").await.expect_err("no answer of the app");
        assert!(error.is_transient() && error.to_string().contains("not up yet"), "{error}");
    }
}
