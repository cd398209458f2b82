//! The whole state of a group manager as bytes, for the store of the key server.
//!
//! ```text
//! [1, gid, epoch, depth, first, last, window, history, nbf_first, dur_first, mk, changes, j, nbf, dur, next_nbf, closed,
//!  next_slot, cohorts: [* session, slot], grants: [* slot, from], revoked: [* slot, session], pending: [* slot],
//!  events: [* [session, C, v_last]], message]
//! ```

use super::{Cohort, GroupManager, Issued, Parameters};
use crate::manager::{encode, read_groups, read_state, write_groups};
use crate::rsd::primitives::State;
use crate::timing::Timing;
use alloc::vec::Vec;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Gid, Result, Secret, Session, UnixTime};
use zeroize::Zeroizing;

const VERSION: u32 = 1;
const ELEMENTS: usize = 24;

impl GroupManager {
    /// The state, strict CBOR. Secret: it holds every key of the epoch.
    ///
    /// # Errors
    /// None that can happen; the length is measured first.
    pub fn export(&self) -> Result<Zeroizing<Vec<u8>>> {
        encode(|writer| self.write(writer))
    }

    /// Takes up a state where [`GroupManager::export`] left it.
    ///
    /// # Errors
    /// A format error, [`Error::Version`] for a state of another version, [`Error::Type`] for one that contradicts
    /// itself.
    pub fn import(bytes: &[u8]) -> Result<Self> {
        let mut reader = read_state(bytes, VERSION, ELEMENTS)?;
        let manager = Self::read(&mut reader)?;
        if manager.is_consistent() {
            Ok(manager)
        } else {
            Err(Error::Type)
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let Parameters {
            gid,
            epoch,
            depth,
            first,
            last,
            window,
            history,
            starts,
            duration,
        } = self.parameters;
        writer
            .array(ELEMENTS as u64)
            .uint(VERSION.into())
            .bytes(gid.as_bytes())
            .uint(epoch.into())
            .uint(depth.into());
        writer
            .uint(first.get().into())
            .uint(last.get().into())
            .uint(window.into())
            .uint(history.into());
        writer
            .uint(starts.get())
            .uint(duration.into())
            .bytes(self.master.expose())
            .uint(self.changes);
        writer
            .uint(self.session.into())
            .uint(self.timing.starts.get())
            .uint(self.timing.duration.into());
        writer
            .uint(self.next_starts.get())
            .uint(self.closed.unwrap_or(0).into())
            .uint(self.next_slot.into());
        write_groups(
            writer,
            self.cohorts
                .iter()
                .map(|cohort| [cohort.session, cohort.first_slot]),
        );
        write_groups(
            writer,
            self.grants.iter().map(|(slot, from)| [*slot, *from]),
        );
        write_groups(
            writer,
            self.revoked.iter().map(|(slot, session)| [*slot, *session]),
        );
        writer.array(self.pending.len() as u64);
        self.pending.iter().for_each(|slot| {
            writer.uint((*slot).into());
        });
        writer.array(self.events.len() as u64);
        self.events.iter().for_each(|event| {
            writer
                .array(3)
                .uint(event.session.into())
                .bytes(event.state.expose())
                .bytes(&event.top);
        });
        writer.bytes(&self.message);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let byte = |value: u32| u8::try_from(value).map_err(|_| Error::Type);
        let parameters = Parameters {
            gid: Gid::new(*reader.array_of()?),
            epoch: reader.u32()?,
            depth: byte(reader.u32()?)?,
            first: Session::new(reader.u32()?),
            last: Session::new(reader.u32()?),
            window: byte(reader.u32()?)?,
            history: byte(reader.u32()?)?,
            starts: UnixTime::new(reader.uint()?),
            duration: reader.u32()?,
        };
        let mut manager = Self::new(parameters, Secret::new(*reader.array_of()?))?;
        manager.changes = reader.uint()?;
        manager.session = reader.u32()?;
        manager.timing = Timing::read(reader)?;
        manager.next_starts = UnixTime::new(reader.uint()?);
        manager.closed = Some(reader.u32()?).filter(|next| *next != 0);
        manager.next_slot = reader.u32()?;
        let cohorts = read_groups(reader)?;
        manager.cohorts = cohorts
            .into_iter()
            .map(|[session, first_slot]| Cohort {
                session,
                first_slot,
            })
            .collect();
        manager.grants = read_groups(reader)?
            .into_iter()
            .map(|[slot, from]| (slot, from))
            .collect();
        manager.revoked = read_groups(reader)?
            .into_iter()
            .map(|[slot, from]| (slot, from))
            .collect();
        manager.pending = (0..reader.array()?)
            .map(|_| reader.u32())
            .collect::<Result<_>>()?;
        manager.events = (0..reader.array()?)
            .map(|_| read_event(reader))
            .collect::<Result<_>>()?;
        manager.message = reader.bytes()?.to_vec();
        Ok(manager)
    }

    /// The relations that the rest of the manager relies on.
    fn is_consistent(&self) -> bool {
        let Parameters { first, last, .. } = self.parameters;
        let before_first = first.get().saturating_sub(1);
        let given = |slot: &u32| *slot < self.next_slot;
        let cohorts = self.cohorts.as_slice();
        let events = self.events.as_slice();
        (before_first..=last.get()).contains(&self.session)
            && self.timing.duration != 0
            && self.next_slot <= self.slots()
            && (self.next_slot == 0) == cohorts.is_empty()
            && cohorts
                .first()
                .is_none_or(|cohort| cohort.first_slot == 0 && cohort.session >= before_first)
            && cohorts.is_sorted_by(|a, b| a.session < b.session && a.first_slot < b.first_slot)
            && cohorts
                .last()
                .is_none_or(|cohort| cohort.session <= self.session && given(&cohort.first_slot))
            && self
                .grants
                .keys()
                .chain(self.revoked.keys())
                .chain(&self.pending)
                .all(given)
            && self
                .pending
                .iter()
                .all(|slot| !self.revoked.contains_key(slot))
            && events.is_empty() == (self.session == before_first)
            && events.is_empty() == self.message.is_empty()
            && events
                .first()
                .is_none_or(|event| event.session == first.get())
            && events.is_sorted_by(|a, b| a.session < b.session)
            && events
                .last()
                .is_none_or(|event| event.session <= self.session)
            && self.closed.is_none_or(|next| next > self.session)
    }
}

fn read_event(reader: &mut Reader<'_>) -> Result<Issued> {
    if reader.array()? != 3 {
        return Err(Error::Type);
    }
    Ok(Issued {
        session: reader.u32()?,
        state: State::new(*reader.array_of()?),
        top: *reader.array_of()?,
    })
}
