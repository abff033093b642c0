//! Texts whose first bytes say how they are encoded, as .NET's `StreamReader` reads them.

use std::borrow::Cow;

/// The text of bytes: UTF-8 unless a byte order mark says otherwise, which is no part of it.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return String::from_utf8_lossy(rest);
    }
    let wide = |rest: &[u8], read: fn([u8; 4]) -> u32| {
        let character = |unit: [u8; 4]| char::from_u32(read(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
        Cow::Owned(rest.as_chunks().0.iter().map(|unit| character(*unit)).collect())
    };
    let units = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.as_chunks().0.iter().map(|unit| read(*unit)).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] => wide(rest, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, rest @ ..] => wide(rest, u32::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_how_a_text_is_encoded() {
        for bytes in [
            &b"{}"[..],
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\0}\0",
            b"\xfe\xff\0{\0}",
            b"\xff\xfe\0\0{\0\0\0}\0\0\0",
            b"\0\0\xfe\xff\0\0\0{\0\0\0}",
        ] {
            assert_eq!(text_of(bytes), "{}", "{bytes:?}");
        }
    }
}
