//! Texts of a sales file: UTF-8, or Windows-1252 where the bytes are no UTF-8.

/// What Windows-1252 has where Latin-1 has control characters; the five bytes that it leaves out are those control characters.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text, and whether it was read as Windows-1252. No byte is lost: every byte is a character there.
pub(super) fn decode(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (bytes.iter().map(|byte| character(*byte)).collect(), true),
    }
}

fn character(byte: u8) -> char {
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// An id without the fraction that programs add which take ids for numbers: `17850.0` is 17850.
pub(super) fn id(text: &str) -> &str {
    let text = text.trim();
    match text.split_once(['.', ',']) {
        Some((whole, fraction))
            if !whole.is_empty()
                && !fraction.is_empty()
                && whole.bytes().all(|byte| byte.is_ascii_digit())
                && fraction.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_utf_8_are_windows_1252() {
        assert_eq!(decode("CAFÉ".as_bytes()), ("CAFÉ".to_owned(), false));
        assert_eq!(decode(b"CAF\xe9 \x80 \x93x\x94 \x81"), ("CAFé € “x” \u{81}".to_owned(), true));
        for byte in 0..=255 {
            assert_ne!(character(byte), char::REPLACEMENT_CHARACTER);
        }
    }

    #[test]
    fn ids_lose_a_fraction_of_zeros_only() {
        for (text, expected) in [
            ("17850.0", "17850"),
            (" 17850,0 ", "17850"),
            ("536365.00", "536365"),
            ("17850.5", "17850.5"),
            ("C536379", "C536379"),
            ("C1.0", "C1.0"),
            (".0", ".0"),
            ("17850.", "17850."),
        ] {
            assert_eq!(id(text), expected);
        }
    }
}
