//! Ids: who is in from when until when, who is out, and the personal key of each (spec 3.5.2).

use super::GroupManager;
use crate::manager::encode;
use crate::polynomial::PADDING;
use crate::polynomial::field::Element;
use crate::polynomial::revocation::Revocation;
use crate::scheme::Scheme;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use iotchain_core::cbor::Writer;
use iotchain_core::{Error, Result, Session};
use zeroize::Zeroizing;

/// Most sessions of one personal key, 16 bytes each.
const MAX_SESSIONS: u32 = 4096;

/// The sessions of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Life {
    /// Whether a member of these sessions can exist, given the first session of the epoch.
    pub(super) const fn is_valid(self, first: u32) -> bool {
        first <= self.first
            && self.first <= self.last
            && self.last.saturating_sub(self.first) < MAX_SESSIONS
    }

    const fn contains(self, session: u32) -> bool {
        self.first <= session && session <= self.last
    }
}

impl GroupManager {
    /// Admits the member `id` to `sessions`, none of them before the current one. The id is the point at which the member
    /// evaluates; it is never given out again in this epoch.
    ///
    /// # Errors
    /// [`Error::Type`] for an id outside 1..2^31 or one that was given out before; [`Error::SessionRange`] for no
    /// session, or one that is over or before the first; [`Error::Size`] for more than 4096 sessions.
    pub fn join(&mut self, id: u32, sessions: RangeInclusive<Session>) -> Result<()> {
        let life = Life {
            first: sessions.start().get(),
            last: sessions.end().get(),
        };
        if !(1..PADDING).contains(&id) || self.lives.contains_key(&id) {
            return Err(Error::Type);
        }
        let earliest = self.course.session().max(self.parameters.first.get());
        if life.first < earliest || life.last < life.first {
            return Err(Error::SessionRange);
        }
        if life.last.saturating_sub(life.first) >= MAX_SESSIONS {
            return Err(Error::Size);
        }
        self.lives.insert(id, life);
        self.count_change();
        Ok(())
    }

    /// Leaves a member out of its sessions from the next one on. Repeating it changes nothing, nor does revoking a member
    /// whose sessions are over.
    ///
    /// # Errors
    /// [`Error::NotMember`] for an id that was never given out; [`Error::TooManyRevoked`] if more than t members would be
    /// out of one session: open a new epoch. Nothing has changed then.
    pub fn revoke(&mut self, id: u32) -> Result<()> {
        let life = *self.lives.get(&id).ok_or(Error::NotMember)?;
        if self.revoked.contains_key(&id) || life.last <= self.course.session() {
            return Ok(());
        }
        // not before the first session of its own (spec A13)
        let from = life.first.max(self.course.session().saturating_add(1));
        // R_a only grows where somebody's revocation begins, so the fullest sessions are among those
        let begins = self
            .revoked
            .values()
            .copied()
            .filter(|begin| (from..=life.last).contains(begin));
        let degree = self.parameters.degree;
        if core::iter::once(from)
            .chain(begins)
            .any(|session| self.is_full(session, degree))
        {
            return Err(Error::TooManyRevoked);
        }
        self.revoked.insert(id, from);
        self.count_change();
        Ok(())
    }

    /// Whether a member takes part in `session`.
    #[must_use]
    pub fn is_member(&self, id: u32, session: Session) -> bool {
        let j = session.get();
        self.lives.get(&id).is_some_and(|life| life.contains(j))
            && self.revoked.get(&id).is_none_or(|from| j < *from)
    }

    /// Whether an id was given out, is not revoked and has sessions left, the current one included.
    #[must_use]
    pub fn is_live(&self, id: u32) -> bool {
        let life = self.lives.get(&id);
        life.is_some_and(|life| life.last >= self.course.session())
            && !self.revoked.contains_key(&id)
    }

    /// S_i of an id, encoded; the same bytes every time (spec A6). Secret: hand it out over DTLS only.
    ///
    /// # Errors
    /// [`Error::NotMember`] unless the id is live.
    pub fn personal_key(&self, id: u32) -> Result<Zeroizing<Vec<u8>>> {
        let life = *self
            .lives
            .get(&id)
            .filter(|_| self.is_live(id))
            .ok_or(Error::NotMember)?;
        let x = Element::from(id);
        let shares: Vec<Element> = (life.first..=life.last)
            .map(|session| x.evaluate(self.mask(session).iter()))
            .collect();
        encode(|writer: &mut Writer<'_>| {
            writer
                .array(8)
                .uint(Scheme::Polynomial.number().into())
                .bytes(self.parameters.gid.as_bytes())
                .uint(self.parameters.epoch.into())
                .uint(id.into());
            writer
                .uint(life.first.into())
                .uint(life.last.into())
                .uint(self.parameters.degree.into());
            writer.bytes_head((shares.len() as u64).saturating_mul(16));
            shares.iter().for_each(|share| {
                writer.raw(&*Zeroizing::new(share.to_bytes()));
            });
        })
    }

    /// Everybody who is or will be out, by id.
    pub(super) fn revocations(&self) -> impl Iterator<Item = Revocation> {
        self.revoked.iter().filter_map(|(id, from)| {
            Some(Revocation {
                id: *id,
                from: *from,
                until: self.lives.get(id)?.last,
            })
        })
    }

    /// Whether `count` members or more are out of a session.
    pub(super) fn is_full(&self, session: u32, count: u32) -> bool {
        u32::try_from(self.revoked_in(session).len()).map_or(true, |revoked| revoked >= count)
    }

    /// R_a.
    pub(super) fn revoked_in(&self, session: u32) -> Vec<u32> {
        self.revocations()
            .filter(|revocation| revocation.contains(session))
            .map(|revocation| revocation.id)
            .collect()
    }
}
