//! The one response to a request of mode P (spec 2.4, A17).

use crate::content::Content;
use crate::draft::Draft;
use crate::header::Protected;
use crate::origin::Origin;
use crate::structure::Binding;
use crate::{MAX_OBJECT, MAX_OBJECT_LIMIT, Mode, Plaintext, ResourceId};
use iotchain_core::kdf::Direction;
use iotchain_core::{AeadAlg, PairKey, Result};

/// The right to seal the response to one accepted request.
///
/// The response reuses the Partial IV of the request under a key of its own, which is safe exactly once. A `Reply`
/// therefore cannot be copied, comes out of [`Receiver::open_request`](crate::Receiver::open_request) once per
/// (gid, j, kid, PIV), and is used up by [`Reply::seal`]. A retransmission resends the stored bytes; an Observe
/// option in the request is ignored.
///
/// ```compile_fail,E0382
/// # use iotchain_oscar::{Reply, ResourceId};
/// fn twice(reply: Reply, resource: &ResourceId<'_>, out: &mut [u8]) {
///     let _ = reply.seal(resource, 68, b"once", out);
///     let _ = reply.seal(resource, 68, b"and once more", out);
/// }
/// ```
#[derive(Debug)]
pub struct Reply {
    pub(crate) alg: AeadAlg,
    pub(crate) pair: PairKey,
    pub(crate) origin: Origin,
    pub(crate) request: Protected,
    max_object: usize,
}

impl Reply {
    pub(crate) fn new(alg: AeadAlg, pair: PairKey, origin: Origin, request: &[u8]) -> Result<Self> {
        Ok(Self {
            alg,
            pair,
            origin,
            request: Protected::copied(request)?,
            max_object: MAX_OBJECT,
        })
    }

    /// Sets the size limit of the response in bytes; the client must allow as much. Above [`MAX_OBJECT_LIMIT`] it is
    /// that.
    #[must_use]
    pub fn with_max_object(mut self, max_object: usize) -> Self {
        self.max_object = max_object.min(MAX_OBJECT_LIMIT);
        self
    }

    /// Length in bytes of the object that [`Reply::seal`] makes of `plaintext`.
    ///
    /// # Errors
    /// [`Error::Size`](iotchain_core::Error::Size) above the object limit.
    pub fn len_of<'p>(&self, plaintext: impl Into<Plaintext<'p>>) -> Result<usize> {
        self.draft(plaintext.into())?.len(self.max_object)
    }

    fn draft<'p>(&self, plaintext: Plaintext<'p>) -> Result<Draft<'p>> {
        let mut draft = Draft::new(Mode::Pairwise, self.alg, plaintext.bytes);
        draft.protected.encode_answer(plaintext.content_format)?;
        Ok(draft)
    }

    /// Seals the response with CoAP code `code` (2.04 = 68) on the resource that was asked for, to the front of `out`.
    /// The length written.
    ///
    /// # Errors
    /// [`Error::Size`](iotchain_core::Error::Size) above the object limit, [`Error::Buffer`](iotchain_core::Error::Buffer) below [`Reply::len_of`]; nothing is written then, and
    /// the request stays without a protected response.
    pub fn seal<'p>(
        self,
        resource: &ResourceId<'_>,
        code: u8,
        plaintext: impl Into<Plaintext<'p>>,
        out: &mut [u8],
    ) -> Result<usize> {
        let draft = self.draft(plaintext.into())?;
        let len = draft.room(self.max_object, out)?;
        let (kid, piv) = (self.origin.kid, self.origin.piv);
        let key = self.pair.direction(Direction::Response, self.alg, &kid)?;
        let content = Content {
            key: &key,
            resource,
            binding: Binding::of_answer(code, self.request.as_bytes()),
            piv,
        };
        draft.write_once(&content, len, out)?;
        Ok(len)
    }
}
