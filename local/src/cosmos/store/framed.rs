//! Framing of what is stored: a JSON head, preceded by its length (four bytes, big-endian), and a body as it came.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

pub(in crate::cosmos) fn encode(head: &impl Serialize, body: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let head = serde_json::to_vec(head)?;
    let mut bytes = Vec::with_capacity(4 + head.len() + body.len());
    bytes.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// # Errors
/// What is wrong with the bytes.
pub(in crate::cosmos) fn decode<H: DeserializeOwned>(bytes: &[u8]) -> Result<(H, Bytes), String> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or("it is shorter than its length field")?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|error| error.to_string())?;
    let (head, body) = rest.split_at_checked(length).ok_or("its head is cut off")?;
    let head = contoso_json::from_slice(head).map_err(|error| error.to_string())?;
    Ok((head, Bytes::copy_from_slice(body)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn head_and_body_read_back(head in any::<Vec<String>>(), body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode::<Vec<String>>(&encode(&head, &body).unwrap()), Ok((head, body.into())));
        }

        #[test]
        fn damaged_bytes_are_an_error_and_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok((_, body)) = decode::<serde_json::Value>(&bytes) {
                prop_assert!(body.len() < bytes.len());
            }
        }
    }
}
