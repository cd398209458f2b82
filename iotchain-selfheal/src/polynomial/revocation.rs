//! Who is revoked when, and the polynomial g_a that has the revoked members of a session as roots (spec 3.5.2).
//!
//! ```text
//! rev = n x `id from until`, 4 bytes each, big-endian, ids increasing      R_a = {id : from <= a <= until}
//! g_a(x) = product over R_a of (x - id) times product over v < t - |R_a| of (x - (2^31 + v))
//! ```

use super::PADDING;
use super::field::Element;
#[cfg(feature = "manager")]
use alloc::vec::Vec;
use iotchain_core::{Error, Result};

/// Length of an entry in bytes.
pub(crate) const ENTRY_LEN: usize = 12;

/// A member that is out of its sessions `from..=until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) id: u32,
    pub(crate) from: u32,
    pub(crate) until: u32,
}

impl Revocation {
    pub(crate) fn read(entry: &[u8; ENTRY_LEN]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *entry;
        Self {
            id: u32::from_be_bytes([a, b, c, d]),
            from: u32::from_be_bytes([e, f, g, h]),
            until: u32::from_be_bytes([i, j, k, l]),
        }
    }

    #[cfg(feature = "manager")]
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        for number in [self.id, self.from, self.until] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }

    /// Whether the member belongs to R_a.
    pub(crate) const fn contains(self, session: u32) -> bool {
        self.from <= session && session <= self.until
    }
}

/// The list `rev` of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revocations<'a>(&'a [[u8; ENTRY_LEN]]);

impl<'a> Revocations<'a> {
    /// # Errors
    /// [`Error::Type`] for a partial entry, ids that do not increase or lie outside 1..2^31, an end before its start.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (entries, rest) = bytes.as_chunks();
        let list = Self(entries);
        let mut before = 0;
        let mut well_formed = rest.is_empty();
        for entry in list.iter() {
            well_formed &= before < entry.id && entry.id < PADDING && entry.from <= entry.until;
            before = entry.id;
        }
        if well_formed {
            Ok(list)
        } else {
            Err(Error::Type)
        }
    }

    fn iter(self) -> impl Iterator<Item = Revocation> + 'a {
        self.0.iter().map(Revocation::read)
    }

    /// The ids of R_a.
    pub(crate) fn of(self, session: u32) -> impl Iterator<Item = u32> + 'a {
        self.iter()
            .filter(move |entry| entry.contains(session))
            .map(|entry| entry.id)
    }
}

/// The t roots of g_a: the revoked ids, then padding that keeps its degree constant.
fn roots(revoked: impl Iterator<Item = u32>, degree: u32) -> impl Iterator<Item = Element> {
    let padding = (0..degree).map(|v| PADDING.wrapping_add(v));
    revoked
        .chain(padding)
        .zip(0..degree)
        .map(|(root, _)| Element::from(root))
}

/// g_a at `x`. Zero for a revoked x.
pub(crate) fn evaluate(revoked: impl Iterator<Item = u32>, degree: u32, x: &Element) -> Element {
    roots(revoked, degree).fold(Element::UNIT, |product, root| product.times(&x.plus(&root)))
}

/// The t + 1 coefficients of g_a, lowest first; the highest is the unit. For the group manager and known answers.
///
/// # Errors
/// [`Error::TooManyRevoked`] for more than `degree` ids; [`Error::Type`] for an id outside 1..2^31 or one that stands
/// there twice.
#[cfg(feature = "manager")]
pub fn revocation_polynomial(revoked: &[u32], degree: u32) -> Result<Vec<Element>> {
    if u32::try_from(revoked.len()).map_or(true, |count| count > degree) {
        return Err(Error::TooManyRevoked);
    }
    let mut sorted = revoked.to_vec();
    sorted.sort_unstable();
    let distinct = sorted.is_sorted_by(|a, b| a < b);
    if !distinct || !sorted.iter().all(|id| (1..PADDING).contains(id)) {
        return Err(Error::Type);
    }
    let mut coefficients = alloc::vec![Element::UNIT];
    for root in roots(revoked.iter().copied(), degree) {
        // times (x + root): each coefficient moves up one power and stays, times the root
        let mut lower = Element::ZERO;
        for coefficient in &mut coefficients {
            let stays = coefficient.times(&root);
            lower = core::mem::replace(coefficient, lower.plus(&stays));
        }
        coefficients.push(lower);
    }
    Ok(coefficients)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn lists_that_are_not_well_formed() {
        let parse = |entries: &[[u32; 3]]| {
            let bytes: Vec<u8> = entries
                .iter()
                .flatten()
                .flat_map(|number| number.to_be_bytes())
                .collect();
            Revocations::parse(&bytes).map(|list| list.of(5).collect::<Vec<_>>())
        };
        assert_eq!(parse(&[]), Ok(Vec::new()));
        let list = [[1, 5, 9], [2, 1, 4], [PADDING - 1, 5, 5]];
        assert_eq!(parse(&list), Ok([1, PADDING - 1].to_vec()));
        for wrong in [
            [[1, 5, 9], [1, 5, 9]],
            [[2, 5, 9], [1, 5, 9]],
            [[0, 5, 9], [1, 5, 9]],
            [[1, 5, 9], [PADDING, 5, 9]],
            [[1, 5, 4], [2, 5, 9]],
        ] {
            assert_eq!(parse(&wrong), Err(Error::Type), "{wrong:?}");
        }
        assert!(Revocations::parse(&[0; 11]).is_err());
    }

    #[test]
    fn trap_the_own_id_is_a_root() {
        let x = Element::from(7);
        let zero = evaluate([3, 7].into_iter(), 4, &x);
        assert_eq!(zero.to_bytes(), [0; 16]);
        assert_ne!(evaluate([3, 6].into_iter(), 4, &x).to_bytes(), [0; 16]);
    }

    #[cfg(feature = "manager")]
    mod manager {
        use super::*;
        use serde_json::Value;
        use std::fs;

        #[test]
        fn vectors_revocation_polynomials() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/field.json");
            let vectors: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let rows = vectors["revocation_polynomial"].as_array().unwrap();
            assert!(!rows.is_empty());
            for row in rows {
                let degree = row["t"].as_u64().unwrap() as u32;
                let revoked: Vec<u32> = row["revoked"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|id| id.as_u64().unwrap() as u32)
                    .collect();
                let texts = |elements: Vec<Element>| {
                    let texts = elements.iter().map(|e| hex::encode(e.to_bytes()).into());
                    Value::Array(texts.collect())
                };
                let ours = roots(revoked.iter().copied(), degree).collect();
                assert_eq!(texts(ours), row["roots"]);
                let g = revocation_polynomial(&revoked, degree).unwrap();
                let g_at = |x: &Element| {
                    let bytes: Vec<[u8; 16]> = g.iter().map(Element::to_bytes).collect();
                    x.evaluate(bytes.iter()).to_bytes()
                };
                for id in revoked.iter().copied().chain([1, 2, 99, PADDING]) {
                    let x = Element::from(id);
                    assert_eq!(
                        g_at(&x),
                        evaluate(revoked.iter().copied(), degree, &x).to_bytes()
                    );
                }
                assert_eq!(texts(g), row["g"]);
            }
        }

        #[test]
        fn trap_padding_ids_and_zero_are_no_members() {
            for wrong in [&[0][..], &[PADDING], &[PADDING + 5], &[3, 3]] {
                assert_eq!(revocation_polynomial(wrong, 4).err(), Some(Error::Type));
            }
            assert_eq!(
                revocation_polynomial(&[1, 2, 3], 2).err(),
                Some(Error::TooManyRevoked)
            );
        }
    }
}
