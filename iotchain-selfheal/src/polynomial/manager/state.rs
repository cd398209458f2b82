//! The whole state of a group manager as bytes, for the store of the key server.
//!
//! ```text
//! [2, gid, epoch, t, window, first, nbf_first, dur_first, mk, changes, j, nbf, dur, end,
//!  lives: [* id, first, last], revoked: [* id, from], polynomials of the window, message]
//! ```

use super::{GroupManager, LAST, Life, Masked, Parameters};
use crate::manager::{Course, encode, read_groups, read_state, write_groups};
use crate::polynomial::PADDING;
use alloc::vec::Vec;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Gid, Result, Secret, Session, UnixTime};
use zeroize::Zeroizing;

const VERSION: u32 = 2;
const ELEMENTS: usize = 18;

impl GroupManager {
    /// The state, strict CBOR. Secret: it holds every key of the epoch.
    ///
    /// # Errors
    /// None that can happen; the length is measured first.
    pub fn export(&self) -> Result<Zeroizing<Vec<u8>>> {
        encode(|writer| self.write(writer))
    }

    /// Takes up a state where [`GroupManager::export`] left it. `published` is the newest session of which a message may
    /// have left the key server, 0 for none: ask what serves the messages, not this state.
    ///
    /// # Errors
    /// A format error, [`Error::Version`] for a state of another version, [`Error::Type`] for one that contradicts
    /// itself, such as P_a that are not those of its revocations; [`Error::Equivocation`] for a state from before
    /// `published`, which would sign a second P_a (spec 3.6, A7).
    pub fn import(bytes: &[u8], published: Session) -> Result<Self> {
        let mut reader = read_state(bytes, VERSION, ELEMENTS)?;
        let manager = Self::read(&mut reader)?;
        if !manager.is_consistent()? {
            return Err(Error::Type);
        }
        if manager.course.session() < published.get() {
            return Err(Error::Equivocation);
        }
        Ok(manager)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let Parameters {
            gid,
            epoch,
            degree,
            window,
            first,
            starts,
            duration,
        } = self.parameters;
        writer
            .array(ELEMENTS as u64)
            .uint(VERSION.into())
            .bytes(gid.as_bytes())
            .uint(epoch.into())
            .uint(degree.into());
        writer
            .uint(window.into())
            .uint(first.get().into())
            .uint(starts.get())
            .uint(duration.into());
        writer.bytes(self.master.expose()).uint(self.changes);
        self.course.write(writer);
        let lives = self.lives.iter();
        write_groups(writer, lives.map(|(id, life)| [*id, life.first, life.last]));
        write_groups(writer, self.revoked.iter().map(|(id, from)| [*id, *from]));
        let sessions = self.masked.len();
        let len = sessions.saturating_mul(self.parameters.polynomial_len());
        writer.bytes_head(len as u64);
        self.masked.iter().for_each(|masked| {
            writer.raw(&masked.polynomial);
        });
        writer.bytes(&self.message);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let parameters = Parameters {
            gid: Gid::new(*reader.array_of()?),
            epoch: reader.u32()?,
            degree: reader.u32()?,
            window: u8::try_from(reader.u32()?).map_err(|_| Error::Type)?,
            first: Session::new(reader.u32()?),
            starts: UnixTime::new(reader.uint()?),
            duration: reader.u32()?,
        };
        let mut manager = Self::new(parameters, Secret::new(*reader.array_of()?))?;
        manager.changes = reader.uint()?;
        manager.course = Course::read(reader, parameters.first, LAST)?;
        let lives: Vec<[u32; 3]> = read_groups(reader)?;
        let revoked: Vec<[u32; 2]> = read_groups(reader)?;
        let sorted = lives.is_sorted_by(|[a, ..], [b, ..]| a < b)
            && revoked.is_sorted_by(|[a, _], [b, _]| a < b);
        if !sorted {
            return Err(Error::Type);
        }
        manager.lives = lives
            .into_iter()
            .map(|[id, first, last]| (id, Life { first, last }))
            .collect();
        manager.revoked = revoked.into_iter().map(|[id, from]| (id, from)).collect();
        let session = manager.course.session();
        let start = manager.window_start(session);
        let polynomials = reader.bytes()?;
        manager.masked = (start..=session)
            .zip(polynomials.chunks(parameters.polynomial_len()))
            .map(|(session, polynomial)| Masked {
                session,
                polynomial: polynomial.to_vec(),
            })
            .collect();
        let kept = manager.masked.iter().map(|masked| masked.polynomial.len());
        if kept.sum::<usize>() != polynomials.len() {
            return Err(Error::Type);
        }
        manager.message = reader.bytes()?.to_vec();
        Ok(manager)
    }

    /// The relations that the rest of the manager relies on.
    fn is_consistent(&self) -> Result<bool> {
        let first = self.parameters.first.get();
        let (session, is_open) = (self.course.session(), self.course.is_open());
        let lives = self
            .lives
            .iter()
            .all(|(id, life)| (1..PADDING).contains(id) && life.is_valid(first));
        // revoked in a session of its own, at the latest in the next one or its first one
        let revoked = self.revoked.iter().all(|(id, from)| {
            self.lives.get(id).is_some_and(|life| {
                let latest = life.first.max(session.saturating_add(1));
                (life.first..=life.last.min(latest)).contains(from)
            }) && !self.is_full(*from, self.parameters.degree.saturating_add(1))
        });
        let related = lives && revoked && is_open != self.message.is_empty();
        if !related {
            return Ok(false);
        }
        // every P_a of the window is there and is the one of its revocations
        let start = self.window_start(session);
        let mut expected = Vec::new();
        for session in (start..=session).filter(|_| is_open) {
            expected.push(Masked {
                session,
                polynomial: self.polynomial(session)?,
            });
        }
        Ok(self.masked == expected)
    }
}
