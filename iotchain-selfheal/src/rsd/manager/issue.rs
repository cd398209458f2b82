//! Issuing an event: fresh secrets, links to the events of the window, covers of the classes (spec 3.4.5).

use super::change::Began;
use super::{GroupManager, Parameters};
use crate::manager::{draw, encode, seal};
use crate::rsd::cover::class_subsets;
use crate::rsd::event::ENTRY_LEN;
use crate::rsd::primitives::{ChainValue, EventNonce, Prf, State, xor};
use crate::scheme::Scheme;
use crate::timing::Timing;
use alloc::vec::Vec;
use core::ops::Range;
use iotchain_core::cbor::Writer;
use iotchain_core::{Error, Result, Secret, Signer, TryCryptoRng};
use zeroize::Zeroize;

/// What an event leaves behind.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) session: u32,
    /// C at `session`.
    pub(super) state: State,
    /// v at the last session of the epoch; secret until disclosed.
    pub(super) top: ChainValue,
}

impl Issued {
    /// C at a session of the interval.
    pub(super) fn state_at(&self, prf: &Prf, session: u32) -> State {
        prf.ratchet(&self.state, self.session, session)
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        self.top.zeroize();
    }
}

/// The randomness of one event, drawn at the time of issue and never again (spec A7).
pub(super) struct Fresh {
    z: State,
    nonce: EventNonce,
    top: Secret<16>,
}

impl Fresh {
    pub(super) fn draw(rng: &mut impl TryCryptoRng) -> Result<Self> {
        let z = draw(rng)?;
        let mut nonce = EventNonce::default();
        rng.try_fill_bytes(&mut nonce).map_err(|_| Error::Random)?;
        Ok(Self {
            z,
            nonce,
            top: draw(rng)?,
        })
    }
}

impl GroupManager {
    /// The event that begins `session`, signed; who leaves by then is left out. Changes nothing yet.
    pub(super) fn issue(
        &self,
        session: u32,
        timing: Timing,
        fresh: &Fresh,
        signer: &impl Signer,
    ) -> Result<Began> {
        let Parameters {
            gid,
            epoch,
            depth,
            last,
            window,
            history,
            ..
        } = self.parameters;
        let k = u32::try_from(self.events.len())
            .ok()
            .and_then(|n| n.checked_add(1))
            .ok_or(Error::SessionRange)?;
        let sessions: Vec<u32> = self
            .newest(history)
            .map(|event| event.session)
            .chain([session])
            .collect();
        let revoked = self.departures.out_by(session);

        let mut z = fresh.z.clone();
        let mut links = Vec::new();
        let mut covers = Vec::new();
        let old_events = self.newest(window).map(Some).chain([None]);
        for ((class, slots), old) in (0u8..).zip(self.classes(session)).zip(old_events) {
            covers.push(self.cover(class, slots, &revoked, &z, &fresh.nonce)?);
            if let Some(old) = old {
                let mask = self.prf.link_mask(&z, k, class.into());
                links.extend_from_slice(xor(old.state.expose(), &mask).expose());
                self.prf.next_class(&mut z, k, class.into());
            }
        }
        let state = self.prf.chain(&z, k, session);
        let issued = Issued {
            session,
            state,
            top: *fresh.top.expose(),
        };

        let anchor = self.beacon_value(k, &issued, session);
        let key_check = self.prf.key_check(&issued.state, k, session);
        let write = |writer: &mut Writer<'_>| {
            writer
                .array(13)
                .uint(Scheme::Rsd.number().into())
                .uint(epoch.into())
                .uint(k.into())
                .uint(depth.into());
            writer
                .uint(last.get().into())
                .uint(timing.starts.get())
                .uint(timing.duration.into());
            writer
                .bytes(&fresh.nonce)
                .bytes(&anchor)
                .bytes(key_check.expose());
            writer.array(sessions.len() as u64);
            sessions.iter().for_each(|session| {
                writer.uint((*session).into());
            });
            writer.bytes(&links).array(covers.len() as u64);
            covers.iter().for_each(|cover| {
                writer.bytes(cover);
            });
        };
        let message = seal(signer, gid, session, &encode(write)?)?;
        Ok(Began {
            timing,
            issued,
            message,
        })
    }

    /// The newest events, oldest first, that share a list of `n` with one to come.
    fn newest(&self, n: u8) -> impl Iterator<Item = &Issued> {
        let others = usize::from(n.saturating_sub(1));
        self.events
            .iter()
            .skip(self.events.len().saturating_sub(others))
    }

    /// The classes of an event at `session`. Class c: the slots that joined before window event c, and at or after the one
    /// before it.
    fn classes(&self, session: u32) -> Vec<Range<u32>> {
        let mut first_slot = 0;
        let window = self.newest(self.parameters.window);
        window
            .map(|event| event.session)
            .chain([session])
            .map(|event| {
                let end = self.first_slot_since(event);
                core::mem::replace(&mut first_slot, end)..end
            })
            .collect()
    }

    /// Bytes by which the slots that are out lengthen the next event.
    ///
    /// # Errors
    /// None that can happen: the last slot is never given out.
    pub(super) fn revocation_cost(&self) -> Result<usize> {
        let session = self.course.session().saturating_add(1);
        let revoked = self.departures.out_by(session);
        let mut entries = 0usize;
        for slots in self
            .classes(session)
            .into_iter()
            .filter(|slots| !slots.is_empty())
        {
            let depth = self.parameters.depth;
            let with = class_subsets(depth, slots.clone(), &revoked)?.len();
            let without = class_subsets(depth, slots, &[])?.len();
            entries = entries.saturating_add(with.saturating_sub(without));
        }
        Ok(entries.saturating_mul(ENTRY_LEN))
    }

    /// The entries of one class: subset || Z xor pad.
    fn cover(
        &self,
        class: u8,
        slots: Range<u32>,
        revoked: &[u32],
        z: &State,
        nonce: &EventNonce,
    ) -> Result<Vec<u8>> {
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let subsets = class_subsets(self.parameters.depth, slots, revoked)?;
        let mut entries = Vec::with_capacity(subsets.len().saturating_mul(ENTRY_LEN));
        for subset in subsets {
            let pad = self
                .prf
                .pad(&self.label(subset.top(), subset.hole()), nonce, class);
            entries.extend_from_slice(&subset.pack());
            entries.extend_from_slice(xor(z.expose(), &pad).expose());
        }
        Ok(entries)
    }
}
