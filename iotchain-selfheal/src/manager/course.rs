//! Where an epoch stands: its current session, when that began, and which one is the last that may begin.

use crate::timing::Timing;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result, Session, UnixTime};

/// The sessions of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    first: u32,
    /// The last session that may begin.
    end: u32,
    /// j, before `first` until the epoch opens.
    session: u32,
    /// Start and length of session j, of the first one before the epoch opens.
    timing: Timing,
}

impl Course {
    /// An epoch that has not opened yet.
    pub(crate) const fn new(first: Session, end: Session, timing: Timing) -> Self {
        Self {
            first: first.get(),
            end: end.get(),
            session: first.get().saturating_sub(1),
            timing,
        }
    }

    pub(crate) const fn session(&self) -> u32 {
        self.session
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.session >= self.first
    }

    /// The current session, `None` before the epoch opens.
    pub(crate) fn current(&self) -> Option<Session> {
        self.is_open().then_some(Session::new(self.session))
    }

    pub(crate) const fn timing(&self) -> Timing {
        self.timing
    }

    /// The times of the next session as planned.
    pub(crate) const fn planned(&self) -> Timing {
        if self.is_open() {
            Timing {
                starts: self.timing.start_after(1),
                ..self.timing
            }
        } else {
            self.timing
        }
    }

    /// How many sessions may still begin.
    pub(crate) const fn left(&self) -> u32 {
        self.end.saturating_sub(self.session)
    }

    /// The next session with its times: as planned, unless said otherwise. Whether it may begin is not asked.
    ///
    /// # Errors
    /// [`Error::SessionRange`] when the numbers end, [`Error::Type`] for a start before the current one or beyond 2^40, or
    /// no length.
    pub(crate) fn successor(
        &self,
        starts: Option<UnixTime>,
        duration: Option<u32>,
    ) -> Result<(u32, Timing)> {
        let session = self.session.checked_add(1).ok_or(Error::SessionRange)?;
        let timing = self.timing.next(self.planned().starts, starts, duration)?;
        Ok((session, timing))
    }

    /// As [`Course::successor`], inside the epoch.
    ///
    /// # Errors
    /// [`Error::SessionRange`] at the end of the epoch, else those of [`Course::successor`].
    pub(crate) fn next(
        &self,
        starts: Option<UnixTime>,
        duration: Option<u32>,
    ) -> Result<(u32, Timing)> {
        if self.left() == 0 {
            return Err(Error::SessionRange);
        }
        self.successor(starts, duration)
    }

    /// Whether a session with these times may begin: the next one, or the one an epoch opens with.
    pub(crate) fn may_begin(&self, session: u32, timing: Timing) -> bool {
        let earliest = self.session.saturating_add(1);
        let is_next = if self.is_open() {
            session == earliest
        } else {
            session >= earliest
        };
        is_next && session <= self.end && timing.is_valid() && timing.starts >= self.timing.starts
    }

    /// Goes on to a session that may begin.
    pub(crate) const fn begin(&mut self, session: u32, timing: Timing) {
        self.session = session;
        self.timing = timing;
    }

    /// Lets no session at or after `next` begin.
    ///
    /// # Errors
    /// [`Error::SessionRange`] if that one has begun already.
    pub(crate) fn close(&mut self, next: Session) -> Result<()> {
        let end = next.get().checked_sub(1).ok_or(Error::SessionRange)?;
        if end < self.session {
            return Err(Error::SessionRange);
        }
        self.end = self.end.min(end);
        Ok(())
    }

    /// `j, nbf, dur, end`.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        writer
            .uint(self.session.into())
            .uint(self.timing.starts.get())
            .uint(self.timing.duration.into())
            .uint(self.end.into());
    }

    /// What [`Course::write`] wrote, of an epoch with this first session.
    ///
    /// # Errors
    /// [`Error::Type`] for a course that no epoch between `first` and `last` takes.
    pub(crate) fn read(reader: &mut Reader<'_>, first: Session, last: Session) -> Result<Self> {
        let course = Self {
            first: first.get(),
            session: reader.u32()?,
            timing: Timing::read(reader)?,
            end: reader.u32()?,
        };
        let before_first = first.get().saturating_sub(1);
        let valid = (before_first..=course.end).contains(&course.session)
            && course.end <= last.get()
            && course.timing.is_valid();
        if valid { Ok(course) } else { Err(Error::Type) }
    }
}
