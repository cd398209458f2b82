//! A group as one record of the store: strict CBOR, all of it secret.
//!
//! ```text
//! [1, gname, rs, manager, RSK, rotate, silent, next_index, beacon,
//!  members: [* [number, slot, sid, live, [* issued], [chain, contract, client, exp] / [rs, COSE_Key]]],
//!  events: [* session, message]]
//! ```

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use iotchain::core::cbor::{self, Reader, Writer, encoded_len};
use iotchain::selfheal::Journaled as _;
use iotchain::selfheal::rsd::GroupManager;
use iotchain::token::TokenRef;
use iotchain::{
    Address, Error, GroupName, PublicKey, Result, Secret, Session, Sid, UnixTime, Zeroizing,
};

use super::group::{Event, Group};
use super::member::{Member, Subject};

const VERSION: u32 = 1;
const ELEMENTS: usize = 11;

impl Group {
    /// Its record.
    ///
    /// # Errors
    /// None that can happen; the length is measured first.
    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>> {
        let manager = self.manager.export()?;
        let write = |writer: &mut Writer<'_>| self.write(writer, &manager);
        let mut out = Zeroizing::new(vec![0; encoded_len(write)]);
        let mut writer = Writer::new(&mut out);
        write(&mut writer);
        writer.finish()?;
        Ok(out)
    }

    /// Takes up a group where its record left it. Nobody is bound to it.
    ///
    /// # Errors
    /// A format error, [`Error::Version`] for a record of another version, [`Error::Type`] for one that contradicts itself.
    pub(super) fn decode(record: &[u8]) -> Result<Self> {
        cbor::check(record)?;
        let mut reader = Reader::new(record);
        let elements = reader.array()?;
        if elements == 0 || reader.u32()? != VERSION {
            return Err(Error::Version);
        }
        if elements != ELEMENTS {
            return Err(Error::Type);
        }
        let group = Self {
            name: GroupName::new(reader.text()?)?,
            rs: Address::new(*reader.array_of()?),
            manager: GroupManager::import(reader.bytes()?)?,
            server_secret: Secret::new(*reader.array_of()?),
            rotate: reader.bool()?,
            silent: reader.u32()?,
            next_index: reader.u32()?,
            beacon: reader.bytes()?.to_vec(),
            members: read_members(&mut reader)?,
            events: read_events(&mut reader)?,
            stored: Zeroizing::new(record.to_vec()),
            bound: HashMap::new(),
        };
        if group.is_consistent() {
            Ok(group)
        } else {
            Err(Error::Type)
        }
    }

    fn write(&self, writer: &mut Writer<'_>, manager: &[u8]) {
        writer
            .array(ELEMENTS as u64)
            .uint(VERSION.into())
            .text(self.name.as_str())
            .bytes(self.rs.as_bytes());
        writer
            .bytes(manager)
            .bytes(self.server_secret.expose())
            .bool(self.rotate);
        writer
            .uint(self.silent.into())
            .uint(self.next_index.into())
            .bytes(&self.beacon);
        writer.array(self.members.len() as u64);
        self.members
            .values()
            .for_each(|member| write_member(writer, member));
        writer.array(self.events.len() as u64 * 2);
        for event in &self.events {
            writer
                .uint(event.session.get().into())
                .bytes(&event.message);
        }
    }

    /// The relations that the rest relies on. Those inside the manager's state it checked itself.
    fn is_consistent(&self) -> bool {
        let sids = self.members.values().all(|member| {
            let bytes = member.sid.as_bytes();
            let index = bytes
                .get(1..)
                .and_then(|index| <[u8; 2]>::try_from(index).ok())
                .map(u16::from_be_bytes);
            index.is_some_and(|index| u32::from(index) < self.next_index)
                && u32::from(member.number) < self.next_index
        });
        let slots = self
            .members
            .values()
            .all(|member| !member.live || self.manager.is_live(member.slot));
        let held: HashSet<u32> = self.members.values().map(|member| member.slot).collect();
        let worn: HashSet<&[u8]> = self
            .members
            .values()
            .map(|member| member.sid.as_bytes())
            .collect();
        let distinct = held.len() == self.members.len() && worn.len() == self.members.len();
        let ascending = self
            .events
            .iter()
            .is_sorted_by(|a, b| a.session < b.session);
        let newest = self.events.back();
        let events = newest.is_some_and(|event| {
            event.message == self.manager.event() && event.session <= self.session()
        });
        sids && slots && distinct && ascending && events && self.manager.session().is_some()
    }
}

fn write_member(writer: &mut Writer<'_>, member: &Member) {
    writer
        .array(6)
        .uint(member.number.into())
        .uint(member.slot.into())
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

fn read_members(reader: &mut Reader<'_>) -> Result<BTreeMap<u16, Member>> {
    let mut members = BTreeMap::new();
    for _ in 0..reader.array()? {
        let member = read_member(reader)?;
        if members
            .last_key_value()
            .is_some_and(|(last, _)| *last >= member.number)
        {
            return Err(Error::Order);
        }
        members.insert(member.number, member);
    }
    Ok(members)
}

fn read_member(reader: &mut Reader<'_>) -> Result<Member> {
    if reader.array()? != 6 {
        return Err(Error::Type);
    }
    Ok(Member {
        number: reader.u32()?.try_into().map_err(|_| Error::Type)?,
        slot: reader.u32()?,
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

fn read_events(reader: &mut Reader<'_>) -> Result<VecDeque<Event>> {
    let numbers = reader.array()?;
    if !numbers.is_multiple_of(2) {
        return Err(Error::Type);
    }
    let event = |_| {
        Ok(Event {
            session: Session::new(reader.u32()?),
            message: reader.bytes()?.to_vec(),
        })
    };
    (0..numbers / 2).map(event).collect()
}

#[cfg(test)]
mod tests {
    use iotchain::{Gid, Roles, SignAlg, Signer, SigningKey};

    use super::*;
    use crate::key_server::group::Terms;

    fn group() -> Group {
        let key = SigningKey::from_bytes(SignAlg::Es256k, &[1; 32]).unwrap();
        let terms = Terms {
            session: 10,
            grace: 5,
            depth: 4,
            max_event: 4096,
            admissions: 4,
        };
        let (name, rs) = (
            GroupName::new("0007.02020202").unwrap(),
            Address::new([2; 20]),
        );
        let now = UnixTime::new(1_800_000_000);
        let mut group = Group::found((name, rs), Gid::new(*b"gid0"), &terms, &key, now).unwrap();
        let token = TokenRef {
            chain: 1,
            contract: Address::new([3; 20]),
            client: Address::new([4; 20]),
        };
        let subjects = [
            Subject::Server {
                rs,
                key: key.public(),
            },
            Subject::Client {
                token,
                expires_at: UnixTime::new(1_900_000_000),
            },
        ];
        for subject in subjects {
            let slot = group.manager.join().unwrap();
            let roles = if subject.is_server() {
                Roles::PRODUCER
            } else {
                Roles::GET | Roles::PUT
            };
            let (number, sid) = group.fresh_sid(roles).unwrap();
            let member = Member {
                number,
                slot,
                sid,
                subject,
                issued: vec![now],
                live: true,
            };
            group.members.insert(number, member);
        }
        group.retire(1).unwrap();
        group
            .advance(&terms, &key, UnixTime::new(1_800_000_035))
            .unwrap();
        group.change_roles(0, Roles::PRODUCER, now).unwrap();
        group
    }

    #[test]
    fn a_record_is_the_whole_group() {
        let group = group();
        let record = group.encode().unwrap();
        let read = Group::decode(&record).unwrap();
        assert_eq!(*read.encode().unwrap(), *record);
        assert_eq!(
            (read.members, read.events, read.beacon),
            (group.members, group.events, group.beacon)
        );
        assert!(read.server_secret.ct_eq(&group.server_secret) && read.rotate);
        assert_eq!(
            read.manager.export().unwrap(),
            group.manager.export().unwrap()
        );
    }

    #[test]
    fn a_damaged_record_is_refused_or_another_group_and_never_a_panic() {
        let record = group().encode().unwrap();
        for len in 0..record.len() {
            assert!(Group::decode(&record[..len]).is_err(), "{len}");
        }
        for bit in 0..record.len() * 8 {
            let mut changed = record.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(group) = Group::decode(&changed) {
                assert!(*group.encode().unwrap() == *changed, "bit {bit}");
            }
        }
    }
}
