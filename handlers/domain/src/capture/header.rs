//! The header of an Avro file (Avro specification, "Object Container Files"), looked at before the reader of Avro parses the schema in
//! it by means that have no bottom (`contoso_json`).

use std::io::{self, Chain, Cursor, Read};

use super::error::CaptureError;

/// More than the header of a captured file has (bytes); those of the service have about 600.
const MOST: u16 = u16::MAX;

/// The same bytes, if their header can be read by.
///
/// # Errors
/// [`CaptureError::Schema`] if the header has a name that no JSON object may have; that it is no header, the reader of Avro says.
pub(super) fn checked<R: Read>(mut file: R) -> Result<Chain<Cursor<Vec<u8>>, R>, CaptureError> {
    let mut start = Vec::new();
    let read = file.by_ref().take(MOST.into()).read_to_end(&mut start);
    read.map_err(|error| CaptureError::Avro(apache_avro::error::Details::ReadHeader(error).into()))?;
    let schema =
        schema(&start).ok_or_else(|| CaptureError::Schema("it is longer than any of the service".to_owned()))?;
    contoso_json::check(schema).map_err(|error| CaptureError::Schema(error.to_string()))?;
    Ok(Cursor::new(start).chain(file))
}

/// What is to be looked at: the metadata, of which the schema is a part. `None` where it goes on behind these bytes.
fn schema(start: &[u8]) -> Option<&[u8]> {
    let Some(mut rest) = start.strip_prefix(b"Obj\x01") else { return Some(&[]) };
    let all = rest;
    loop {
        let count = match long(&mut rest) {
            Ok(0) => return Some(&all[..all.len() - rest.len()]),
            Ok(count) => count,
            // The file ends in the header, or the header goes on.
            Err(_) => return (start.len() < usize::from(MOST)).then_some(all),
        };
        if count < 0 {
            // The block's length in bytes follows.
            long(&mut rest).ok()?;
        }
        for _ in 0..count.unsigned_abs().saturating_mul(2) {
            let Ok(length) = long(&mut rest) else { break };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

/// A zigzag number of variable length.
fn long(rest: &mut &[u8]) -> io::Result<i64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        rest.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}
