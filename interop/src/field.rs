//! `field.json`: arithmetic of GF(2^128) and the polynomials of the scheme polynomial.

use crate::json::Item;
use crate::report::{Checked, Section, same, same_bytes};
use crate::set::VectorSet;
use iotchain::selfheal::polynomial::{Element, revocation_polynomial};

/// Ids from here on pad the roots of a revocation polynomial.
const PADDING: u32 = 1 << 31;

/// A check of one row of a table.
type RowCheck = fn(&Item<'_>) -> Checked;

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let file = set.file("field");
    section.check("unit", || {
        same_bytes("unit", Element::UNIT.to_bytes(), file.get("unit")?.bytes()?)
    });
    let checks: [(&str, RowCheck); 4] = [
        ("mul", check_product),
        ("inv", check_inverse),
        ("eval", check_value),
        ("revocation_polynomial", check_polynomial),
    ];
    for (table, check) in checks {
        let rows = section
            .read(table, || file.get(table)?.some())
            .unwrap_or_default();
        for (index, row) in rows.iter().map(Item::rebased).enumerate() {
            section.check(format!("{table} {index}"), || check(&row));
        }
    }
    section.check("rfc8452", || check_polyval(&file.get("rfc8452")?));
}

pub(crate) fn element(item: &Item<'_>) -> Checked<Element> {
    item.array().map(Element::new)
}

/// A list of field elements.
pub(crate) fn coefficients(item: &Item<'_>) -> Checked<Vec<[u8; 16]>> {
    item.some()?.iter().map(Item::array).collect()
}

fn check_product(row: &Item<'_>) -> Checked {
    let (a, b) = (element(&row.get("a")?)?, element(&row.get("b")?)?);
    let expected = row.get("ab")?.bytes()?;
    same_bytes("a b", a.times(&b).to_bytes(), &expected)?;
    same_bytes("b a", b.times(&a).to_bytes(), &expected)
}

fn check_inverse(row: &Item<'_>) -> Checked {
    let inverse = element(&row.get("a")?)?.invert();
    same_bytes("inverse", inverse.to_bytes(), row.get("inv")?.bytes()?)
}

fn check_value(row: &Item<'_>) -> Checked {
    let value = element(&row.get("x")?)?.evaluate(coefficients(&row.get("coef")?)?.iter());
    same_bytes("value", value.to_bytes(), row.get("y")?.bytes()?)
}

fn check_polynomial(row: &Item<'_>) -> Checked {
    check_roots(row, row.get("t")?.int()?, &row.get("revoked")?.ints()?)
}

/// `roots` are the revoked ids, then padding up to `degree`; `g` is their polynomial.
pub(crate) fn check_roots(row: &Item<'_>, degree: u32, revoked: &[u32]) -> Checked {
    let g = revocation_polynomial(revoked, degree)?;
    let g: Vec<[u8; 16]> = g.iter().map(Element::to_bytes).collect();
    same("g", &g, &coefficients(&row.get("g")?)?)?;
    let padding = (0..degree).map(|v| PADDING + v);
    let roots: Vec<[u8; 16]> = revoked
        .iter()
        .copied()
        .chain(padding)
        .take(g.len() - 1)
        .map(|root| Element::from(root).to_bytes())
        .collect();
    same("roots", roots, coefficients(&row.get("roots")?)?)
}

/// POLYVAL(H; X_1, .., X_s) is the value at H of the polynomial with coefficients 0, X_s, .., X_1.
fn check_polyval(sample: &Item<'_>) -> Checked {
    let mut blocks = coefficients(&sample.get("X")?)?;
    blocks.push([0; 16]);
    let value = element(&sample.get("H")?)?.evaluate(blocks.iter().rev());
    same_bytes("polyval", value.to_bytes(), sample.get("polyval")?.bytes()?)
}
