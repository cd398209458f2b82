//! From a message to a key: evaluate at the own point, take the mask off, divide (spec 3.5.3).

use super::message::{Masked, Message};
use super::personal_key::PersonalKey;
use super::primitives::Prf;
use super::revocation;
use iotchain_core::{Error, Result, Secret};

/// K_a of one session of the window; `None` if the member is revoked in it or has no share of it.
///
/// # Errors
/// [`Error::Kcv`] if the key is not the one that the message commits to.
pub(crate) fn recover<S: AsRef<[u8]>>(
    key: &PersonalKey<S>,
    prf: &Prf,
    message: &Message<'_>,
    masked: Masked<'_>,
) -> Result<Option<Secret<16>>> {
    let session = masked.session;
    let Some(share) = key.share(session) else {
        return Ok(None);
    };
    let revoked = || message.revocations.of(session);
    // before inverting: g_a is zero at a revoked id, and the quotient would be the same known key for everybody
    if revoked().any(|id| id == key.id()) {
        return Ok(None);
    }
    let x = key.point();
    let value = x.evaluate(masked.polynomial.iter());
    let divisor = revocation::evaluate(revoked(), message.degree, &x);
    let quotient = value.plus(&share).times(&divisor.invert());
    let found = Secret::new(quotient.to_bytes());
    if prf
        .key_check(&found, session)
        .ct_eq(&Secret::new(*masked.key_check))
    {
        Ok(Some(found))
    } else {
        Err(Error::Kcv)
    }
}
