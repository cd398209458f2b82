//! The changes of a group manager: whatever alters it is one of these, live and on replay alike.
//!
//! ```text
//! record = [n, 0, from]                       join; the history from a session on, 0 for none
//!        | [n, 1, slot]                       revoke
//!        | [n, 2, slot, session]              revoke at a session
//!        | [n, 3]                             the next session, as planned
//!        | [n, 4, nbf, dur, C, v_last, event] the next session, with an event
//!        | [n, 5, session]                    close
//! ```

use super::issue::Issued;
use super::{Cohort, GroupManager};
use crate::rsd::primitives::State;
use crate::timing::Timing;
use alloc::vec::Vec;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result, Session};

/// One change.
pub(super) enum Change {
    Join { from: u32 },
    Revoke { slot: u32 },
    Schedule { slot: u32, session: u32 },
    Keep,
    Event(Began),
    Close { next: u32 },
}

/// A session that begins with an event.
pub(super) struct Began {
    pub(super) timing: Timing,
    pub(super) issued: Issued,
    pub(super) message: Vec<u8>,
}

impl Began {
    /// `nbf, dur, C, v_last, event`.
    pub(super) const FIELDS: usize = 5;

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer
            .uint(self.timing.starts.get())
            .uint(self.timing.duration.into())
            .bytes(self.issued.state.expose())
            .bytes(&self.issued.top)
            .bytes(&self.message);
    }

    pub(super) fn read(reader: &mut Reader<'_>, session: u32) -> Result<Self> {
        Ok(Self {
            timing: Timing::read(reader)?,
            issued: Issued {
                session,
                state: State::new(*reader.array_of()?),
                top: *reader.array_of()?,
            },
            message: reader.bytes()?.to_vec(),
        })
    }
}

impl Change {
    pub(super) fn write(&self, writer: &mut Writer<'_>, number: u64) {
        let mut head = |op: u64, fields: usize| {
            writer
                .array((fields as u64).saturating_add(2))
                .uint(number)
                .uint(op);
        };
        match self {
            Self::Join { from } => {
                head(0, 1);
                writer.uint((*from).into());
            }
            Self::Revoke { slot } => {
                head(1, 1);
                writer.uint((*slot).into());
            }
            Self::Schedule { slot, session } => {
                head(2, 2);
                writer.uint((*slot).into()).uint((*session).into());
            }
            Self::Keep => head(3, 0),
            Self::Event(began) => {
                head(4, Began::FIELDS);
                began.write(writer);
            }
            Self::Close { next } => {
                head(5, 1);
                writer.uint((*next).into());
            }
        }
    }

    /// What [`Change::write`] wrote behind the number and `op`; `session` is the next one.
    ///
    /// # Errors
    /// [`Error::Type`] for no change.
    pub(super) fn read(
        op: u32,
        reader: &mut Reader<'_>,
        fields: usize,
        session: u32,
    ) -> Result<Self> {
        Ok(match (op, fields) {
            (0, 1) => Self::Join {
                from: reader.u32()?,
            },
            (1, 1) => Self::Revoke {
                slot: reader.u32()?,
            },
            (2, 2) => Self::Schedule {
                slot: reader.u32()?,
                session: reader.u32()?,
            },
            (3, 0) => Self::Keep,
            (4, Began::FIELDS) => Self::Event(Began::read(reader, session)?),
            (5, 1) => Self::Close {
                next: reader.u32()?,
            },
            _ => return Err(Error::Type),
        })
    }
}

impl GroupManager {
    /// Makes a change and records it. On failure nothing has changed.
    pub(super) fn make(&mut self, change: Change) -> Result<()> {
        let entry = self
            .journal
            .entry(|writer, number| change.write(writer, number))?;
        self.apply(change)?;
        self.journal.record(&entry);
        Ok(())
    }

    /// Makes a change. On failure nothing has changed.
    ///
    /// # Errors
    /// [`Error::GroupFull`], [`Error::NotMember`] and [`Error::SessionRange`] as the calls that make the change, else
    /// [`Error::Type`] for one that changes nothing or cannot follow.
    pub(super) fn apply(&mut self, change: Change) -> Result<()> {
        match change {
            Change::Join { from } => self.admit(from),
            Change::Revoke { slot } => {
                self.check_live(slot)?;
                self.departures.revoke(slot);
                Ok(())
            }
            Change::Schedule { slot, session } => {
                self.check_live(slot)?;
                let changes = self.departures.scheduled(slot) != Some(session);
                if session <= self.course.session() || !changes {
                    return Err(Error::Type);
                }
                self.departures.schedule(slot, session);
                Ok(())
            }
            Change::Keep => {
                let (session, timing) = self.course.next(None, None)?;
                if self.events.is_empty() || self.departures.is_due(session) {
                    return Err(Error::Type);
                }
                self.course.begin(session, timing);
                Ok(())
            }
            Change::Event(began) => self.begin(began),
            Change::Close { next } => self.course.close(Session::new(next)),
        }
    }

    fn check_live(&self, slot: u32) -> Result<()> {
        if self.is_live(slot) {
            Ok(())
        } else {
            Err(Error::NotMember)
        }
    }

    fn admit(&mut self, from: u32) -> Result<()> {
        let session = self.course.session();
        if self.free_slots() == 0 {
            return Err(Error::GroupFull);
        }
        if from != 0 && !(self.opens_at()..session).contains(&from) {
            return Err(Error::Type);
        }
        self.seat(1);
        if from != 0 {
            self.grants.insert(self.next_slot.saturating_sub(1), from);
        }
        Ok(())
    }

    /// Gives out the next `count` slots, which are free, from the current session on.
    pub(super) fn seat(&mut self, count: u32) {
        let session = self.course.session();
        let last = self.cohorts.last();
        if last.is_none_or(|cohort| cohort.session != session) && count != 0 {
            self.cohorts.push(Cohort {
                session,
                first_slot: self.next_slot,
            });
        }
        self.next_slot = self.next_slot.saturating_add(count);
    }

    fn begin(&mut self, began: Began) -> Result<()> {
        let session = began.issued.session;
        if !self.course.may_begin(session, began.timing) || began.message.is_empty() {
            return Err(Error::Type);
        }
        self.departures.begin(session);
        self.events.push(began.issued);
        self.message = began.message;
        self.course.begin(session, began.timing);
        Ok(())
    }
}
