//! Reading request bodies within bounds.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::error::Refusal;

/// How much of a body that is too large is read on and thrown away: a client that is still sending would otherwise see
/// a broken connection and not the answer.
const DRAINED: usize = 64 * 1024 * 1024;

/// The whole body, of at most `limit` bytes.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut read = BytesMut::new();
    let mut length: usize = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::bad_request(format!("The body broke off: {error}.")))?;
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= limit {
            read.extend_from_slice(&data);
        } else if length > DRAINED {
            break;
        }
    }
    if length > limit {
        return Err(Refusal::too_large(format!("The request is larger than {limit} bytes.")));
    }
    Ok(read.freeze())
}
