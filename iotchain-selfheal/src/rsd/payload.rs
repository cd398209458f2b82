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
const ELEMENTS: u32 = 13;

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Array,
    Scheme,
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
    Beginning,
    LinksHead,
    Link,
    Covers,
    Cover,
    Entry,
    End,
}

/// The reader of one event.
#[derive(Clone, Debug)]
pub(crate) struct Payload<const W: usize> {
    gather: Gather,
    next: Next,
    /// The number of elements; then which beginning, link or cover it is, upwards from 0.
    index: u32,
    /// The session that the history named last; then how many bytes of the cover are still to come.
    carried: u32,
    /// The entry that is being read; also a link that is not kept.
    entry: Entry,
    event: Event<W>,
}

impl<const W: usize> Payload<W> {
    /// `held` are the numbers of the events that the owner holds.
    pub(crate) fn new(owner: Owner, held: impl Iterator<Item = u32>) -> Self {
        let mut payload = Self {
            gather: Gather::new(),
            next: Next::Array,
            index: 0,
            carried: 0,
            entry: Entry([0; ENTRY_LEN]),
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
        let event = &mut self.event;
        let string: &mut [u8] = match self.next {
            Next::Nonce => &mut event.nonce,
            Next::Anchor => &mut event.anchor,
            Next::KeyCheck => &mut event.key_check,
            Next::Link => match event.link_mut(self.index) {
                Some(link) => link,
                None => self.entry.0.get_mut(..LINK_LEN).unwrap_or_default(),
            },
            Next::Entry => &mut self.entry.0,
            Next::End => return Err(Error::Trailing),
            _ => return self.head(input),
        };
        if !self.gather.fill(string, input) {
            return Ok(None);
        }
        Ok(Some(match self.next {
            Next::Nonce => Next::AnchorHead,
            Next::Anchor => Next::KeyCheckHead,
            Next::KeyCheck => Next::History,
            Next::Link => {
                self.index = self.index.saturating_add(1);
                self.after_link()
            }
            _ => {
                event.note_entry(self.index, &self.entry)?;
                self.carried = self.carried.saturating_sub(ENTRY_LEN as u32);
                self.after_entry()
            }
        }))
    }

    /// A part that is a number, or the head of a string or an array.
    fn head(&mut self, input: &mut &[u8]) -> Result<Option<Next>> {
        let kind = match self.next {
            Next::Array | Next::History | Next::Covers => Major::Array,
            Next::NonceHead
            | Next::AnchorHead
            | Next::KeyCheckHead
            | Next::LinksHead
            | Next::Cover => Major::Bytes,
            _ => Major::Uint,
        };
        let Some(value) = self.gather.expect(kind, input)? else {
            return Ok(None);
        };
        let number = match (u32::try_from(value), self.next) {
            (Ok(number), _) => number,
            // the one is too long and is said to be so after the scheme, the other has more bits
            (Err(_), Next::Array | Next::Starts) => u32::MAX,
            (Err(_), _) => return Err(Error::Type),
        };
        let event = &mut self.event;
        Ok(Some(match self.next {
            Next::Array if number != 0 => {
                self.index = number;
                Next::Scheme
            }
            Next::Scheme => {
                Scheme::Rsd.check_payload(number)?;
                if self.index != ELEMENTS {
                    return Err(Error::Type);
                }
                Next::Epoch
            }
            Next::Epoch => {
                event.epoch = number;
                Next::Number
            }
            Next::Number => {
                event.number = number;
                Next::Depth
            }
            Next::Depth => {
                event.depth = number;
                Next::Last
            }
            Next::Last => {
                event.last = number;
                Next::Starts
            }
            Next::Starts => {
                event.timing.starts = UnixTime::new(value);
                Next::Duration
            }
            Next::Duration => {
                event.timing.duration = number;
                if !event.timing.is_valid() {
                    return Err(Error::Type);
                }
                Next::NonceHead
            }
            Next::NonceHead if number == 7 => Next::Nonce,
            Next::AnchorHead if number == 16 => Next::Anchor,
            Next::KeyCheckHead if number == 16 => Next::KeyCheck,
            Next::History if (1..=event.number.min(MAX_HISTORY)).contains(&number) => {
                event.set_history_len(number);
                self.index = 0;
                Next::Beginning
            }
            Next::Beginning => self.beginning(number)?,
            Next::LinksHead => {
                let links = number.checked_div(LINK_LEN as u32).unwrap_or_default();
                if !number.is_multiple_of(LINK_LEN as u32) || links >= event.history_len() {
                    return Err(Error::Type);
                }
                event.set_window_len(links.saturating_add(1));
                self.index = 0;
                self.after_link()
            }
            Next::Covers if number == event.window_len() => {
                self.index = 0;
                Next::Cover
            }
            Next::Cover if number.is_multiple_of(ENTRY_LEN as u32) => {
                self.carried = number;
                self.after_entry()
            }
            _ => return Err(Error::Type),
        }))
    }

    /// Strictly increasing from at least 1, ending in the session of the message.
    fn beginning(&mut self, session: u32) -> Result<Next> {
        let event = &mut self.event;
        let following = self.index.saturating_add(1);
        let is_last = following == event.history_len();
        if session <= self.carried || (is_last && session != event.session) {
            return Err(Error::Type);
        }
        event.note_session(self.index, session);
        (self.index, self.carried) = (following, session);
        Ok(if is_last {
            Next::LinksHead
        } else {
            Next::Beginning
        })
    }

    fn after_link(&self) -> Next {
        if self.index.saturating_add(1) == self.event.window_len() {
            Next::Covers
        } else {
            Next::Link
        }
    }

    fn after_entry(&mut self) -> Next {
        if self.carried != 0 {
            return Next::Entry;
        }
        self.index = self.index.saturating_add(1);
        if self.index == self.event.window_len() {
            Next::End
        } else {
            Next::Cover
        }
    }
}
