//! S_i, the personal key that a member gets once over DTLS (spec 3.4.4).
//!
//! ```text
//! [2, gid, epoch, depth, slot, join, last, event, C(0|16), v(0|16), labels, history: [* [begin, until, C]]]
//! ```

use super::primitives::{ChainValue, State};
use super::tree::{MAX_DEPTH, Node, label_count, label_index};
use crate::scheme::Scheme;
use core::fmt;
use iotchain_core::cbor::Reader;
use iotchain_core::{Error, Gid, Result, Session};

/// The personal key of one slot, read in place from its encoding.
///
/// `S` owns or borrows the bytes: `&[u8]` or an array on a device, `Zeroizing<Vec<u8>>` on a host. 16 d(d+1)/2 bytes of
/// labels and about 50 more; a history grant adds about 27 bytes per event. The bytes are secret.
#[derive(Clone)]
pub struct PersonalKey<S> {
    /// `None` for a member of no group.
    bytes: Option<S>,
    gid: Gid,
    epoch: u32,
    depth: u8,
    slot: u32,
    join: u32,
    last: u32,
    event: u32,
    /// Where C, v, the labels and the history begin in the encoding.
    state: u32,
    value: u32,
    labels: u32,
    history: u32,
}

impl<S> PersonalKey<S> {
    /// The one of a member of no group.
    pub(crate) const NONE: Self = Self {
        bytes: None,
        gid: Gid::new([0; 4]),
        epoch: 0,
        depth: 0,
        slot: 0,
        join: 0,
        last: 0,
        event: 0,
        state: 0,
        value: 0,
        labels: 0,
        history: 0,
    };

    /// Whether it is the key of a member of no group.
    pub(crate) const fn is_none(&self) -> bool {
        self.bytes.is_none()
    }
}

/// Chain state of earlier sessions: C_begin, good for begin..until.
pub(crate) struct Grant<'a> {
    pub(crate) begin: u32,
    pub(crate) until: u32,
    pub(crate) state: &'a [u8; 16],
}

impl<S: AsRef<[u8]>> PersonalKey<S> {
    /// Reads a personal key and checks every length and relation of it.
    ///
    /// # Errors
    /// A format error (1 to 11), [`Error::Scheme`] for another first element, else [`Error::Type`].
    pub fn parse(bytes: S) -> Result<Self> {
        let encoded = bytes.as_ref();
        let mut reader = Scheme::Rsd.read_personal_key(encoded, 12)?;
        // the place in `encoded` of the `len` bytes that were read last
        let place = |reader: &Reader<'_>, len: usize| {
            let behind = reader.remaining().len().saturating_add(len);
            u32::try_from(encoded.len().saturating_sub(behind)).map_err(|_| Error::Type)
        };
        let gid = Gid::new(*reader.array_of()?);
        let epoch = reader.u32()?;
        let depth = reader.u32()?;
        let [slot, join, last, event] =
            [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
        let state_len = reader.bytes()?.len();
        let state = place(&reader, state_len)?;
        let value_len = reader.bytes()?.len();
        let value = place(&reader, value_len)?;
        let labels_len = reader.bytes()?.len();
        let labels = place(&reader, labels_len)?;
        let history = place(&reader, 0)?;
        let grants = check_history(&mut reader, join)?;

        let depth = u8::try_from(depth).map_err(|_| Error::Type)?;
        let open = event != 0;
        let shape = matches!(depth, 1..=MAX_DEPTH)
            && slot < 1u32.wrapping_shl(depth.into()).wrapping_sub(1)
            && labels_len == label_count(depth).saturating_mul(16)
            && state_len == if open { 16 } else { 0 }
            && value_len == state_len
            && (open || grants == 0)
            && join <= last
            && last != 0;
        if !shape {
            return Err(Error::Type);
        }
        Ok(Self {
            gid,
            epoch,
            depth,
            slot,
            join,
            last,
            event,
            state,
            value,
            labels,
            history,
            bytes: Some(bytes),
        })
    }

    /// The group instance.
    #[must_use]
    pub const fn gid(&self) -> Gid {
        self.gid
    }

    /// The epoch of the scheme inside the gid.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The slot, 0..2^depth - 1.
    #[must_use]
    pub const fn slot(&self) -> u32 {
        self.slot
    }

    /// The session from which the member takes part. A key issued before its epoch opened has the session before the
    /// first one, which may be 0.
    #[must_use]
    pub const fn join(&self) -> Session {
        Session::new(self.join)
    }

    /// The last session of the epoch, after which the key is worthless and should be erased.
    #[must_use]
    pub const fn last(&self) -> Session {
        Session::new(self.last)
    }

    /// Whether the key was issued before the epoch opened.
    #[must_use]
    pub const fn is_pre_issued(&self) -> bool {
        self.event == 0
    }

    /// The encoding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref().map_or(&[], AsRef::as_ref)
    }

    pub(crate) const fn depth(&self) -> u8 {
        self.depth
    }

    /// The number of the event in force at `join`, 0 if the epoch had not opened.
    pub(crate) const fn event(&self) -> u32 {
        self.event
    }

    pub(crate) const fn leaf(&self) -> Node {
        Node::leaf(self.depth, self.slot)
    }

    /// C_join.
    pub(crate) fn state(&self) -> Option<State> {
        self.at(self.state).map(|state| State::new(*state))
    }

    /// v_join of the beacon chain.
    pub(crate) fn value(&self) -> Option<ChainValue> {
        self.at(self.value).copied()
    }

    /// C or v, if the epoch had opened.
    fn at(&self, place: u32) -> Option<&[u8; 16]> {
        let known = self.from(place)?.first_chunk();
        known.filter(|_| !self.is_pre_issued())
    }

    /// The encoding from a place on.
    fn from(&self, place: u32) -> Option<&[u8]> {
        self.as_bytes().get(usize::try_from(place).ok()?..)
    }

    /// The label of `node`, sibling of the member's own path, with respect to its ancestor at depth `top`.
    pub(crate) fn label(&self, top: u8, node: Node) -> Option<&[u8; 16]> {
        let index = label_index(self.depth, top, node.depth());
        let (labels, _) = self.from(self.labels)?.as_chunks::<16>();
        labels.get(..label_count(self.depth))?.get(index)
    }

    /// The grant that covers `session`.
    pub(crate) fn grant(&self, session: u32) -> Option<Grant<'_>> {
        let mut reader = Reader::new(self.from(self.history)?);
        let grants = reader.array().ok()?;
        (0..grants).find_map(|_| {
            let grant = read_grant(&mut reader).ok()?;
            (grant.begin..grant.until)
                .contains(&session)
                .then_some(grant)
        })
    }
}

fn read_grant<'a>(reader: &mut Reader<'a>) -> Result<Grant<'a>> {
    if reader.array()? != 3 {
        return Err(Error::Type);
    }
    let (begin, until) = (reader.u32()?, reader.u32()?);
    Ok(Grant {
        begin,
        until,
        state: reader.array_of()?,
    })
}

/// Every grant is `1 <= begin < until <= join`; gives their number.
fn check_history(reader: &mut Reader<'_>, join: u32) -> Result<usize> {
    let grants = reader.array()?;
    for _ in 0..grants {
        let grant = read_grant(reader)?;
        if grant.begin == 0 || grant.begin >= grant.until || grant.until > join {
            return Err(Error::Type);
        }
    }
    Ok(grants)
}

impl<S> fmt::Debug for PersonalKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gid,
            epoch,
            slot,
            join,
            last,
            ..
        } = self;
        write!(
            f,
            "PersonalKey({gid}, epoch {epoch}, slot {slot}, sessions {join}..={last}, ..)"
        )
    }
}
