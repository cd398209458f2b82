//! S_i, the personal key that a member gets once over DTLS (spec 3.5.2).
//!
//! ```text
//! [1, gid, epoch, id, s, e, t, shares]        shares: h_a(x_i) for a = s..e, 16 bytes each
//! ```

use super::field::Element;
use super::{MAX_DEGREE, PADDING};
use crate::scheme::Scheme;
use core::fmt;
use core::ops::Range;
use iotchain_core::{Error, Gid, Result, Session};

/// The personal key of one id, read in place from its encoding.
///
/// `S` owns or borrows the bytes: `&[u8]` or an array on a device, `Zeroizing<Vec<u8>>` on a host. 16 bytes per session
/// and about 30 more. The bytes are secret.
#[derive(Clone)]
pub struct PersonalKey<S> {
    bytes: S,
    gid: Gid,
    epoch: u32,
    id: u32,
    first: u32,
    last: u32,
    degree: u32,
    shares: Range<usize>,
}

impl<S: AsRef<[u8]>> PersonalKey<S> {
    /// Reads a personal key and checks every length and relation of it.
    ///
    /// # Errors
    /// A format error (1 to 11), [`Error::Scheme`] for another first element, else [`Error::Type`].
    pub fn parse(bytes: S) -> Result<Self> {
        let encoded = bytes.as_ref();
        let mut reader = Scheme::Polynomial.read_personal_key(encoded, 8)?;
        let gid = Gid::new(*reader.array_of()?);
        let epoch = reader.u32()?;
        let [id, first, last, degree] =
            [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
        let shares_len = reader.bytes()?.len();
        let end = encoded.len();
        let shares = end.saturating_sub(shares_len)..end;

        let sessions = u64::from(last.saturating_sub(first)).saturating_add(1);
        let shape = (1..PADDING).contains(&id)
            && first != 0
            && first <= last
            && (1..=MAX_DEGREE).contains(&degree)
            && u64::try_from(shares_len) == Ok(sessions.saturating_mul(16));
        if !shape {
            return Err(Error::Type);
        }
        Ok(Self {
            gid,
            epoch,
            id,
            first,
            last,
            degree,
            shares,
            bytes,
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

    /// The id of the member, 1..2^31.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// s, the session from which the member takes part.
    #[must_use]
    pub const fn first(&self) -> Session {
        Session::new(self.first)
    }

    /// e, the last session of the member, after which the key is worthless and should be erased.
    #[must_use]
    pub const fn last(&self) -> Session {
        Session::new(self.last)
    }

    /// t, how many members may be revoked in one session.
    #[must_use]
    pub const fn degree(&self) -> u32 {
        self.degree
    }

    /// The encoding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// x_i, where the polynomials are evaluated.
    pub(crate) fn point(&self) -> Element {
        Element::from(self.id)
    }

    /// h_a(x_i); `None` outside s..=e.
    pub(crate) fn share(&self, session: u32) -> Option<Element> {
        let index = usize::try_from(session.checked_sub(self.first)?).ok()?;
        let (shares, _) = self.as_bytes().get(self.shares.clone())?.as_chunks();
        shares.get(index).copied().map(Element::new)
    }
}

impl<S> fmt::Debug for PersonalKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gid,
            epoch,
            id,
            first,
            last,
            ..
        } = self;
        write!(
            f,
            "PersonalKey({gid}, epoch {epoch}, id {id}, sessions {first}..={last}, ..)"
        )
    }
}
