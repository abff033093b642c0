//! Middleware: the way in to a service, past its faults.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Effect, Faults};

/// Bytes of a struck request that are read and dropped, so that the client gets to read the answer.
const DRAIN: usize = 64 << 20;

impl Faults {
    /// `router` behind these faults.
    pub(crate) fn guard(&self, router: Router) -> Router {
        router.layer(axum::middleware::from_fn_with_state(self.clone(), pass))
    }
}

async fn pass(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let Some(fault) = faults.take(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    if !fault.delay.is_zero() {
        crate::clock::pause(fault.delay).await;
    }
    match fault.effect {
        Effect::Proceed => next.run(request).await,
        Effect::Refuse(refusal) => {
            let (parts, body) = request.into_parts();
            drain(&parts.headers, body).await;
            let mut response = (faults.inner.shape)(&parts, &refusal);
            if let Some(after) = refusal.retry_after {
                let seconds = after.as_millis().div_ceil(1000);
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(0)));
            }
            response
        }
        Effect::Disconnect => {
            let (parts, body) = request.into_parts();
            drain(&parts.headers, body).await;
            broken()
        }
        Effect::LoseAnswer => {
            let (parts, body) = next.run(request).await.into_parts();
            tracing::debug!(status = %parts.status, "the answer is lost");
            // An answer that is produced while it is sent is the service's work too.
            drain(&HeaderMap::new(), body).await;
            broken()
        }
    }
}

/// Reads a body to its end, within reason.
async fn drain(headers: &HeaderMap, body: Body) {
    // A client that waits for `100 Continue` has not sent its body and need not.
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let mut left = DRAIN;
    let mut data = body.into_data_stream();
    while let Some(Ok(bytes)) = data.next().await {
        match left.checked_sub(bytes.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// An answer that ends its connection instead of being sent: the server writes the head together with the first bytes
/// of the body, and there are none to have.
fn broken() -> Response {
    let lost = stream::once(async { Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)) });
    let mut response = Response::new(Body::from_stream(lost));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
