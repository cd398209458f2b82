//! The payload of an event: a fresh chain state for the members that remain (spec 3.2, 3.4.6).
//!
//! ```text
//! [2, epoch, k, depth, last, nbf, dur, nonce(7), anchor(16), kcv(16), hist: [+ session], links, cover: [+ bstr]]
//! ```
//!
//! `hist` lists the first sessions of the newest events, this one last. The newest `e` of them, one per cover, are the
//! window: cover `c` opens Z_c for the members that joined between the window events c-1 and c, link `c` is the chain
//! state of window event `c` under Z_c.

use super::primitives::{ChainValue, EventNonce, State, xor};
use super::tree::Subset;
use crate::scheme::Scheme;
use crate::timing::Timing;
use core::cmp::Ordering;
use iotchain_core::cbor::Reader;
use iotchain_core::{Error, Result};

/// Most sessions that a history lists.
pub(crate) const MAX_HISTORY: usize = 255;
/// A cover entry: subset(4) || Z_c xor pad (16).
pub(crate) const ENTRY_LEN: usize = 20;

/// A well-formed event; its signature is verified by the envelope it came in.
#[derive(Clone, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) epoch: u32,
    /// k, the number of the event in its epoch.
    pub(crate) number: u32,
    pub(crate) session: u32,
    pub(crate) depth: u32,
    pub(crate) last: u32,
    pub(crate) timing: Timing,
    pub(crate) nonce: &'a EventNonce,
    pub(crate) anchor: &'a ChainValue,
    pub(crate) key_check: &'a [u8; 16],
    history: Reader<'a>,
    history_len: usize,
    links: &'a [u8],
    covers: Reader<'a>,
    covers_len: usize,
}

/// One event as a history names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    pub(crate) event: u32,
    pub(crate) session: u32,
}

impl Beginning {
    /// Whether event `in_force` can be the one in force in `session`, given that this event begins where it does.
    pub(crate) fn allows(self, in_force: u32, session: u32) -> bool {
        match in_force.cmp(&self.event) {
            Ordering::Less => session < self.session,
            Ordering::Equal => session >= self.session,
            Ordering::Greater => session > self.session,
        }
    }
}

impl<'a> Event<'a> {
    /// Reads the payload of the message of `session` (spec 3.3, step 4).
    ///
    /// # Errors
    /// A format error, [`Error::Version`], [`Error::Scheme`], [`Error::Type`].
    pub(crate) fn parse(session: u32, payload: &'a [u8]) -> Result<Self> {
        let mut reader = Scheme::Rsd.read_payload(payload, 13)?;
        let [epoch, number, depth, last] =
            [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
        let timing = Timing::read(&mut reader)?;
        let (nonce, anchor, key_check) =
            (reader.array_of()?, reader.array_of()?, reader.array_of()?);
        let history_len = reader.array()?;
        let history = reader.clone();
        check_history(&mut reader, history_len, session)?;
        let links = reader.bytes()?;
        let covers_len = reader.array()?;
        let covers = reader.clone();
        check_covers(&mut reader, covers_len, depth)?;
        let shape = timing.is_valid()
            && (1..=history_len).contains(&covers_len)
            && history_len <= MAX_HISTORY
            && u32::try_from(history_len).is_ok_and(|len| len <= number)
            && links.len() == covers_len.saturating_sub(1).saturating_mul(16);
        if !shape {
            return Err(Error::Type);
        }
        Ok(Self {
            epoch,
            number,
            session,
            depth,
            last,
            timing,
            nonce,
            anchor,
            key_check,
            history,
            history_len,
            links,
            covers,
            covers_len,
        })
    }

    /// e, the number of covers: the window of the message.
    pub(crate) const fn window_len(&self) -> usize {
        self.covers_len
    }

    /// The events that the history names, oldest first, this one last.
    pub(crate) fn history(&self) -> impl Iterator<Item = Beginning> {
        let mut reader = self.history.clone();
        let before = u32::try_from(self.history_len).unwrap_or(u32::MAX);
        (0..before).map_while(move |i| {
            let event = self
                .number
                .wrapping_sub(before)
                .wrapping_add(i)
                .wrapping_add(1);
            Some(Beginning {
                event,
                session: reader.u32().ok()?,
            })
        })
    }

    /// The newest e events of the history.
    pub(crate) fn window(&self) -> impl Iterator<Item = Beginning> {
        self.history()
            .skip(self.history_len.saturating_sub(self.covers_len))
    }

    /// The entries of cover `class`.
    pub(crate) fn cover(&self, class: usize) -> impl Iterator<Item = Entry<'a>> {
        let mut reader = self.covers.clone();
        let cover = (0..=class)
            .try_fold(&[][..], |_, _| reader.bytes())
            .unwrap_or_default();
        cover.as_chunks::<ENTRY_LEN>().0.iter().map(Entry)
    }

    /// The chain state of the window event `class`, from the mask that Z_class gives.
    pub(crate) fn link(&self, class: usize, mask: &State) -> Option<State> {
        self.links
            .as_chunks::<16>()
            .0
            .get(class)
            .map(|link| xor(link, mask))
    }
}

/// One entry of a cover.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a>(&'a [u8; ENTRY_LEN]);

impl Entry<'_> {
    /// # Errors
    /// [`Error::Type`] for an invalid subset.
    pub(crate) fn subset(&self, depth: u8) -> Result<Subset> {
        Subset::parse(*self.0.first_chunk().ok_or(Error::Type)?, depth)
    }

    /// Z_c under the pad of the subset's label.
    pub(crate) fn open(&self, pad: &State) -> Option<State> {
        self.0.last_chunk().map(|masked| xor(masked, pad))
    }
}

/// Strictly increasing from at least 1, ending in the session of the message.
fn check_history(reader: &mut Reader<'_>, len: usize, session: u32) -> Result<()> {
    let mut before = 0;
    for _ in 0..len {
        let next = reader.u32()?;
        if next <= before {
            return Err(Error::Type);
        }
        before = next;
    }
    if before == session {
        Ok(())
    } else {
        Err(Error::Type)
    }
}

/// Whole entries with valid subsets of a tree of `depth`.
fn check_covers(reader: &mut Reader<'_>, len: usize, depth: u32) -> Result<()> {
    let depth = u8::try_from(depth).unwrap_or(u8::MAX);
    for _ in 0..len {
        let (entries, rest) = reader.bytes()?.as_chunks::<ENTRY_LEN>();
        if !rest.is_empty() {
            return Err(Error::Type);
        }
        for entry in entries {
            Entry(entry).subset(depth)?;
        }
    }
    Ok(())
}
