//! The announced sessions of a member, and how long each of them lasts (spec 3.3, A5, A16).

use crate::policy::Policy;
use crate::state::{read_option, read_time, write_option};
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result, UnixTime};

/// The end of the epoch: the first session of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Successor {
    session: u32,
    starts: UnixTime,
}

/// Start and planned end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub(crate) starts: UnixTime,
    pub(crate) ends: UnixTime,
}

/// The newest announced session, the one before it, and where the epoch ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    newest: u32,
    /// The session that was newest before the newest one, 0 for none (spec A5).
    previous: u32,
    successor: Option<Successor>,
}

impl Announced {
    /// No session.
    pub(crate) const NONE: Self = Self {
        newest: 0,
        previous: 0,
        successor: None,
    };

    /// As three elements.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        writer.uint(self.newest.into()).uint(self.previous.into());
        write_option(writer, 2, self.successor, |writer, next| {
            writer.uint(next.session.into()).uint(next.starts.get());
        });
    }

    /// What [`Announced::write`] wrote.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            newest: reader.u32()?,
            previous: reader.u32()?,
            successor: read_option(reader, 2, |reader| {
                Ok(Successor {
                    session: reader.u32()?,
                    starts: read_time(reader)?,
                })
            })?,
        })
    }

    /// The newest announced session, 0 before the first.
    pub(crate) const fn newest(&self) -> u32 {
        self.newest
    }

    /// Whether a session was announced before the newest one.
    pub(crate) const fn has_previous(&self) -> bool {
        self.previous != 0
    }

    /// The high-water mark never goes down.
    pub(crate) const fn raise(&mut self, session: u32) {
        if session > self.newest {
            self.previous = self.newest;
            self.newest = session;
        }
    }

    /// Ends the epoch: `first`, which starts at `starts`, is a session of the next one (spec A16).
    ///
    /// # Errors
    /// [`Error::Equivocation`] if this epoch announced that session too.
    pub(crate) fn close_epoch(&mut self, first: u32, starts: UnixTime) -> Result<()> {
        if first <= self.newest {
            return Err(Error::Equivocation);
        }
        let next = Successor {
            session: first,
            starts,
        };
        // the earliest session, and of what is said about its start the earliest time
        self.successor = Some(self.successor.map_or(next, |held| held.min(next)));
        Ok(())
    }

    /// Whether the epoch is known to end.
    pub(crate) const fn is_closed(&self) -> bool {
        self.successor.is_some()
    }

    /// Whether a session belongs to the next epoch.
    pub(crate) fn is_over(&self, session: u32) -> bool {
        self.successor.is_some_and(|next| session >= next.session)
    }

    /// The newest session if its time has come and is not over (spec C6). `span` tells the times of a session, if they
    /// are known.
    pub(crate) fn may_seal(
        &self,
        now: UnixTime,
        policy: Policy,
        span: impl Fn(u32) -> Option<Span>,
    ) -> Option<u32> {
        let begun = span(self.newest)?.starts.saturating_sub(policy.skew) <= now;
        let usable = !self.is_closed()
            && begun
            && self.may_open(self.newest, now, policy.grace, &span).is_ok();
        (usable && self.newest != 0).then_some(self.newest)
    }

    /// K_j ends when its successor begins, or with its session if none comes, plus grace (spec 3.3, A5).
    ///
    /// # Errors
    /// [`Error::SessionExpired`], [`Error::NotAnnounced`], [`Error::NeedEvent`] while the times are unknown.
    pub(crate) fn may_open(
        &self,
        session: u32,
        now: UnixTime,
        grace: u64,
        span: impl Fn(u32) -> Option<Span>,
    ) -> Result<()> {
        if session > self.newest {
            return Err(Error::NotAnnounced);
        }
        let oldest = match (self.successor, self.previous) {
            (Some(_), _) | (None, 0) => self.newest,
            (None, previous) => previous,
        };
        if session < oldest {
            return Err(Error::SessionExpired);
        }
        let planned = span(session).map(|span| span.ends);
        let successor = match self.successor {
            Some(next) => Some(next.starts),
            None if session < self.newest => {
                Some(span(self.newest).ok_or(Error::NeedEvent)?.starts)
            }
            None => None,
        };
        let end = match (planned, successor) {
            (Some(planned), Some(successor)) => planned.min(successor),
            (Some(end), None) | (None, Some(end)) => end,
            (None, None) => return Err(Error::NeedEvent),
        };
        if now < end.saturating_add(grace) {
            Ok(())
        } else {
            Err(Error::SessionExpired)
        }
    }
}
