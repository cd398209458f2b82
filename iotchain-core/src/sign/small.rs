//! ES256K for small stacks, over the arithmetic of `k256`.
//!
//! The curve's own calls keep tables of up to 12 kB on the stack and are twice as fast; these keep three points. Every
//! result is the same, bit for bit: the tests compare the two.

use super::{PublicKey, SignAlg, Signature};
use crate::error::{Error, Result};
use crate::hash::hmac_sha256;
use core::ops::AddAssign;
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use k256::elliptic_curve::scalar::IsHigh;
use k256::elliptic_curve::subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use k256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};
use zeroize::{Zeroize, Zeroizing};

pub(super) fn public(private: &[u8; 32]) -> Result<PublicKey> {
    let scalar = Zeroizing::new(parse(private).ok_or(Error::Type)?);
    Ok(encode_key(&times_generator(&scalar)))
}

pub(super) fn check(key: &PublicKey) -> Result<()> {
    parse_key(key).map(|_| ()).ok_or(Error::Sig)
}

pub(super) fn sign_digest(private: &[u8; 32], digest: &[u8; 32]) -> Result<Signature> {
    let signed = signed(private, digest)?;
    encode(&signed.r, &signed.s)
}

/// A signature; beside it, whether the y of R is odd.
pub(super) fn sign_recoverable(private: &[u8; 32], digest: &[u8; 32]) -> Result<(Signature, bool)> {
    let signed = signed(private, digest)?;
    // the x of R is not below the order with a chance of 2^-128: no parity leads back to the key then
    if signed.r.to_bytes() != signed.point.x() {
        return Err(Error::Sig);
    }
    let is_odd = signed.point.y_is_odd() ^ signed.is_high;
    Ok((encode(&signed.r, &signed.s)?, is_odd.into()))
}

/// A signature, all of which is public.
struct Signed {
    r: Scalar,
    /// In the lower half.
    s: Scalar,
    /// R, before s was brought there.
    point: AffinePoint,
    is_high: Choice,
}

/// The steps of SEC 1, 4.1.3, with the nonce of RFC 6979.
fn signed(private: &[u8; 32], digest: &[u8; 32]) -> Result<Signed> {
    let digest = Scalar::reduce(&FieldBytes::from(*digest));
    let key = Zeroizing::new(parse(private).ok_or(Error::Type)?);
    let nonce = nonce(private, &digest);
    let point = times_generator(&nonce).to_affine();
    let r = Scalar::reduce(&point.x());
    let inverse = Zeroizing::new(nonce.invert().unwrap_or(Scalar::ZERO));
    let product = Zeroizing::new(r.mul(&key));
    let s = inverse.mul(&product.add(&digest));
    let is_high = s.is_high();
    let s = Scalar::conditional_select(&s, &s.negate(), is_high);
    Ok(Signed {
        r,
        s,
        point,
        is_high,
    })
}

/// The steps of SEC 1, 4.1.6, for the one R whose y has this parity.
pub(super) fn recover(digest: &[u8; 32], signature: &Signature, odd: bool) -> Result<PublicKey> {
    let (r, s) = parse_signature(signature).ok_or(Error::Sig)?;
    let point = AffinePoint::decompress(&r.to_bytes(), u8::from(odd).into()).into_option();
    let point = point.ok_or(Error::Sig)?;
    let inverse = r.invert_vartime().unwrap_or(Scalar::ZERO);
    let digest = Scalar::reduce(&FieldBytes::from(*digest));
    let of_generator = digest.mul(&inverse).negate();
    let key = shamir(&of_generator, &s.mul(&inverse), &point.into());
    if bool::from(key.ct_eq(&ProjectivePoint::IDENTITY)) {
        return Err(Error::Sig);
    }
    Ok(encode_key(&key))
}

/// The steps of SEC 1, 4.1.4; nothing here is secret.
pub(super) fn verify_digest(
    key: &PublicKey,
    digest: &[u8; 32],
    signature: &Signature,
) -> Result<()> {
    let (r, s) = parse_signature(signature).ok_or(Error::Sig)?;
    let (Some(point), false) = (parse_key(key), bool::from(s.is_high())) else {
        return Err(Error::Sig);
    };
    let inverse = s.invert_vartime().unwrap_or(Scalar::ZERO);
    let of_generator = Scalar::reduce(&FieldBytes::from(*digest)).mul(&inverse);
    let of_point = r.mul(&inverse);
    let sum = shamir(&of_generator, &of_point, &point.into()).to_affine();
    // the x of the point at infinity is 0, which r is not
    if Scalar::reduce(&sum.x()) == r {
        Ok(())
    } else {
        Err(Error::Sig)
    }
}

/// A scalar above zero and below the group order; whether it is one may show in the time.
#[inline(never)]
fn parse(bytes: &[u8; 32]) -> Option<Scalar> {
    let scalar = Scalar::from_repr((*bytes).into()).into_option()?;
    (!bool::from(scalar.is_zero())).then_some(scalar)
}

fn parse_signature(signature: &Signature) -> Option<(Scalar, Scalar)> {
    match signature.as_chunks().0 {
        [r, s] => Some((parse(r)?, parse(s)?)),
        _ => None,
    }
}

fn parse_key(key: &PublicKey) -> Option<AffinePoint> {
    AffinePoint::from_coordinates(key.x().into(), key.y().into()).into_option()
}

/// Of a point that is not at infinity.
fn encode_key(point: &ProjectivePoint) -> PublicKey {
    let point = point.to_affine();
    PublicKey::ec2(SignAlg::Es256k, point.x().into(), point.y().into())
}

/// r||s, which is public from here on; zero has a chance of 2^-256.
#[inline(never)]
fn encode(r: &Scalar, s: &Scalar) -> Result<Signature> {
    if bool::from(r.is_zero() | s.is_zero()) {
        return Err(Error::Sig);
    }
    let mut signature = [0; 64];
    let halves = r.to_bytes().into_iter().chain(s.to_bytes());
    for (to, from) in signature.iter_mut().zip(halves) {
        *to = from;
    }
    Ok(signature)
}

/// The nonce of a key and a digest reduced modulo the group order (RFC 6979, 3.2), HMAC-SHA-256 its generator.
fn nonce(private: &[u8; 32], digest: &Scalar) -> Zeroizing<Scalar> {
    let digest = digest.to_bytes();
    let (mut key, mut value) = ([0; 32], [1; 32]);
    for round in [0, 1] {
        key = hmac_sha256(&key, &[&value, &[round], private, &digest]);
        value = hmac_sha256(&key, &[&value]);
    }
    loop {
        value = hmac_sha256(&key, &[&value]);
        if let Some(nonce) = parse(&value) {
            key.zeroize();
            value.zeroize();
            return Zeroizing::new(nonce);
        }
        key = hmac_sha256(&key, &[&value, &[0]]);
        value = hmac_sha256(&key, &[&value]);
    }
}

/// k G for a secret k: two bits at a time, each step the same two doublings and one addition.
fn times_generator(k: &Scalar) -> ProjectivePoint {
    let twice = ProjectivePoint::GENERATOR.double();
    let mut thrice = twice;
    thrice.add_assign(&ProjectivePoint::GENERATOR);
    let bytes = Zeroizing::new(<[u8; 32]>::from(k.to_bytes()));
    let (mut sum, mut term) = (ProjectivePoint::IDENTITY, ProjectivePoint::IDENTITY);
    for byte in *bytes {
        for digit in [byte >> 6, byte >> 4 & 3, byte >> 2 & 3, byte & 3] {
            sum.double_in_place();
            sum.double_in_place();
            term = ProjectivePoint::IDENTITY;
            term.conditional_assign(&ProjectivePoint::GENERATOR, digit.ct_eq(&1));
            term.conditional_assign(&twice, digit.ct_eq(&2));
            term.conditional_assign(&thrice, digit.ct_eq(&3));
            sum.add_assign(&term);
        }
    }
    term.zeroize();
    sum
}

/// a G + b P for numbers and a point that anyone may know: both multiples in one chain of doublings. Apart, so that the
/// stack of the conversions before and after it is not held meanwhile.
#[inline(never)]
fn shamir(a: &Scalar, b: &Scalar, point: &ProjectivePoint) -> ProjectivePoint {
    let mut both = ProjectivePoint::GENERATOR;
    both.add_assign(point);
    let mut sum = ProjectivePoint::IDENTITY;
    for (a, b) in a.to_bytes().into_iter().zip(b.to_bytes()) {
        for bit in [0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1] {
            sum.double_in_place();
            match (a & bit != 0, b & bit != 0) {
                (true, true) => sum.add_assign(&both),
                (true, false) => sum.add_assign(&ProjectivePoint::GENERATOR),
                (false, true) => sum.add_assign(point),
                (false, false) => {}
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests;
