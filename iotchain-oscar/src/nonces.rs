//! The one counter every nonce comes from (spec 2.4).
//!
//! It only goes up within a session, restarts at 0 in the next one, where all keys are different, and never returns to
//! an older one. Without a boot salt it also says when it must be stored in flash.
//!
//! ```text
//!   stored: S            S + K                 S + K + F
//!     |---- K messages ----|-- F while writing --|  no further before S + K is stored
//!     reboot: continue at S + K + F
//! ```

use iotchain_core::{Error, Piv, Result, Session};

/// PIVs of one sender context.
#[derive(Debug)]
pub(crate) struct Nonces {
    session: Session,
    next: u32,
    limit: u32,
    flash: Option<Flash>,
}

#[derive(Clone, Copy, Debug)]
struct Flash {
    reserve: Reserve,
    stored: Option<Checkpoint>,
}

/// How often the PIV is stored: K and F of RFC 8613, B.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// K: messages between two flash writes; at least 1.
    pub every: u32,
    /// F: further messages that may be sent while a write is under way.
    pub pending: u32,
}

/// What (a) keeps in flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint {
    /// Session the PIV belongs to.
    pub session: Session,
    /// PIV reached when it was taken.
    pub piv: u32,
}

/// First number that is no PIV.
const END: u32 = Piv::MAX.get().saturating_add(1);

impl Reserve {
    /// Upper end of the PIVs that `stored` covers.
    const fn end(self, stored: u32) -> u32 {
        let end = stored
            .saturating_add(self.every)
            .saturating_add(self.pending);
        if end < END { end } else { END }
    }
}

impl Nonces {
    /// Without flash: the boot salt makes the context unique.
    pub(crate) const fn free() -> Self {
        Self {
            session: Session::new(0),
            next: 0,
            limit: END,
            flash: None,
        }
    }

    /// Continuing after `last`.
    pub(crate) const fn reserved(reserve: Reserve, last: Option<Checkpoint>) -> Self {
        let flash = Some(Flash {
            reserve,
            stored: last,
        });
        match last {
            None => Self {
                session: Session::new(0),
                next: 0,
                limit: 0,
                flash,
            },
            Some(Checkpoint { session, piv }) => {
                let end = reserve.end(piv);
                Self {
                    session,
                    next: end,
                    limit: end,
                    flash,
                }
            }
        }
    }

    /// Enters `session`. A no-op for the present one.
    pub(crate) fn enter(&mut self, session: Session) -> Result<()> {
        if session < self.session {
            return Err(Error::SessionExpired);
        }
        if session > self.session {
            self.session = session;
            self.next = 0;
            self.limit = if self.flash.is_some() { 0 } else { END };
        }
        Ok(())
    }

    /// The PIV the next object will get.
    pub(crate) fn peek(&self) -> Result<Piv> {
        if self.next < self.limit {
            Piv::new(self.next)
        } else {
            Err(Error::SeqExhausted)
        }
    }

    /// Uses the PIV up, whatever becomes of the object.
    pub(crate) fn take(&mut self) -> Result<Piv> {
        let piv = self.peek()?;
        self.next = self.next.saturating_add(1);
        Ok(piv)
    }

    /// What to write to flash at this moment, if anything.
    pub(crate) fn due(&self) -> Option<Checkpoint> {
        let flash = self.flash?;
        let covered = flash.stored.filter(|stored| stored.session == self.session);
        let due = covered
            .is_none_or(|stored| self.next >= stored.piv.saturating_add(flash.reserve.every));
        due.then_some(Checkpoint {
            session: self.session,
            piv: self.next,
        })
    }

    /// `checkpoint` is in flash.
    pub(crate) fn stored(&mut self, checkpoint: Checkpoint) {
        if let Some(flash) = &mut self.flash
            && checkpoint.session == self.session
            && checkpoint.piv <= self.next
            && flash.stored.is_none_or(|stored| stored < checkpoint)
        {
            flash.stored = Some(checkpoint);
            self.limit = flash.reserve.end(checkpoint.piv);
        }
    }
}
