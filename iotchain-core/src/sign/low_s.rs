//! The one form of an ES256K signature (spec 1.4): r and s from 1 to n - 1, s in the lower half.

use super::Signature;

/// n, the order of secp256k1 (SEC 2, 2.4.1).
pub(super) const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
/// n / 2, rounded down: the largest s.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Whether a signature has this form.
#[must_use]
pub fn is_low_s(signature: &Signature) -> bool {
    match signature.as_chunks::<32>().0 {
        [r, s] => *r != [0; 32] && *r < ORDER && *s != [0; 32] && *s <= HALF_ORDER,
        _ => false,
    }
}

/// Brings a signature of another signer to this form: n - s is as good as s (SEC 1, 4.1.4). Numbers out of range stay as
/// they are.
#[must_use]
pub fn with_low_s(mut signature: Signature) -> Signature {
    if let [_, s] = signature.as_chunks_mut::<32>().0
        && *s > HALF_ORDER
        && *s < ORDER
    {
        let mut borrow = false;
        for (s, n) in s.iter_mut().rev().zip(ORDER.iter().rev()) {
            let (difference, below) = n.overflowing_sub(*s);
            let (difference, below_again) = difference.overflowing_sub(borrow.into());
            borrow = below | below_again;
            *s = difference;
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(r: [u8; 32], s: [u8; 32]) -> Signature {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        signature
    }

    fn plus(mut number: [u8; 32], more: u8) -> [u8; 32] {
        number[31] += more;
        number
    }

    const ONE: [u8; 32] = {
        let mut one = [0; 32];
        one[31] = 1;
        one
    };

    #[test]
    fn the_form_has_edges() {
        let below_order = {
            let mut number = ORDER;
            number[31] -= 1;
            number
        };
        for r in [ONE, [0x55; 32], below_order] {
            for s in [ONE, [0x55; 32], HALF_ORDER] {
                assert!(is_low_s(&join(r, s)));
            }
        }
        for number in [[0; 32], ORDER, plus(ORDER, 1), [0xff; 32]] {
            assert!(!is_low_s(&join(number, ONE)));
            assert!(!is_low_s(&join(ONE, number)));
        }
        assert!(!is_low_s(&join(ONE, plus(HALF_ORDER, 1))));
    }

    #[test]
    fn a_high_s_becomes_its_counterpart() {
        let low = |s| with_low_s(join(ONE, s));
        // n - (n/2 + 1) = n/2, because n is odd
        assert_eq!(low(plus(HALF_ORDER, 1)), join(ONE, HALF_ORDER));
        let mut two_below = ORDER;
        two_below[31] -= 2;
        assert_eq!(low(two_below), join(ONE, plus(ONE, 1)));
        for unchanged in [ONE, HALF_ORDER, [0; 32], ORDER, plus(ORDER, 1), [0xff; 32]] {
            assert_eq!(low(unchanged), join(ONE, unchanged));
        }
    }
}
