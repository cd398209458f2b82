//! The payload of an event, read from front to end in pieces of any size (spec 3.2, 3.4.6).
//!
//! ```text
//! [2, epoch, k, depth, last, nbf, dur, nonce(7), anchor(16), kcv(16), hist: [+ session], links, cover: [+ bstr]]
//! ```
//!
//! The first byte that departs from this form decides. A window that is too long for the member is read to its end, so that
//! a fault of the message comes before a lack of room.

use super::event::{ENTRY_LEN, Entry, Event, MAX_HISTORY, Owner};
use crate::incoming::Gather;
use crate::scheme::Scheme;
use iotchain_core::cbor::Major;
use iotchain_core::{Error, Result, Session, UnixTime};

const LINK_LEN: usize = 16;
const ELEMENTS: u64 = 13;

/// What comes next. Counters run upwards to the length that stands in the event.
#[derive(Clone, Copy, Debug)]
enum Next {
    Array,
    Scheme { complete: bool },
    Epoch,
    Number,
    Depth,
    Last,
    Starts,
    Duration,
    NonceHead,
    Nonce,
    AnchorHead,
    Anchor,
    KeyCheckHead,
    KeyCheck,
    History,
    Beginning { index: u32, before: u32 },
    LinksHead,
    Link { index: u32 },
    Covers,
    Cover { class: u32 },
    Entry { class: u32, left: u32 },
    End,
}

/// The reader of one event.
#[derive(Clone, Debug)]
pub(crate) struct Payload<const W: usize> {
    gather: Gather<ENTRY_LEN>,
    next: Next,
    event: Event<W>,
}

impl<const W: usize> Payload<W> {
    /// `held` are the numbers of the events that the owner holds.
    pub(crate) fn new(owner: Owner, held: impl Iterator<Item = u32>) -> Self {
        let mut payload = Self {
            gather: Gather::new(),
            next: Next::Array,
            event: Event::new(owner),
        };
        payload.event.note_held(held);
        payload
    }

    /// Whose view of the event it is.
    pub(crate) const fn owner(&self) -> Owner {
        self.event.owner
    }

    /// The session that the header of the message names; before the first byte.
    pub(crate) const fn set_session(&mut self, session: Session) {
        self.event.session = session.get();
    }

    /// Reads the next bytes. After an error there is nothing more to read (spec 3.3, step 4).
    ///
    /// # Errors
    /// A format error, [`Error::Version`], [`Error::Scheme`], [`Error::Type`].
    pub(crate) fn push(&mut self, mut input: &[u8]) -> Result<()> {
        while !input.is_empty() {
            let Some(next) = self.step(&mut input)? else {
                break;
            };
            self.next = next;
        }
        Ok(())
    }

    /// The event, once all of it is there.
    ///
    /// # Errors
    /// [`Error::Truncated`] if something is missing.
    pub(crate) const fn finish(&self) -> Result<&Event<W>> {
        match self.next {
            Next::End => Ok(&self.event),
            _ => Err(Error::Truncated),
        }
    }

    /// Reads one part; what comes after it, or `None` if the input ends before.
    fn step(&mut self, input: &mut &[u8]) -> Result<Option<Next>> {
        match self.next {
            Next::Nonce
            | Next::Anchor
            | Next::KeyCheck
            | Next::Link { .. }
            | Next::Entry { .. } => self.string(input),
            Next::End => Err(Error::Trailing),
            _ => self.head(input),
        }
    }

    /// A part that is a number, or the head of a string or an array.
    fn head(&mut self, input: &mut &[u8]) -> Result<Option<Next>> {
        let kind = match self.next {
            Next::Array | Next::History | Next::Covers => Major::Array,
            Next::NonceHead
            | Next::AnchorHead
            | Next::KeyCheckHead
            | Next::LinksHead
            | Next::Cover { .. } => Major::Bytes,
            _ => Major::Uint,
        };
        let Some(value) = self.gather.expect(kind, input)? else {
            return Ok(None);
        };
        let number = || u32::try_from(value).map_err(|_| Error::Type);
        let string = |len: u64, next| {
            if value == len {
                Ok(next)
            } else {
                Err(Error::Type)
            }
        };
        let event = &mut self.event;
        let next = match self.next {
            Next::Array if value == 0 => return Err(Error::Type),
            Next::Array => Next::Scheme {
                complete: value == ELEMENTS,
            },
            Next::Scheme { complete } => {
                Scheme::Rsd.check_payload(number()?)?;
                if !complete {
                    return Err(Error::Type);
                }
                Next::Epoch
            }
            Next::Epoch => {
                event.epoch = number()?;
                Next::Number
            }
            Next::Number => {
                event.number = number()?;
                Next::Depth
            }
            Next::Depth => {
                event.depth = number()?;
                Next::Last
            }
            Next::Last => {
                event.last = number()?;
                Next::Starts
            }
            Next::Starts => {
                event.timing.starts = UnixTime::new(value);
                Next::Duration
            }
            Next::Duration => {
                event.timing.duration = number()?;
                if !event.timing.is_valid() {
                    return Err(Error::Type);
                }
                Next::NonceHead
            }
            Next::NonceHead => string(7, Next::Nonce)?,
            Next::AnchorHead => string(16, Next::Anchor)?,
            Next::KeyCheckHead => string(16, Next::KeyCheck)?,
            Next::History => {
                let len = number()?;
                if len == 0 || len > event.number || value > MAX_HISTORY as u64 {
                    return Err(Error::Type);
                }
                event.set_history_len(len);
                Next::Beginning {
                    index: 0,
                    before: 0,
                }
            }
            Next::Beginning { index, before } => beginning(event, index, before, number()?)?,
            Next::LinksHead => {
                let len = number()?;
                let links = len.checked_div(LINK_LEN as u32).unwrap_or_default();
                let window = links.saturating_add(1);
                if !len.is_multiple_of(LINK_LEN as u32) || window > event.history_len() {
                    return Err(Error::Type);
                }
                event.set_window_len(window);
                after_link(event, 0)
            }
            Next::Covers => string(event.window_len().into(), Next::Cover { class: 0 })?,
            Next::Cover { class } => {
                let len = number()?;
                if !len.is_multiple_of(ENTRY_LEN as u32) {
                    return Err(Error::Type);
                }
                after_entry(event, class, len)
            }
            Next::Nonce
            | Next::Anchor
            | Next::KeyCheck
            | Next::Link { .. }
            | Next::Entry { .. }
            | Next::End => return Err(Error::Type),
        };
        Ok(Some(next))
    }

    /// A part that is a string, or one piece of a string of many.
    fn string(&mut self, input: &mut &[u8]) -> Result<Option<Next>> {
        let len = match self.next {
            Next::Nonce => 7,
            Next::Entry { .. } => ENTRY_LEN,
            _ => LINK_LEN,
        };
        let Some(bytes) = self.gather.string(len, input) else {
            return Ok(None);
        };
        let event = &mut self.event;
        let next = match self.next {
            Next::Nonce => {
                event.nonce = bytes.try_into().map_err(|_| Error::Type)?;
                Next::AnchorHead
            }
            Next::Anchor => {
                event.anchor = bytes.try_into().map_err(|_| Error::Type)?;
                Next::KeyCheckHead
            }
            Next::KeyCheck => {
                event.key_check = bytes.try_into().map_err(|_| Error::Type)?;
                Next::History
            }
            Next::Link { index } => {
                event.note_link(index, bytes.try_into().map_err(|_| Error::Type)?);
                after_link(event, index.saturating_add(1))
            }
            Next::Entry { class, left } => {
                event.note_entry(class, Entry(bytes.try_into().map_err(|_| Error::Type)?))?;
                after_entry(event, class, left.saturating_sub(ENTRY_LEN as u32))
            }
            _ => return Err(Error::Type),
        };
        Ok(Some(next))
    }
}

/// Strictly increasing from at least 1, ending in the session of the message.
fn beginning<const W: usize>(
    event: &mut Event<W>,
    index: u32,
    before: u32,
    session: u32,
) -> Result<Next> {
    let is_last = index.saturating_add(1) == event.history_len();
    if session <= before || (is_last && session != event.session) {
        return Err(Error::Type);
    }
    event.note_session(index, session);
    Ok(if is_last {
        Next::LinksHead
    } else {
        Next::Beginning {
            index: index.saturating_add(1),
            before: session,
        }
    })
}

fn after_link<const W: usize>(event: &Event<W>, index: u32) -> Next {
    if index.saturating_add(1) == event.window_len() {
        Next::Covers
    } else {
        Next::Link { index }
    }
}

fn after_entry<const W: usize>(event: &Event<W>, class: u32, left: u32) -> Next {
    let following = class.saturating_add(1);
    if left != 0 {
        Next::Entry { class, left }
    } else if following == event.window_len() {
        Next::End
    } else {
        Next::Cover { class: following }
    }
}
