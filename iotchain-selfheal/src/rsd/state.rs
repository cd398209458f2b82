//! The state of a member over a deep sleep: sealed before, opened after.
//!
//! ```text
//! [announced.., k, [told k, j], first, floor, pace.., newest: [? k, K_j, j+1, C_{j+1}], events: [* [k, j, end, announced,
//!  chain: [? j, C], beacon: [? j, v], message: [? nbf, dur, first half of its SHA-256]]]]
//! ```

use super::known::{Chain, Known, Newest};
use super::member::{HighWater, Member};
use super::personal_key::PersonalKey;
use super::primitives::State;
use super::receive::Pace;
use crate::announced::Announced;
use crate::broadcast::Authority;
use crate::state::{self, Binding, read_array, read_option, read_time, write_option};
use crate::timing::Timing;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, GroupKey, Result, Secret, TryCryptoRng};
use zeroize::Zeroize;

const ELEMENTS: usize = 12;
/// Longest encoding of all but the events: 12 numbers, two of them times, a group key, a chain state, heads.
const MAX_REST: usize = 113;
/// Longest encoding of one event.
const MAX_EVENT: usize = 99;

impl<S: AsRef<[u8]>, const W: usize> Member<S, W> {
    /// Longest state in bytes, not sealed.
    pub(super) const MAX_PLAIN_LEN: usize = MAX_REST + W * MAX_EVENT;
    /// Longest sealed state in bytes.
    pub const MAX_STATE_LEN: usize = state::OVERHEAD + Self::MAX_PLAIN_LEN;

    /// Seals all that the member learnt to the front of `out`, under a key that is the device's own; the length written,
    /// at most [`Member::MAX_STATE_LEN`](Self::MAX_STATE_LEN). The personal key is not in it: the device keeps that
    /// beside. Keep [`Member::high_water`] where it cannot be set back, to know an old state.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the length needed, [`Error::Random`]; nothing is written.
    pub fn seal_state(
        &self,
        key: &Secret<16>,
        rng: &mut impl TryCryptoRng,
        out: &mut [u8],
    ) -> Result<usize> {
        let binding = Binding::new(self.held.key.as_bytes(), &self.authority)?;
        state::seal(key, &binding, rng, out, |writer| self.write_state(writer))
    }

    /// The member that [`Member::seal_state`](Self::seal_state) sealed; it goes on as if it had never slept. `sealed` is
    /// opened where it is, and wiped. Tolerances are the default ones, see [`Member::with_policy`].
    ///
    /// # Errors
    /// [`Error::Group`] as in [`Member::new`], [`Error::Version`] for a state of another version, [`Error::Aead`] for
    /// one that is damaged, or sealed under another key, for another personal key or another key server;
    /// [`Error::Rollback`] for a state older than `oldest`, [`Error::Capacity`] for more than `W` events.
    pub fn open_state(
        personal_key: PersonalKey<S>,
        authority: Authority,
        key: &Secret<16>,
        sealed: &mut [u8],
        oldest: HighWater,
    ) -> Result<Self> {
        let mut member = Self::VACANT;
        member.wake(personal_key, &authority, key, sealed, oldest)?;
        Ok(member)
    }

    /// Turns this member into the one that [`Member::open_state`](Self::open_state) returns, where it lies. Whatever it was
    /// before is wiped; after a failure it is [vacant](Self::VACANT).
    ///
    /// # Errors
    /// As [`Member::open_state`](Self::open_state).
    #[inline(never)]
    pub fn wake(
        &mut self,
        personal_key: PersonalKey<S>,
        authority: &Authority,
        key: &Secret<16>,
        sealed: &mut [u8],
        oldest: HighWater,
    ) -> Result<()> {
        let begun = self.begin(personal_key, *authority);
        let done = begun.and_then(|()| {
            let mut state = self.unseal(key, sealed)?;
            self.read_state(&mut state)?;
            if self.high_water() < oldest {
                return Err(Error::Rollback);
            }
            Ok(())
        });
        sealed.zeroize();
        if done.is_err() {
            *self = Self::VACANT;
        }
        done
    }

    // apart, so that the stack of the cipher is free again when the state is read
    #[inline(never)]
    fn unseal<'a>(&self, key: &Secret<16>, sealed: &'a mut [u8]) -> Result<Reader<'a>> {
        match &Binding::new(self.held.key.as_bytes(), &self.authority) {
            Ok(binding) => state::open(key, binding, sealed),
            Err(error) => Err(*error),
        }
    }

    pub(super) fn write_state(&self, writer: &mut Writer<'_>) {
        let held = &self.held;
        writer.array(ELEMENTS as u64);
        self.announced.write(writer);
        writer
            .uint(held.newest_event.into())
            .uint(held.told.0.into())
            .uint(held.told.1.into())
            .uint(held.first.into())
            .uint(held.floor.into());
        held.pace.write(writer);
        let newest = (held.newest.event != 0).then_some(&held.newest);
        write_option(writer, 4, newest, |writer, newest| {
            writer.uint(newest.event.into()).bytes(newest.key.expose());
            write_chain(writer, &newest.next);
        });
        writer.array(held.events.iter().count() as u64);
        held.events.iter().for_each(|known| known.write(writer));
    }

    #[inline(never)]
    pub(super) fn read_state(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        read_array(reader, ELEMENTS)?;
        self.announced = Announced::read(reader)?;
        let held = &mut self.held;
        held.newest_event = reader.u32()?;
        held.told = (reader.u32()?, reader.u32()?);
        held.first = reader.u32()?;
        held.floor = reader.u32()?;
        held.pace = Pace::read(reader)?;
        held.newest = read_option(reader, 4, |reader| {
            Ok(Newest {
                event: reader.u32()?,
                key: GroupKey::new(*reader.array_of()?),
                next: read_chain(reader)?,
            })
        })?
        .unwrap_or(Newest::NONE);
        let events = reader.array()?;
        if events > W {
            return Err(Error::Capacity);
        }
        for _ in 0..events {
            read_array(reader, 7)?;
            let event = reader.u32()?;
            let place = held.events.place(event).ok_or(Error::Type)?;
            place.read(reader)?;
        }
        Ok(())
    }
}

impl Known {
    fn write(&self, writer: &mut Writer<'_>) {
        writer
            .array(7)
            .uint(self.event.into())
            .uint(self.session().unwrap_or_default().into())
            .uint(self.end().unwrap_or_default().into())
            .uint(self.announced.into());
        write_option(writer, 2, self.chain(), write_chain);
        write_option(writer, 2, self.beacon(), |writer, (j, value)| {
            writer.uint(j.into()).bytes(value);
        });
        write_option(
            writer,
            3,
            self.message(),
            |writer, (timing, fingerprint)| {
                writer
                    .uint(timing.starts.get())
                    .uint(timing.duration.into())
                    .bytes(fingerprint);
            },
        );
    }

    /// What follows the number of the event, into its place.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.begin(reader.u32()?);
        self.finish(reader.u32()?);
        self.announced = reader.u32()?;
        if let Some(chain) = read_option(reader, 2, read_chain)? {
            self.keep(&chain);
        }
        let beacon = |reader: &mut Reader<'_>| Ok((reader.u32()?, *reader.array_of()?));
        if let Some((session, value)) = read_option(reader, 2, beacon)? {
            self.reach(session, value);
        }
        let message = |reader: &mut Reader<'_>| Ok((Timing::read(reader)?, *reader.array_of()?));
        if let Some((timing, fingerprint)) = read_option(reader, 3, message)? {
            self.receive(timing, fingerprint);
        }
        Ok(())
    }
}

impl Pace {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.uint(self.second.get()).uint(self.spent.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            second: read_time(reader)?,
            spent: reader.u32()?,
        })
    }
}

fn write_chain(writer: &mut Writer<'_>, chain: &Chain) {
    writer
        .uint(chain.position.into())
        .bytes(chain.state.expose());
}

fn read_chain(reader: &mut Reader<'_>) -> Result<Chain> {
    Ok(Chain {
        position: reader.u32()?,
        state: State::new(*reader.array_of()?),
    })
}
