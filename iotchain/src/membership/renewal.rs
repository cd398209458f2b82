//! On to the next epoch without another join (spec 4.7).

use super::{Credentials, Membership};
use crate::join::JoinResponse;
use iotchain_core::{Error, Result};
use iotchain_selfheal::rsd::PersonalKey;

impl<S: AsRef<[u8]>, const W: usize, const C: usize, V, const K: usize> Membership<S, W, C, V, K> {
    /// Takes the personal key of the next epoch, to go on without another join when that opens (spec 4.7). A previous
    /// epoch that is still held makes room, with all its keys.
    ///
    /// # Errors
    /// What is wrong with the personal key; otherwise see [`EpochMember::prepare`](crate::EpochMember::prepare).
    pub fn prepare(&mut self, personal_key: S) -> Result<()> {
        self.member.prepare(PersonalKey::parse(personal_key)?)?;
        self.keys.clear();
        Ok(())
    }

    /// Drops the previous epoch, once no stored object of it is read any more, see
    /// [`EpochMember::retire`](crate::EpochMember::retire).
    pub fn retire(&mut self) -> bool {
        self.keys.clear();
        self.member.retire()
    }

    /// The personal key in `response` that [`Membership::renew`] would take; `None` if it holds all there is.
    ///
    /// # Errors
    /// As [`Membership::renew`].
    pub fn renewal<'a>(&self, response: &JoinResponse<'a>) -> Result<Option<&'a [u8]>> {
        if response.key_map.gid != self.group.gid || self.is_vacant() {
            return Err(Error::Group);
        }
        if response.key_server != *self.member.authority().key() {
            return Err(Error::Kid);
        }
        Credentials::<C>::check(response)?;
        let held = self.member.current().personal_key();
        let given = PersonalKey::parse(response.personal_key)?;
        let (next, bytes) = if given.epoch() != held.epoch() {
            (given, response.personal_key)
        } else if given.slot() != held.slot() {
            return Err(Error::Type);
        } else if let Some(next) = response.next_personal_key {
            (PersonalKey::parse(next)?, next)
        } else {
            return Ok(None);
        };
        Ok(self.member.lacks(&next)?.then_some(bytes))
    }

    /// Takes over what the key server answered when this member asked for its material again: the personal key of the
    /// next epoch, also if that has opened in the meantime, and the senders that are in the group: others are forgotten
    /// (A2). `own` makes a copy of that personal key; the previous epoch has made room by then. Tells whether the next
    /// epoch is prepared.
    ///
    /// # Errors
    /// [`Error::Group`] for another gid, [`Error::Kid`] for another key server, [`Error::Epoch`] if more than one epoch was
    /// missed, [`Error::Type`] if the membership itself is another one: join again then. [`Error::Capacity`] for more than
    /// `C` senders. Otherwise as [`Membership::prepare`].
    #[inline(never)]
    pub fn renew(
        &mut self,
        response: &JoinResponse<'_>,
        own: impl FnOnce(&[u8]) -> S,
    ) -> Result<bool> {
        if let Some(next) = self.renewal(response)? {
            self.retire();
            self.prepare(own(next))?;
        }
        self.credentials.replace(response)?;
        self.sid = response.key_map.sid;
        self.told = self.told.max(response.session);
        Ok(self.member.next().is_some())
    }
}
