//! Text of bounded length, built without an allocator and without `core::fmt`.

/// At most `N` bytes of ASCII text; `N` is the sum of the longest parts, so nothing is ever cut.
#[derive(Clone, Copy)]
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.push_byte(byte));
    }

    /// Lower-case hex digits, two per byte.
    pub(crate) fn push_hex(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push_byte(hex_digit(byte >> 4));
            self.push_byte(hex_digit(byte & 15));
        }
    }

    /// Decimal digits without leading zeros.
    pub(crate) fn push_decimal(&mut self, value: u64) {
        let mut power = 1u64;
        while let Some(next) = power.checked_mul(10).filter(|next| *next <= value) {
            power = next;
        }
        while let Some(left) = value.checked_div(power) {
            let [digit, ..] = left.wrapping_rem(10).to_le_bytes();
            self.push_byte(b'0'.wrapping_add(digit));
            power = power.wrapping_div(10);
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes
            .get(..self.len)
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    fn push_byte(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len = self.len.saturating_add(1);
        }
    }
}

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0'.wrapping_add(nibble)
    } else {
        b'a'.wrapping_add(nibble.wrapping_sub(10))
    }
}

/// The value of a lower-case hex digit.
pub(crate) fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn decimals_match_the_standard_library() {
        for value in [
            0,
            1,
            9,
            10,
            11,
            99,
            100,
            1337,
            u64::from(u32::MAX),
            u64::MAX / 10,
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut text = Text::<20>::new();
            text.push_decimal(value);
            assert_eq!(text.as_str(), value.to_string());
        }
    }

    #[test]
    fn hex_is_lower_case_and_reversible() {
        let mut text = Text::<4>::new();
        text.push_hex(&[0x0a, 0xf9]);
        assert_eq!(text.as_str(), "0af9");
        assert_eq!(
            text.as_str()
                .bytes()
                .map(hex_value)
                .collect::<Option<std::vec::Vec<_>>>()
                .unwrap(),
            [0, 10, 15, 9]
        );
        assert_eq!(hex_value(b'A'), None);
        assert_eq!(hex_value(b'g'), None);
    }
}
