//! Sealing at a chosen Partial IV.
//!
//! A sender counts its PIVs itself and never skips one, so a vector's PIV has to be reached: without a boot salt as if
//! it had been stored in flash, with one by using up all PIVs before it.

use crate::report::{Checked, During, Fault};
use iotchain::oscar::{Checkpoint, Group, Reserve};
use iotchain::{
    Boot, Claims, Error, GroupKey, PublicKey, ResourceId, Result, Sender, Session, Sid, Signer,
    SigningKey, UnixTime, core::Signature,
};

/// Most PIVs that are used up to reach one.
pub(crate) const REACH: u32 = 1 << 17;

/// Whether [`sender_at`] can reach `piv`.
pub(crate) const fn is_within_reach(salt: &[u8], piv: u32) -> bool {
    salt.is_empty() || piv <= REACH
}

/// A sender of `session` under the key id `kid` whose next PIV is `piv`.
pub(crate) fn sender_at(
    group: Group,
    kid: &[u8],
    session: Session,
    key: &GroupKey,
    piv: u32,
) -> Checked<Sender> {
    let (sid, salt) = kid
        .split_at_checked(group.sid_len)
        .ok_or_else(|| Fault::new("kid shorter than a sid"))?;
    let boot = if salt.is_empty() {
        let last = piv.checked_sub(1).map(|piv| Checkpoint { session, piv });
        Boot::persisted(
            Reserve {
                every: 1,
                pending: 0,
            },
            last,
        )
    } else {
        Boot::assigned(salt)?
    };
    let mut sender = Sender::new(group, Sid::from_slice(sid)?, boot, UnixTime::new(0))?;
    sender.enter(session, key).during("entering the session")?;
    if let Some(checkpoint) = sender.checkpoint_due() {
        sender.checkpoint_stored(checkpoint);
    }
    if !salt.is_empty() {
        use_up(&mut sender, group, piv)?;
    }
    Ok(sender)
}

/// Uses up `count` PIVs: a signer that fails leaves no object, but its PIV is spent.
fn use_up(sender: &mut Sender, group: Group, count: u32) -> Checked {
    let unwilling = Unwilling(SigningKey::from_bytes(group.suite.sign, &[1; 32])?.public());
    let resource = ResourceId::new(iotchain::Address::ZERO, &[], &[])?;
    let claims = Claims {
        iat: UnixTime::new(1),
        exp: Some(UnixTime::new(2)),
    };
    let mut out = [0; 256];
    for _ in 0..count {
        match sender.seal_signed(&resource, claims, b"", &unwilling, &mut out) {
            Err(Error::Sig) => {}
            other => return Err(Fault::new(format!("using up a PIV: {other:?}"))),
        }
    }
    Ok(())
}

/// A signer that never signs.
struct Unwilling(PublicKey);

impl Signer for Unwilling {
    fn public(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, _message: &[&[u8]]) -> Result<Signature> {
        Err(Error::Sig)
    }
}
