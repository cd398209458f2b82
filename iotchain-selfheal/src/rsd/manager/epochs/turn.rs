//! The changes of an epoch manager: those of its group manager, with seats for slots, and the change of epochs.
//!
//! ```text
//! record = [n, 0..4, ...]                        as of a group manager
//!        | [n, 6, depth, last, mk]               prepare
//!        | [n, 7, nbf, dur, C, v_last, event]    the next session opens the next epoch
//! ```

use super::seats::Seats;
use super::{EpochManager, Former, Term};
use crate::rsd::manager::change::{Began, Change};
use crate::rsd::manager::{GroupManager, Parameters};
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result, Secret, Session};

const PREPARE: u32 = 6;
const ROLL_OVER: u32 = 7;

/// One change.
pub(super) enum Turn {
    /// A change of the current epoch, and of the next one where it concerns it. Slots are seats here.
    Group(Change),
    Prepare {
        depth: u8,
        last: Session,
        master: Secret<16>,
    },
    RollOver(Began),
}

impl Turn {
    pub(super) fn write(&self, writer: &mut Writer<'_>, number: u64) {
        match self {
            Self::Group(change) => change.write(writer, number),
            Self::Prepare {
                depth,
                last,
                master,
            } => {
                writer.array(5).uint(number).uint(PREPARE.into());
                writer
                    .uint((*depth).into())
                    .uint(last.get().into())
                    .bytes(master.expose());
            }
            Self::RollOver(began) => {
                let fields = Began::FIELDS.saturating_add(2);
                writer
                    .array(fields as u64)
                    .uint(number)
                    .uint(ROLL_OVER.into());
                began.write(writer);
            }
        }
    }

    /// What [`Turn::write`] wrote behind the number and `op`; `session` is the next one.
    pub(super) fn read(
        op: u32,
        reader: &mut Reader<'_>,
        fields: usize,
        session: u32,
    ) -> Result<Self> {
        Ok(match (op, fields) {
            (PREPARE, 3) => Self::Prepare {
                depth: u8::try_from(reader.u32()?).map_err(|_| Error::Type)?,
                last: Session::new(reader.u32()?),
                master: Secret::new(*reader.array_of()?),
            },
            (ROLL_OVER, Began::FIELDS) => Self::RollOver(Began::read(reader, session)?),
            _ => Self::Group(Change::read(op, reader, fields, session)?),
        })
    }
}

impl EpochManager {
    /// Makes a change and records it. On failure nothing has changed.
    pub(super) fn make(&mut self, turn: Turn) -> Result<()> {
        let entry = self
            .journal
            .entry(|writer, number| turn.write(writer, number))?;
        self.apply(turn)?;
        self.journal.record(&entry);
        Ok(())
    }

    /// Makes a change. On failure nothing has changed.
    ///
    /// # Errors
    /// Those of the call that makes the change, else [`Error::Type`] for one that cannot follow.
    pub(super) fn apply(&mut self, turn: Turn) -> Result<()> {
        match turn {
            Turn::Group(Change::Join { from }) => {
                let next = self.next.as_ref();
                if next.is_some_and(|next| next.manager.free_slots() == 0) {
                    return Err(Error::GroupFull);
                }
                self.current.manager.apply(Change::Join { from })?;
                self.in_next(|_| Some(Change::Join { from: 0 }))
            }
            Turn::Group(Change::Revoke { slot: seat }) => {
                let slot = self.current.slot(seat)?;
                self.current.manager.apply(Change::Revoke { slot })?;
                self.in_next(|seats| {
                    Some(Change::Revoke {
                        slot: seats.slot(seat)?,
                    })
                })
            }
            Turn::Group(Change::Schedule {
                slot: seat,
                session,
            }) => {
                let slot = self.current.slot(seat)?;
                let change = Change::Schedule { slot, session };
                self.current.manager.apply(change)?;
                self.in_next(|seats| {
                    let slot = seats.slot(seat)?;
                    Some(Change::Schedule { slot, session })
                })
            }
            Turn::Group(change @ (Change::Keep | Change::Event(_))) => {
                self.current.manager.apply(change)
            }
            Turn::Group(Change::Close { .. }) => Err(Error::Type),
            Turn::Prepare {
                depth,
                last,
                master,
            } => {
                self.next = Some(self.successor(depth, last, master)?);
                Ok(())
            }
            Turn::RollOver(began) => self.open_next(began),
        }
    }

    /// Makes in the next epoch, if there is one, what was made in the current one. It has the same live seats.
    fn in_next(&mut self, change: impl FnOnce(&Seats) -> Option<Change>) -> Result<()> {
        match &mut self.next {
            Some(next) => match change(&next.seats) {
                Some(change) => next.manager.apply(change),
                None => Err(Error::Type),
            },
            None => Ok(()),
        }
    }

    /// The epoch after the current one, not open yet: the live seats with the revocations that are scheduled.
    fn successor(&self, depth: u8, last: Session, master: Secret<16>) -> Result<Term> {
        let Term { manager, seats } = &self.current;
        if self.next.is_some() {
            return Err(Error::Epoch);
        }
        if !manager.course.is_open() || last <= manager.parameters.last {
            return Err(Error::SessionRange);
        }
        let planned = manager.course.planned();
        let parameters = Parameters {
            epoch: manager
                .parameters
                .epoch
                .checked_add(1)
                .ok_or(Error::Epoch)?,
            depth,
            first: Session::new(manager.course.session().saturating_add(1)),
            last,
            starts: planned.starts,
            duration: planned.duration,
            ..manager.parameters
        };
        let mut next = GroupManager::new(parameters, master)?;
        let left = manager.departures.left();
        let live = manager.next_slot.saturating_sub(left.len() as u32);
        if live > next.free_slots() {
            return Err(Error::GroupFull);
        }
        next.seat(live);
        let next_seats = seats.without(&left);
        for (slot, session) in manager.departures.schedules() {
            let slot = next_seats.slot(seats.seat(slot)).ok_or(Error::Type)?;
            next.departures.schedule(slot, session);
        }
        Ok(Term {
            manager: next,
            seats: next_seats,
        })
    }

    fn open_next(&mut self, began: Began) -> Result<()> {
        let end = Session::new(began.issued.session);
        let former = Former {
            epoch: self.current.manager.parameters.epoch,
            end,
            event: self.current.manager.event().to_vec(),
            beacon: self.current.manager.beacon()?,
        };
        let next = self.next.as_mut().ok_or(Error::Epoch)?;
        next.manager.apply(Change::Event(began))?;
        if let Some(next) = self.next.take() {
            self.current = next;
            self.former = Some(former);
        }
        Ok(())
    }
}
