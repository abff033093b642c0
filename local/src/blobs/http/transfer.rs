//! Streaming of bodies in and out, a chunk at a time.

use std::sync::Arc;

use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::{StreamExt, stream};
use md5::{Digest, Md5};

use super::{BODY_WRITES, OTHER_WORK, RequestBody, in_turn, request::Call};
use crate::blobs::{
    bodies::{Draft, Pin, Slice, Upload},
    error::{Code, Failure},
};

/// Takes in a body of at most `limit` bytes.
///
/// # Errors
/// [`Code::MissingContentLengthHeader`], [`Code::RequestBodyTooLarge`], [`Failure::Body`] where it breaks off.
pub(super) async fn receive(
    call: &Call,
    body: &mut RequestBody,
    mut upload: Upload,
    limit: u64,
) -> Result<(Draft, Option<[u8; 16]>), Failure> {
    call.check_length(limit)?;
    let mut data = body.take().into_data_stream();
    while let Some(bytes) = data.next().await {
        let bytes = bytes.map_err(|error| Failure::Body(error.into()))?;
        if upload.fits(bytes.len()) {
            upload.write(&bytes)?;
        } else {
            upload = in_turn(&BODY_WRITES, move || {
                upload.write(&bytes)?;
                Ok(upload)
            })
            .await?;
        }
    }
    Ok(upload.finish())
}

/// Holds the MD5 of what came against what the client says.
///
/// # Errors
/// [`Code::Md5Mismatch`].
pub(super) fn check_md5(expected: Option<&str>, computed: &str) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected.trim() != computed => Err(Code::Md5Mismatch.into()),
        _ => Ok(()),
    }
}

pub(super) fn base64(md5: [u8; 16]) -> String {
    BASE64_STANDARD.encode(md5)
}

/// Bytes of a blob, ready to be sent: the first chunk is read, the others are read as the client takes them.
pub(super) struct Download {
    first: Bytes,
    rest: std::vec::IntoIter<Slice>,
    pin: Pin,
}

impl Download {
    /// The bytes from `from` to `to`, end excluded.
    pub(super) fn new(pin: Pin, from: u64, to: u64) -> Result<Self, Failure> {
        let mut rest = pin.slices(from, to).into_iter();
        let first = rest.next().map(|slice| pin.read(slice)).transpose()?.unwrap_or_default();
        Ok(Self { first, rest, pin })
    }

    /// MD5 of all of it.
    pub(super) fn md5(&self) -> Result<[u8; 16], Failure> {
        let mut md5 = Md5::new_with_prefix(&self.first);
        for slice in self.rest.as_slice() {
            md5.update(self.pin.read(*slice)?);
        }
        Ok(md5.finalize().into())
    }

    pub(super) fn into_body(self) -> Body {
        if self.rest.len() == 0 {
            return Body::from(self.first);
        }
        let first = stream::once(async move { Ok(self.first) });
        let state = (Arc::new(self.pin), self.rest);
        let rest = stream::try_unfold(state, |(pin, mut rest)| async move {
            let Some(slice) = rest.next() else { return Ok(None) };
            let reader = Arc::clone(&pin);
            let bytes = in_turn(&OTHER_WORK, move || reader.read(slice)).await?;
            Ok::<_, Failure>(Some((bytes, (pin, rest))))
        });
        Body::from_stream(first.chain(rest))
    }
}
