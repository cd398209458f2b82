//! Whether bytes are text.

/// Whether `bytes` are UTF-8 (RFC 3629, 3).
///
/// The way of `core` is faster, by means of a table and of more code than a small device has to spare.
///
/// ```
/// use iotchain_core::cbor::is_utf8;
/// assert!(is_utf8("größer".as_bytes()) && !is_utf8(b"gr\xf6\xdfer"));
/// ```
#[must_use]
pub fn is_utf8(bytes: &[u8]) -> bool {
    let mut bytes = bytes.iter().copied();
    while let Some(first) = bytes.next() {
        // bytes to follow, and the least character that takes them
        let (more, least) = match first {
            0..0x80 => continue,
            0xc0..0xe0 => (1, 0x80),
            0xe0..0xf0 => (2, 0x800),
            0xf0..0xf8 => (3, 0x1_0000),
            _ => return false,
        };
        let mut character = u32::from(first & (0x3f >> more));
        for _ in 0..more {
            match bytes.next() {
                Some(next @ 0x80..0xc0) => character = character << 6 | u32::from(next & 0x3f),
                _ => return false,
            }
        }
        if character < least || char::from_u32(character).is_none() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As `core` judges, by itself and between other text.
    fn agree(bytes: &[u8]) {
        let around = [b"a", bytes, "ß".as_bytes()].concat();
        for bytes in [bytes, &around] {
            assert_eq!(
                is_utf8(bytes),
                core::str::from_utf8(bytes).is_ok(),
                "{bytes:02x?}"
            );
        }
    }

    #[test]
    fn sequences_of_up_to_three_bytes_are_judged_as_by_core() {
        agree(&[]);
        for first in 0..=255 {
            agree(&[first]);
            for second in 0..=255 {
                agree(&[first, second]);
                for third in (0..=255).step_by(17).chain([0x7f, 0x80, 0xbf, 0xc0]) {
                    agree(&[first, second, third]);
                }
            }
        }
    }

    #[test]
    fn sequences_of_four_bytes_are_judged_as_by_core() {
        let edges = [0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
        for first in 0xe0..=255 {
            for second in 0..=255 {
                for third in edges {
                    for fourth in edges {
                        agree(&[first, second, third, fourth]);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn text_is_text(text in any::<std::string::String>()) {
            prop_assert!(is_utf8(text.as_bytes()));
        }
    }
}
