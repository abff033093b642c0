//! Avro encoding: what a captured file is made of, byte by byte (Avro specification 1.12, "Binary encoding").
//!
//! Written here because a captured file must come out the same each time it is written: the Avro library puts the
//! entries of maps, the header's included, in an order that changes from run to run.

/// A `long`, also the length before bytes: zig-zag, seven bits a byte, lowest first.
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "the encoding is one of bit patterns")]
pub(super) fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest > 0x7f {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A count or length.
pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_long(out, i64::try_from(length).unwrap_or(i64::MAX));
}

/// `bytes`, or a `string` from its UTF-8.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// A map, one block of all entries and the empty one that ends it.
pub(super) fn put_map<T>(out: &mut Vec<u8>, entries: &[(String, T)], put_value: impl Fn(&mut Vec<u8>, &T)) {
    if !entries.is_empty() {
        put_length(out, entries.len());
        for (name, value) in entries {
            put_bytes(out, name.as_bytes());
            put_value(out, value);
        }
    }
    put_length(out, 0);
}
