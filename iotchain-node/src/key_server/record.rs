//! A group as rows of the store: strict CBOR, all of it secret.
//!
//! ```text
//! head    [2, rs, RSK, rotate, silent, next_index]
//! member  [number, seat, sid, live, [* issued], [chain, contract, client, exp] / [rs, COSE_Key]]
//! ```
//! Snapshot and journal are the group manager's own, an event is the message as published.

use std::collections::{HashMap, HashSet, VecDeque};

use iotchain::core::cbor::{self, Reader, Writer, encoded_len};
use iotchain::selfheal::Journaled;
use iotchain::selfheal::rsd::EpochManager;
use iotchain::token::TokenRef;
use iotchain::{
    Address, Error, GroupName, PublicKey, Result, Secret, Session, Sid, UnixTime, Zeroizing,
};

use super::group::{Event, Group};
use super::member::{Member, Subject};
use super::roll::Roll;
use super::rows::{Change, Key, Kind, Row, Rows};

const VERSION: u32 = 2;
const HEAD: Key = (Kind::Head, 0);
const SNAPSHOT: Key = (Kind::Snapshot, 0);
/// A journal up to this length, in bytes, is kept even if it is longer than the snapshot.
const SHORT_JOURNAL: usize = 16 << 10;

impl Group {
    /// What has to be stored of it, since the last time or ever.
    ///
    /// # Errors
    /// None that can happen; lengths are measured first.
    pub(super) fn unsaved(&self) -> Result<Change> {
        let mut change = Change::new(self.afresh);
        change.put(&self.stored, HEAD, self.head()?);
        let members = self.members.iter().filter(|_| self.afresh);
        for member in members.chain(self.members.changed()) {
            change.put(
                &self.stored,
                (Kind::Member, member.number.into()),
                row(|writer| write_member(writer, member))?,
            );
        }
        for event in &self.events {
            let key = (Kind::Event, event.session.get().into());
            if self.afresh || self.stored.get(key).is_none() {
                change.put(&self.stored, key, Row::new(event.message.clone()));
            }
        }
        let oldest = self
            .events
            .front()
            .map_or(0, |event| event.session.get().into());
        for (session, _) in self
            .stored
            .of(Kind::Event)
            .take_while(|(session, _)| *session < oldest)
        {
            change.remove((Kind::Event, session));
        }
        self.unsaved_manager(&mut change)?;
        Ok(change)
    }

    /// `change` is on the disk.
    pub(super) fn saved(&mut self, change: Change) {
        self.stored.apply(change);
        self.members.settle();
        self.manager.saved();
        self.afresh = false;
    }

    /// Takes up a group where its rows left it. Nobody is bound to it.
    ///
    /// # Errors
    /// A format error, [`Error::Version`] for rows of another version, [`Error::Type`] for some that are missing or that
    /// contradict each other.
    pub(super) fn read(name: GroupName, stored: Rows) -> Result<Self> {
        let mut manager = EpochManager::import(stored.get(SNAPSHOT).ok_or(Error::Type)?)?;
        for (_, records) in stored.of(Kind::Journal) {
            // A row is whole or not there, and never empty: nothing of it can be torn.
            let replayed = manager.replay(records)?;
            if replayed.records == 0 || replayed.torn != 0 {
                return Err(Error::Truncated);
            }
        }
        let mut reader = open_row(stored.get(HEAD).ok_or(Error::Type)?)?;
        let elements = reader.array()?;
        if elements == 0 || reader.u32()? != VERSION {
            return Err(Error::Version);
        }
        if elements != 6 {
            return Err(Error::Type);
        }
        let mut members = Roll::default();
        for (number, row) in stored.of(Kind::Member) {
            let member = read_member(&mut open_row(row)?)?;
            if u64::from(member.number) != number {
                return Err(Error::Type);
            }
            members.insert(member);
        }
        members.settle();
        let events = stored.of(Kind::Event).map(|(session, message)| {
            let session = u32::try_from(session).map_err(|_| Error::Type)?;
            Ok(Event {
                session: Session::new(session),
                message: message.to_vec(),
            })
        });
        let group = Self {
            name,
            rs: Address::new(*reader.array_of()?),
            server_secret: Secret::new(*reader.array_of()?),
            rotate: reader.bool()?,
            silent: reader.u32()?,
            next_index: reader.u32()?,
            beacon: manager.current().beacon()?,
            events: events.collect::<Result<VecDeque<Event>>>()?,
            manager,
            members,
            stored,
            afresh: false,
            bound: HashMap::new(),
        };
        if group.is_consistent() {
            Ok(group)
        } else {
            Err(Error::Type)
        }
    }

    /// The group as it was stored last, with the same associations bound.
    ///
    /// # Errors
    /// None that can happen: these rows were made here, or read before.
    pub(super) fn gone_back(&mut self) -> Result<Self> {
        let stored = Self::read(self.name, std::mem::take(&mut self.stored))?;
        Ok(Self {
            bound: std::mem::take(&mut self.bound),
            afresh: self.afresh,
            ..stored
        })
    }

    fn head(&self) -> Result<Row> {
        row(|writer| {
            writer
                .array(6)
                .uint(VERSION.into())
                .bytes(self.rs.as_bytes());
            writer.bytes(self.server_secret.expose()).bool(self.rotate);
            writer.uint(self.silent.into()).uint(self.next_index.into());
        })
    }

    /// The group manager's journal goes on, until it has outgrown the snapshot that it starts from.
    fn unsaved_manager(&self, change: &mut Change) -> Result<()> {
        let records = self.manager.unsaved();
        let journal = || self.stored.of(Kind::Journal);
        let journal_len =
            journal().map(|(_, records)| records.len()).sum::<usize>() + records.len();
        let snapshot_len = self.stored.get(SNAPSHOT).map_or(0, <[u8]>::len);
        if self.afresh || journal_len > snapshot_len.max(SHORT_JOURNAL) {
            change.put(&self.stored, SNAPSHOT, self.manager.export()?);
            for (number, _) in journal() {
                change.remove((Kind::Journal, number));
            }
        } else if !records.is_empty() {
            let next = journal().last().map_or(0, |(number, _)| number + 1);
            change.put(
                &self.stored,
                (Kind::Journal, next),
                Row::new(records.to_vec()),
            );
        }
        Ok(())
    }

    /// The relations that the rest relies on. Those inside the manager's state it checked itself.
    fn is_consistent(&self) -> bool {
        let sids = self.members.iter().all(|member| {
            let bytes = member.sid.as_bytes();
            let index = bytes
                .get(1..)
                .and_then(|index| <[u8; 2]>::try_from(index).ok())
                .map(u16::from_be_bytes);
            index.is_some_and(|index| u32::from(index) < self.next_index)
                && u32::from(member.number) < self.next_index
        });
        let seats = self
            .members
            .live()
            .all(|member| self.manager.is_live(member.seat));
        let held: HashSet<u32> = self.members.iter().map(|member| member.seat).collect();
        let worn: HashSet<&[u8]> = self
            .members
            .iter()
            .map(|member| member.sid.as_bytes())
            .collect();
        let distinct = held.len() == self.members.len() && worn.len() == self.members.len();
        let newest = self.events.back();
        let events = newest.is_some_and(|event| {
            event.message == self.manager.current().event() && event.session <= self.session()
        });
        sids && seats && distinct && events && self.manager.current().session().is_some()
    }
}

/// What `write` writes.
fn row(write: impl Fn(&mut Writer<'_>)) -> Result<Row> {
    let mut out = Zeroizing::new(vec![0; encoded_len(&write)]);
    let mut writer = Writer::new(&mut out);
    write(&mut writer);
    writer.finish()?;
    Ok(out)
}

fn open_row(row: &[u8]) -> Result<Reader<'_>> {
    cbor::check(row)?;
    Ok(Reader::new(row))
}

fn write_member(writer: &mut Writer<'_>, member: &Member) {
    writer
        .array(6)
        .uint(member.number.into())
        .uint(member.seat.into())
        .bytes(member.sid.as_bytes());
    writer.bool(member.live).array(member.issued.len() as u64);
    for issued in &member.issued {
        writer.uint(issued.get());
    }
    match &member.subject {
        Subject::Client { token, expires_at } => {
            writer
                .array(4)
                .uint(token.chain)
                .bytes(token.contract.as_bytes())
                .bytes(token.client.as_bytes());
            writer.uint(expires_at.get());
        }
        Subject::Server { rs, key } => {
            writer.array(2).bytes(rs.as_bytes());
            key.write(writer);
        }
    }
}

fn read_member(reader: &mut Reader<'_>) -> Result<Member> {
    if reader.array()? != 6 {
        return Err(Error::Type);
    }
    Ok(Member {
        number: reader.u32()?.try_into().map_err(|_| Error::Type)?,
        seat: reader.u32()?,
        sid: Sid::from_slice(reader.bytes()?)?,
        live: reader.bool()?,
        issued: (0..reader.array()?)
            .map(|_| reader.uint().map(UnixTime::new))
            .collect::<Result<_>>()?,
        subject: read_subject(reader)?,
    })
}

fn read_subject(reader: &mut Reader<'_>) -> Result<Subject> {
    match reader.array()? {
        4 => {
            let token = TokenRef {
                chain: reader.uint()?,
                contract: Address::new(*reader.array_of()?),
                client: Address::new(*reader.array_of()?),
            };
            Ok(Subject::Client {
                token,
                expires_at: UnixTime::new(reader.uint()?),
            })
        }
        2 => Ok(Subject::Server {
            rs: Address::new(*reader.array_of()?),
            key: PublicKey::read(reader)?,
        }),
        _ => Err(Error::Type),
    }
}

#[cfg(test)]
mod tests;
