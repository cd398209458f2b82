//! The state of an epoch manager as bytes.
//!
//! ```text
//! [1, n, link, current, next, former]      current, next: [vacant: [* start, end], group manager]; next may be []
//!                                          former: [epoch, end, event, beacon] or []
//! ```

use super::seats::Seats;
use super::turn::Turn;
use super::{EpochManager, Former, Term};
use crate::manager::{Journal, Journaled, encode, read_state};
use crate::rsd::manager::GroupManager;
use alloc::vec::Vec;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result, Session};
use zeroize::Zeroizing;

const VERSION: u32 = 1;
const ELEMENTS: usize = 6;

impl Journaled for EpochManager {
    fn export(&self) -> Result<Zeroizing<Vec<u8>>> {
        let current = self.current.manager.export()?;
        let next = match &self.next {
            Some(next) => Some((next, next.manager.export()?)),
            None => None,
        };
        encode(|writer| {
            writer.array(ELEMENTS as u64).uint(VERSION.into());
            self.journal.write(writer);
            write_term(writer, &self.current, &current);
            match &next {
                Some((next, state)) => write_term(writer, next, state),
                None => {
                    writer.array(0);
                }
            }
            match &self.former {
                Some(former) => {
                    writer
                        .array(4)
                        .uint(former.epoch.into())
                        .uint(former.end.get().into());
                    writer.bytes(&former.event).bytes(&former.beacon);
                }
                None => {
                    writer.array(0);
                }
            }
        })
    }

    fn import(snapshot: &[u8]) -> Result<Self> {
        let mut reader = read_state(snapshot, VERSION, ELEMENTS)?;
        let manager = Self {
            journal: Journal::read(&mut reader)?,
            current: read_term(&mut reader)?.ok_or(Error::Type)?,
            next: read_term(&mut reader)?,
            former: read_former(&mut reader)?,
        };
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
        let next = self.current.manager.course.session().saturating_add(1);
        self.apply(Turn::read(op, record, fields.saturating_sub(1), next)?)
    }
}

impl EpochManager {
    /// The relations between the epochs. Those inside an epoch it checked itself.
    fn is_consistent(&self) -> bool {
        let current = &self.current.manager;
        let follows = |epoch: u32, former: u32| former.checked_add(1) == Some(epoch);
        let next = self.next.as_ref().is_none_or(|next| {
            let manager = &next.manager;
            manager.parameters.gid == current.parameters.gid
                && follows(manager.parameters.epoch, current.parameters.epoch)
                && manager.parameters.last > current.parameters.last
                && !manager.course.is_open()
                && manager.course.session() <= current.course.session()
                && next.seats.seat(manager.next_slot) == self.next_seat()
        });
        let former = self.former.as_ref().is_none_or(|former| {
            follows(current.parameters.epoch, former.epoch)
                && current.events.first().map(|event| event.session) == Some(former.end.get())
        });
        next && former && (current.course.is_open() || self.next.is_none())
    }
}

fn write_term(writer: &mut Writer<'_>, term: &Term, state: &[u8]) {
    writer.array(2);
    term.seats.write(writer);
    writer.bytes(state);
}

fn read_term(reader: &mut Reader<'_>) -> Result<Option<Term>> {
    match reader.array()? {
        0 => Ok(None),
        2 => Ok(Some(Term {
            seats: Seats::read(reader)?,
            manager: GroupManager::import(reader.bytes()?)?,
        })),
        _ => Err(Error::Type),
    }
}

fn read_former(reader: &mut Reader<'_>) -> Result<Option<Former>> {
    match reader.array()? {
        0 => Ok(None),
        4 => Ok(Some(Former {
            epoch: reader.u32()?,
            end: Session::new(reader.u32()?),
            event: reader.bytes()?.to_vec(),
            beacon: reader.bytes()?.to_vec(),
        })),
        _ => Err(Error::Type),
    }
}
