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

/// A map that is appended entry by entry: one block of all entries and the empty one that ends it.
pub(super) struct Map {
    /// Where the number of entries stands. Until there are some it is that of the empty block, which ends the map.
    count_at: usize,
    entries: usize,
}

impl Map {
    pub(super) fn begin(out: &mut Vec<u8>) -> Self {
        let count_at = out.len();
        put_length(out, 0);
        Self { count_at, entries: 0 }
    }

    /// Appends the name of the next entry, whose value is to follow.
    pub(super) fn name(&mut self, out: &mut Vec<u8>, name: &str) {
        self.entries += 1;
        put_bytes(out, name.as_bytes());
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        if self.entries > 0 {
            let mut count = Vec::new();
            put_length(&mut count, self.entries);
            out.splice(self.count_at..=self.count_at, count);
            put_length(out, 0);
        }
    }
}
