//! Request body.

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;

/// Bytes of a refused upload that are read and dropped, so that the client gets to read the answer.
const DRAIN: usize = 64 * 1024 * 1024;

/// A request's body, until somebody takes it.
pub(crate) struct RequestBody(Option<Body>);

impl RequestBody {
    pub(crate) fn new(body: Body) -> Self {
        Self(Some(body))
    }

    pub(crate) fn take(&mut self) -> Body {
        self.0.take().unwrap_or_default()
    }

    /// The whole body, of at most `limit` bytes.
    ///
    /// # Errors
    /// When it is longer or breaks off.
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Bytes, axum::Error> {
        axum::body::to_bytes(self.take(), limit).await
    }

    /// Reads and drops what nobody took.
    pub(crate) async fn drain(&mut self, headers: &HeaderMap) {
        // A client that waits for `100 Continue` has not sent its body and need not.
        if headers.contains_key("expect") {
            return;
        }
        let mut left = DRAIN;
        let mut data = self.take().into_data_stream();
        while let Some(Ok(bytes)) = data.next().await {
            match left.checked_sub(bytes.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}
