//! Masking the key of a session, and the message that carries the window (spec 3.5.2).

use super::{GroupManager, Masked};
use crate::manager::{encode, seal};
use crate::polynomial::field::Element;
use crate::polynomial::revocation::revocation_polynomial;
use crate::scheme::Scheme;
use crate::timing::Timing;
use alloc::vec::Vec;
use iotchain_core::cbor::Writer;
use iotchain_core::{Result, Secret, Signer};
use zeroize::Zeroizing;

impl GroupManager {
    /// K_a.
    pub(super) fn secret(&self, session: u32) -> Secret<16> {
        self.prf.group_key(&self.expanded, session)
    }

    /// The coefficients of h_a, lowest power first.
    pub(super) fn mask(&self, session: u32) -> Zeroizing<Vec<[u8; 16]>> {
        let coefficient = |power| *self.prf.mask(&self.expanded, session, power).expose();
        Zeroizing::new((0..=self.parameters.degree).map(coefficient).collect())
    }

    /// P_a = g_a K_a + h_a for what is revoked now. Call it once per session and keep the result.
    pub(super) fn polynomial(&self, session: u32) -> Result<Vec<u8>> {
        let key = Element::new(*self.secret(session).expose());
        let g = revocation_polynomial(&self.revoked_in(session), self.parameters.degree)?;
        let masked = g
            .iter()
            .zip(self.mask(session).iter())
            .flat_map(|(g, h)| g.times(&key).plus(&Element::new(*h)).to_bytes())
            .collect();
        Ok(masked)
    }

    /// The oldest session in the window of `session`.
    pub(super) fn window_start(&self, session: u32) -> u32 {
        session
            .saturating_sub(self.parameters.window.into())
            .max(self.parameters.first.get())
    }

    /// The message of `session`, whose P_a is `newest`; those before it are repeated as they are kept.
    pub(super) fn issue(
        &self,
        session: u32,
        timing: Timing,
        newest: &Masked,
        signer: &impl Signer,
    ) -> Result<Vec<u8>> {
        let first = self.window_start(session);
        let mut revocations = Vec::new();
        // `until` may lie before the window, `from` after it
        self.revocations()
            .filter(|entry| entry.from <= session && entry.until >= first)
            .for_each(|entry| entry.write(&mut revocations));
        let window = || {
            self.masked
                .iter()
                .filter(|masked| masked.session >= first)
                .chain([newest])
        };
        let key_checks: Vec<u8> = window()
            .flat_map(|Masked { session: a, .. }| {
                *self.prf.key_check(&self.secret(*a), *a).expose()
            })
            .collect();
        let polynomials: Vec<u8> = window()
            .flat_map(|masked| masked.polynomial.iter().copied())
            .collect();
        let payload = encode(|writer: &mut Writer<'_>| {
            writer
                .array(9)
                .uint(Scheme::Polynomial.number().into())
                .uint(self.parameters.epoch.into())
                .uint(self.parameters.degree.into())
                .uint(first.into());
            writer
                .uint(timing.starts.get())
                .uint(timing.duration.into())
                .bytes(&revocations)
                .bytes(&key_checks)
                .bytes(&polynomials);
        })?;
        seal(signer, self.parameters.gid, session, &payload)
    }
}
