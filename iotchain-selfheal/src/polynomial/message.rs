//! The payload of a message: the masked keys of a session and of the ones before it (spec 3.2, 3.5.2).
//!
//! ```text
//! [1, epoch, t, first, nbf, dur, rev, kcvs, polys]      kcvs: 16, polys: 16 (t+1) bytes per session first..j, oldest first
//! ```

use super::revocation::Revocations;
use crate::scheme::Scheme;
use crate::timing::Timing;
use iotchain_core::{Error, Result};

/// A message whose fields fit together; its signature is verified by the envelope it came in.
#[derive(Clone, Debug)]
pub(crate) struct Message<'a> {
    /// j.
    pub(crate) session: u32,
    /// The oldest session of the window.
    pub(crate) first: u32,
    /// t.
    pub(crate) degree: u32,
    pub(crate) timing: Timing,
    pub(crate) revocations: Revocations<'a>,
    key_checks: &'a [[u8; 16]],
    /// t + 1 coefficients per session.
    coefficients: &'a [[u8; 16]],
}

/// The part of a message about one session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masked<'a> {
    /// a.
    pub(crate) session: u32,
    pub(crate) key_check: &'a [u8; 16],
    /// P_a, lowest power first.
    pub(crate) polynomial: &'a [[u8; 16]],
}

impl<'a> Message<'a> {
    /// Reads the payload of the message of `session`, for members with this `epoch` and t = `degree` (spec 3.3, step 4).
    ///
    /// # Errors
    /// A format error, [`Error::Version`], [`Error::Scheme`], [`Error::Type`], [`Error::Epoch`],
    /// [`Error::TooManyRevoked`].
    pub(crate) fn parse(session: u32, payload: &'a [u8], epoch: u32, degree: u32) -> Result<Self> {
        let mut reader = Scheme::Polynomial.read_payload(payload, 9)?;
        let found = (reader.u32()?, reader.u32()?);
        let first = reader.u32()?;
        let timing = Timing::read(&mut reader)?;
        let [revocations, key_checks, polynomials] =
            [reader.bytes()?, reader.bytes()?, reader.bytes()?];
        if !timing.is_valid() {
            return Err(Error::Type);
        }
        // with another t the lengths below mean nothing
        if found != (epoch, degree) {
            return Err(Error::Epoch);
        }
        let sessions = session
            .checked_sub(first)
            .filter(|_| first != 0)
            .and_then(|before| usize::try_from(before).ok()?.checked_add(1))
            .ok_or(Error::Type)?;
        let terms = usize::try_from(degree).map_or(usize::MAX, |t| t.saturating_add(1));
        let (key_checks, checks_rest) = key_checks.as_chunks();
        let (coefficients, coefficients_rest) = polynomials.as_chunks();
        let shape = key_checks.len() == sessions
            && coefficients.len() == sessions.saturating_mul(terms)
            && checks_rest.is_empty()
            && coefficients_rest.is_empty();
        if !shape {
            return Err(Error::Type);
        }
        let message = Self {
            session,
            first,
            degree,
            timing,
            revocations: Revocations::parse(revocations)?,
            key_checks,
            coefficients,
        };
        let too_many = |masked: Masked<'_>| {
            let revoked = message.revocations.of(masked.session).count();
            u32::try_from(revoked).map_or(true, |count| count > degree)
        };
        if message.window().any(too_many) {
            return Err(Error::TooManyRevoked);
        }
        Ok(message)
    }

    /// How many sessions the message gives.
    pub(crate) const fn window_len(&self) -> usize {
        self.key_checks.len()
    }

    /// The sessions of the window, oldest first, this one last.
    pub(crate) fn window(&self) -> impl Iterator<Item = Masked<'a>> {
        let terms = usize::try_from(self.degree).map_or(usize::MAX, |t| t.saturating_add(1));
        (self.first..=self.session)
            .zip(self.key_checks)
            .zip(self.coefficients.chunks(terms))
            .map(|((session, key_check), polynomial)| Masked {
                session,
                key_check,
                polynomial,
            })
    }
}
