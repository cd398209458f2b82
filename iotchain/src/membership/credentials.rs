//! Whose signatures a member believes.

use crate::join::{JoinResponse, Peer};
use iotchain_core::sign::Verifier;
use iotchain_core::{Address, Error, PublicKey, Result, Sid, SignAlg};
use iotchain_oscar::{Credential, Directory};

/// The credentials of up to `C` senders; in a free place that of nobody.
#[derive(Clone, Debug)]
pub struct Credentials<const C: usize>([Peer; C]);

impl<const C: usize> Credentials<C> {
    const NOBODY: Peer = Peer {
        sid: Sid::NONE,
        subject: Address::ZERO,
        key: PublicKey::ec2(SignAlg::Es256k, [0; 32], [0; 32]),
    };
    /// Nobody is known.
    pub const NONE: Self = Self([Self::NOBODY; C]);

    /// Whether there is room for the senders that a response names.
    pub(super) fn check(response: &JoinResponse<'_>) -> Result<()> {
        if response.creds.len() > C {
            return Err(Error::Capacity);
        }
        Ok(())
    }

    /// Those of the senders that a response names, and no others.
    pub(super) fn replace(&mut self, response: &JoinResponse<'_>) -> Result<()> {
        *self = Self::NONE;
        response.peers().try_for_each(|peer| self.insert(peer))
    }

    /// Learns a sender, or its new key.
    ///
    /// # Errors
    /// [`Error::Capacity`] when `C` others are known.
    pub fn insert(&mut self, peer: Peer) -> Result<()> {
        // the sender's own place, else a free one
        let rank = |place: &&mut Peer| (place.sid != peer.sid, place.sid != Sid::NONE);
        let place = self.0.iter_mut().min_by_key(rank).ok_or(Error::Capacity)?;
        if place.sid != peer.sid && place.sid != Sid::NONE {
            return Err(Error::Capacity);
        }
        *place = peer;
        Ok(())
    }

    /// Everybody's.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.0.iter().filter(|peer| peer.sid != Sid::NONE)
    }

    /// Forgets a sender.
    pub fn remove(&mut self, sid: &Sid) {
        for place in self.0.iter_mut().filter(|place| place.sid == *sid) {
            *place = Self::NOBODY;
        }
    }
}

impl<const C: usize> Directory for Credentials<C> {
    fn credential(&self, sid: &Sid) -> Option<Credential<'_>> {
        let held = |place: &&Peer| place.sid == *sid && *sid != Sid::NONE;
        let Peer { subject, key, .. } = self.0.iter().find(held)?;
        Some(Credential {
            subject: *subject,
            key,
        })
    }
}

/// Credentials, and who verifies signatures with them.
pub(super) struct Senders<'a, const C: usize, V> {
    pub(super) credentials: &'a Credentials<C>,
    pub(super) verifier: V,
}

impl<const C: usize, V: Verifier> Directory for Senders<'_, C, V> {
    fn credential(&self, sid: &Sid) -> Option<Credential<'_>> {
        self.credentials.credential(sid)
    }

    fn verifier(&self) -> &dyn Verifier {
        &self.verifier
    }
}
