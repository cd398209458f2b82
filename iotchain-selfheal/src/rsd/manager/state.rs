//! The whole state of a group manager as bytes, for the store of the key server.
//!
//! ```text
//! [2, gid, epoch, depth, first, last, window, history, nbf_first, dur_first, mk, n, link, j, nbf, dur, end,
//!  next_slot, cohorts: [* session, slot], grants: [* slot, from], revoked: [* slot, session], pending: [* slot],
//!  scheduled: [* slot, session], events: [* [session, C, v_last]], message]
//! ```

use super::change::Change;
use super::departures::Departures;
use super::{Cohort, GroupManager, Issued, Parameters};
use crate::manager::{Course, Journal, Journaled, encode, read_groups, read_state, write_groups};
use crate::rsd::primitives::State;
use alloc::vec::Vec;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Gid, Result, Secret, Session, UnixTime};
use zeroize::Zeroizing;

const VERSION: u32 = 2;
const ELEMENTS: usize = 25;

impl Journaled for GroupManager {
    fn export(&self) -> Result<Zeroizing<Vec<u8>>> {
        encode(|writer| self.write(writer))
    }

    fn import(snapshot: &[u8]) -> Result<Self> {
        let mut reader = read_state(snapshot, VERSION, ELEMENTS)?;
        let manager = Self::read(&mut reader)?;
        if manager.is_consistent() {
            Ok(manager)
        } else {
            Err(Error::Type)
        }
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    fn redo(&mut self, record: &mut Reader<'_>, fields: usize) -> Result<()> {
        let op = record.u32()?;
        let next = self.course.session().saturating_add(1);
        self.apply(Change::read(op, record, fields.saturating_sub(1), next)?)
    }
}

impl GroupManager {
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
            .bytes(self.master.expose());
        self.journal.write(writer);
        self.course.write(writer);
        writer.uint(self.next_slot.into());
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
        self.departures.write(writer);
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
        manager.journal = Journal::read(reader)?;
        manager.course = Course::read(reader, parameters.first, parameters.last)?;
        manager.next_slot = reader.u32()?;
        let cohorts = read_groups(reader)?;
        manager.cohorts = cohorts
            .into_iter()
            .map(|[session, first_slot]| Cohort {
                session,
                first_slot,
            })
            .collect();
        let grants: Vec<[u32; 2]> = read_groups(reader)?;
        if !grants.is_sorted_by(|[a, _], [b, _]| a < b) {
            return Err(Error::Type);
        }
        manager.grants = grants
            .into_iter()
            .map(|[slot, from]| (slot, from))
            .collect();
        manager.departures = Departures::read(reader, manager.next_slot, manager.course.session())?;
        manager.events = (0..reader.array()?)
            .map(|_| read_event(reader))
            .collect::<Result<_>>()?;
        manager.message = reader.bytes()?.to_vec();
        Ok(manager)
    }

    /// The relations that the rest of the manager relies on.
    fn is_consistent(&self) -> bool {
        let Parameters { first, .. } = self.parameters;
        let before_first = first.get().saturating_sub(1);
        let session = self.course.session();
        let given = |slot: &u32| *slot < self.next_slot;
        let cohorts = self.cohorts.as_slice();
        let events = self.events.as_slice();
        self.next_slot <= self.slots()
            && (self.next_slot == 0) == cohorts.is_empty()
            && cohorts
                .first()
                .is_none_or(|cohort| cohort.first_slot == 0 && cohort.session >= before_first)
            && cohorts.is_sorted_by(|a, b| a.session < b.session && a.first_slot < b.first_slot)
            && cohorts
                .last()
                .is_none_or(|cohort| cohort.session <= session && given(&cohort.first_slot))
            && self.grants.keys().all(given)
            && events.is_empty() != self.course.is_open()
            && events.is_empty() == self.message.is_empty()
            && events
                .first()
                .is_none_or(|event| event.session >= first.get())
            && events.is_sorted_by(|a, b| a.session < b.session)
            && events.last().is_none_or(|event| event.session <= session)
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
