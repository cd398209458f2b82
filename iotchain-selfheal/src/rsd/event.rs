//! What a member keeps of an event: a fresh chain state for the members that remain (spec 3.2, 3.4.6).
//!
//! `hist` lists the first sessions of the newest events, this one last. The newest `e` of them, one per cover, are the
//! window: cover `c` opens Z_c for the members that joined between the window events c-1 and c, link `c` is the chain
//! state of window event `c` under Z_c. Of all this a member needs its own cover entry, the links and the sessions of its
//! window, and the sessions of the events that it holds.

use super::primitives::{ChainValue, EventNonce};
use super::tree::{Node, Subset};
use crate::timing::Timing;
use core::cmp::Ordering;
use core::ops::Range;
use iotchain_core::{Error, Result, UnixTime};

/// Most sessions that a history lists.
pub(crate) const MAX_HISTORY: u32 = 255;
/// A cover entry: subset(4) || Z_c xor pad (16).
pub(crate) const ENTRY_LEN: usize = 20;

/// One entry of a cover.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(pub(super) [u8; ENTRY_LEN]);

impl Entry {
    /// # Errors
    /// [`Error::Type`] for an invalid subset.
    pub(crate) fn subset(&self, depth: u8) -> Result<Subset> {
        Subset::parse(*self.0.first_chunk().ok_or(Error::Type)?, depth)
    }

    /// Z_c, masked with the pad of the subset's label.
    pub(crate) fn masked(&self) -> Option<&[u8; 16]> {
        self.0.last_chunk()
    }
}

/// One event as a history names it; session 0 if it is not known when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    pub(crate) event: u32,
    pub(crate) session: u32,
}

impl Beginning {
    /// Whether event `in_force` can be the one in force in `session`, given that this event begins where it does.
    pub(crate) fn allows(self, in_force: u32, session: u32) -> bool {
        self.session == 0
            || match in_force.cmp(&self.event) {
                Ordering::Less => session < self.session,
                Ordering::Equal => session >= self.session,
                Ordering::Greater => session > self.session,
            }
    }
}

/// What a history says about the beginning of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// It is older than the history: it began before this session.
    Before(u32),
    /// It began with this session.
    At(u32),
    /// It is newer than the message: it began after this session.
    After(u32),
    /// It is named, but was not held when the history passed by.
    Forgotten,
}

/// Whose view of the event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) epoch: u32,
    pub(crate) leaf: Node,
    pub(crate) join: u32,
}

/// An event that is held, with what the history says of its beginning and of the next one's; 0 for nothing.
#[derive(Clone, Copy, Debug)]
struct Noted {
    event: u32,
    begin: u32,
    next: u32,
}

impl Noted {
    const NONE: Self = Self {
        event: 0,
        begin: 0,
        next: 0,
    };
}

/// The part of an event that concerns one member with room for `W` events.
#[derive(Clone, Debug)]
pub(crate) struct Event<const W: usize> {
    pub(crate) owner: Owner,
    pub(crate) epoch: u32,
    /// k, the number of the event in its epoch.
    pub(crate) number: u32,
    pub(crate) session: u32,
    pub(crate) depth: u32,
    pub(crate) last: u32,
    pub(crate) timing: Timing,
    pub(crate) nonce: EventNonce,
    pub(crate) anchor: ChainValue,
    pub(crate) key_check: [u8; 16],
    /// The first session that the history names.
    pub(crate) first: u32,
    history_len: u32,
    /// How many of them are not after the join.
    joined: u32,
    /// e, the number of covers.
    window_len: u32,
    /// The newest sessions of the history, the i-th of them all at i modulo `W`.
    sessions: [u32; W],
    noted: [Noted; W],
    links: [[u8; 16]; W],
    /// The entry of the own class.
    entry: Option<Entry>,
}

impl<const W: usize> Event<W> {
    /// Nothing read yet.
    pub(super) const fn new(owner: Owner) -> Self {
        Self {
            owner,
            epoch: 0,
            number: 0,
            session: 0,
            depth: 0,
            last: 0,
            timing: Timing {
                starts: UnixTime::new(0),
                duration: 0,
            },
            nonce: [0; 7],
            anchor: [0; 16],
            key_check: [0; 16],
            first: 0,
            history_len: 0,
            joined: 0,
            window_len: 0,
            sessions: [0; W],
            noted: [Noted::NONE; W],
            links: [[0; 16]; W],
            entry: None,
        }
    }

    /// `held` are the numbers of the events that the owner holds; before the first byte.
    pub(super) fn note_held(&mut self, held: impl Iterator<Item = u32>) {
        for (noted, event) in self.noted.iter_mut().zip(held) {
            noted.event = event;
        }
    }

    /// The history will name `len` events, of `number` and before.
    pub(super) const fn set_history_len(&mut self, len: u32) {
        self.history_len = len;
    }

    /// The window has `len` events.
    pub(super) const fn set_window_len(&mut self, len: u32) {
        self.window_len = len;
    }

    /// The session that entry `index` of the history names.
    pub(super) fn note_session(&mut self, index: u32, session: u32) {
        if index == 0 {
            self.first = session;
        }
        if session <= self.owner.join {
            self.joined = self.joined.saturating_add(1);
        }
        if let Some(place) = self.sessions.get_mut(place::<W>(index)) {
            *place = session;
        }
        let event = self.number_at(index);
        for noted in &mut self.noted {
            if noted.event == event {
                noted.begin = session;
            } else if noted.event.checked_add(1) == Some(event) {
                noted.next = session;
            }
        }
    }

    /// The place of link `index` of the message, if it is kept.
    pub(super) fn link_mut(&mut self, index: u32) -> Option<&mut [u8; 16]> {
        self.links.get_mut(usize::try_from(index).ok()?)
    }

    /// An entry of cover `class`.
    ///
    /// # Errors
    /// [`Error::Type`] for an invalid subset.
    pub(super) fn note_entry(&mut self, class: u32, entry: &Entry) -> Result<()> {
        let subset = entry.subset(u8::try_from(self.depth).unwrap_or(u8::MAX))?;
        let mine = class == self.class() && subset.parting(self.owner.leaf).is_some();
        if mine && self.entry.is_none() {
            self.entry = Some(*entry);
        }
        Ok(())
    }

    /// e, the number of covers: the window of the message.
    pub(crate) const fn window_len(&self) -> u32 {
        self.window_len
    }

    /// How many events the history names.
    pub(crate) const fn history_len(&self) -> u32 {
        self.history_len
    }

    /// c, the class of the owner in this window; e if it joined at the event or after it.
    pub(crate) const fn class(&self) -> u32 {
        self.joined
            .saturating_sub(self.history_len.saturating_sub(self.window_len))
    }

    /// The events of the window from the class of the owner on, oldest first, each with its index in the window.
    pub(crate) fn window(&self) -> impl Iterator<Item = (u32, Beginning)> {
        let before = self.history_len.saturating_sub(self.window_len);
        (self.class()..self.window_len).filter_map(move |index| {
            let entry = before.saturating_add(index);
            let session = *self.sessions.get(place::<W>(entry))?;
            let event = self.number_at(entry);
            Some((index, Beginning { event, session }))
        })
    }

    /// Checks a beginning that is certain against the history.
    ///
    /// # Errors
    /// [`Error::Equivocation`] for another one; [`Error::NeedEvent`] if the history names the event, but too far back.
    pub(crate) fn check_beginning(&self, begin: Beginning) -> Result<()> {
        let fits = begin.session == 0
            || match self.named(begin.event) {
                Named::Before(first) => begin.session < first,
                Named::At(session) => begin.session == session,
                Named::After(session) => begin.session > session,
                Named::Forgotten => return Err(Error::NeedEvent),
            };
        if fits {
            Ok(())
        } else {
            Err(Error::Equivocation)
        }
    }

    /// What the history says about an event.
    pub(crate) fn named(&self, event: u32) -> Named {
        if event > self.number {
            return Named::After(self.session);
        }
        let Some(entry) = event.checked_sub(self.number_at(0)) else {
            return Named::Before(self.first);
        };
        let kept = u32::try_from(W).unwrap_or(u32::MAX);
        if entry.saturating_add(kept) >= self.history_len {
            let session = self.sessions.get(place::<W>(entry));
            return session.map_or(Named::Forgotten, |session| Named::At(*session));
        }
        let noted = |noted: &Noted| match noted {
            noted if noted.event == event => Some(noted.begin),
            noted if noted.event != 0 && noted.event.checked_add(1) == Some(event) => {
                Some(noted.next)
            }
            _ => None,
        };
        self.noted
            .iter()
            .find_map(noted)
            .filter(|session| *session != 0)
            .map_or(Named::Forgotten, Named::At)
    }

    /// Whether the history and the personal key agree: `event` was in force at the join.
    pub(crate) fn fits_join(&self, event: u32) -> bool {
        let Range { start, end } = self.number_at(0)..self.number.saturating_add(1);
        let begun = event
            .saturating_add(1)
            .max(start)
            .min(end)
            .saturating_sub(start);
        event == 0 || begun == self.joined
    }

    /// The chain state of the window event `index`, masked with what Z gives.
    pub(crate) fn link(&self, index: u32) -> Option<&[u8; 16]> {
        self.links.get(usize::try_from(index).ok()?)
    }

    /// The own cover entry.
    pub(crate) const fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// The number of the event that entry `index` of the history names.
    const fn number_at(&self, index: u32) -> u32 {
        self.number
            .wrapping_sub(self.history_len)
            .wrapping_add(index)
            .wrapping_add(1)
    }
}

/// Where the session of entry `index` of the history is kept.
fn place<const W: usize>(index: u32) -> usize {
    usize::try_from(index)
        .ok()
        .and_then(|index| index.checked_rem(W))
        .unwrap_or_default()
}
