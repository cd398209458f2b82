//! GF(2^128) in the representation of POLYVAL (RFC 8452, 3; spec 3.5.1).
//!
//! ```text
//! an element is 16 bytes, little-endian      a + b = a xor b      a * b = a b x^-128 mod x^128 + x^127 + x^126 + x^121 + 1
//! ```

use core::fmt;
use core::ops::Mul as _;
use polyval::hazmat::FieldElement;
use zeroize::Zeroize;

/// An element of the field; may be secret, so it is wiped on drop, never printed, and compared as bytes or not at all.
///
/// ```
/// use iotchain_selfheal::polynomial::Element;
/// let x = Element::new([7; 16]);
/// assert_eq!(x.times(&x.invert()).to_bytes(), Element::UNIT.to_bytes());
/// assert_ne!(x.times(&Element::from(1)).to_bytes(), x.to_bytes()); // the unit is not 1
/// ```
#[derive(Clone)]
pub struct Element([u8; 16]);

impl Element {
    /// The neutral element of addition.
    pub const ZERO: Self = Self([0; 16]);
    /// The neutral element of multiplication, x^128: 01 00..00 c2. It is not the integer 1.
    pub const UNIT: Self = Self([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc2]);

    /// From its bytes; every 16 bytes are an element.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 16] {
        self.0
    }

    /// The sum, which is also the difference: xor.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for (byte, other) in sum.0.iter_mut().zip(&other.0) {
            *byte ^= other;
        }
        sum
    }

    /// The product, in constant time.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let mut product = FieldElement::from(self.0).mul(FieldElement::from(other.0));
        let element = Self(product.into());
        product.zeroize();
        element
    }

    /// The inverse, x^(2^128 - 2); that of zero is zero, so whoever divides tests for zero first. 127 squarings and 12
    /// multiplications, in constant time.
    #[must_use]
    pub fn invert(&self) -> Self {
        // b_n = x^(2^n - 1), and b_{p+q} = b_p^(2^q) b_q
        let grow = |b: &Self, q: u8, c: &Self| b.square(q).times(c);
        let b1 = self;
        let b2 = grow(b1, 1, b1);
        let b3 = grow(&b2, 1, b1);
        let b6 = grow(&b3, 3, &b3);
        let b7 = grow(&b6, 1, b1);
        let b14 = grow(&b7, 7, &b7);
        let b15 = grow(&b14, 1, b1);
        let b30 = grow(&b15, 15, &b15);
        let b31 = grow(&b30, 1, b1);
        let b62 = grow(&b31, 31, &b31);
        let b63 = grow(&b62, 1, b1);
        let b126 = grow(&b63, 63, &b63);
        let b127 = grow(&b126, 1, b1);
        b127.square(1)
    }

    /// c_0 + c_1 x + ... at this x, from the coefficients lowest first: c_0 + POLYVAL(x; c_t, ..., c_1).
    #[must_use]
    pub fn evaluate<'a>(
        &self,
        coefficients: impl DoubleEndedIterator<Item = &'a [u8; 16]>,
    ) -> Self {
        let mut value = Self::ZERO;
        for coefficient in coefficients.rev() {
            value = value.times(self).plus(&Self(*coefficient));
        }
        value
    }

    /// `times` squarings.
    fn square(&self, times: u8) -> Self {
        let mut square = self.clone();
        for _ in 0..times {
            square = square.times(&square);
        }
        square
    }
}

impl From<u32> for Element {
    /// The point of a member is its id as a little-endian integer.
    fn from(id: u32) -> Self {
        Self(u128::from(id).to_le_bytes())
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Element(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use std::fs;
    use std::vec::Vec;

    fn vectors() -> Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/field.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn bytes(value: &Value) -> [u8; 16] {
        hex::decode(value.as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap()
    }

    fn element(value: &Value) -> Element {
        Element(bytes(value))
    }

    fn list(value: &Value) -> &[Value] {
        let list = value.as_array().unwrap();
        assert!(!list.is_empty());
        list
    }

    /// a b x^-128 bit by bit, as the definition says.
    fn multiply_by_definition(a: u128, b: u128) -> u128 {
        (0..128).fold(0, |sum: u128, bit| {
            let sum = sum ^ if b >> bit & 1 == 1 { a } else { 0 };
            // times x^-1: the constant term goes with the modulus, whose terms above it are 127, 126, 121 and 0
            let odd = sum & 1 == 1;
            (sum >> 1) ^ if odd { 0xe1 << 120 } else { 0 }
        })
    }

    #[test]
    fn vectors_products_and_inverses() {
        let vectors = vectors();
        assert_eq!(bytes(&vectors["unit"]), Element::UNIT.to_bytes());
        for row in list(&vectors["mul"]) {
            let (a, b) = (element(&row["a"]), element(&row["b"]));
            assert_eq!(a.times(&b).to_bytes(), bytes(&row["ab"]));
            assert_eq!(b.times(&a).to_bytes(), bytes(&row["ab"]));
        }
        for row in list(&vectors["inv"]) {
            assert_eq!(element(&row["a"]).invert().to_bytes(), bytes(&row["inv"]));
        }
    }

    #[test]
    fn vectors_evaluation() {
        let vectors = vectors();
        for row in list(&vectors["eval"]) {
            let coefficients: Vec<_> = list(&row["coef"]).iter().map(bytes).collect();
            let y = element(&row["x"]).evaluate(coefficients.iter());
            assert_eq!(y.to_bytes(), bytes(&row["y"]));
        }
        // POLYVAL(H; X_1, X_2) is the value at H of the polynomial with coefficients 0, X_2, X_1
        let sample = &vectors["rfc8452"];
        let mut coefficients: Vec<_> = list(&sample["X"]).iter().rev().map(bytes).collect();
        coefficients.insert(0, [0; 16]);
        let polyval = element(&sample["H"]).evaluate(coefficients.iter());
        assert_eq!(polyval.to_bytes(), bytes(&sample["polyval"]));
    }

    #[test]
    fn trap_the_unit_is_not_one() {
        let x = Element([0x5a; 16]);
        assert_eq!(x.times(&Element::UNIT).to_bytes(), x.to_bytes());
        assert_ne!(x.times(&Element::from(1)).to_bytes(), x.to_bytes());
        assert_eq!(Element::UNIT.invert().to_bytes(), Element::UNIT.to_bytes());
    }

    #[test]
    fn trap_zero_has_no_inverse() {
        assert_eq!(Element::ZERO.invert().to_bytes(), [0; 16]);
    }

    proptest! {
        #[test]
        fn products_are_those_of_the_definition(a: u128, b: u128) {
            let product = Element(a.to_le_bytes()).times(&Element(b.to_le_bytes()));
            prop_assert_eq!(u128::from_le_bytes(product.to_bytes()), multiply_by_definition(a, b));
        }

        #[test]
        fn the_laws_of_a_field(a: [u8; 16], b: [u8; 16], c: [u8; 16]) {
            let (a, b, c) = (Element(a), Element(b), Element(c));
            prop_assert_eq!(a.times(&b.plus(&c)).to_bytes(), a.times(&b).plus(&a.times(&c)).to_bytes());
            prop_assert_eq!(a.times(&b.times(&c)).to_bytes(), a.times(&b).times(&c).to_bytes());
            if a.to_bytes() != [0; 16] {
                prop_assert_eq!(a.times(&a.invert()).to_bytes(), Element::UNIT.to_bytes());
            }
        }
    }
}
