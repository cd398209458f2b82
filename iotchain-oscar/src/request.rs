//! A client's requests in mode P, and the responses to them (spec 2.2, 2.7).
//!
//! ```text
//! client                                       resource server
//!   | PUT, object (kid, PIV)                      |
//!   |-------------------------------------------->|  kid not known
//!   |                              4.01, Echo e   |
//!   |<--------------------------------------------|
//!   | PUT, Echo e, object (kid, PIV + 1; bound to e)
//!   |-------------------------------------------->|  a context begins: kid, PIV + 1
//!   |      2.04, object (bound to the request)    |
//!   |<--------------------------------------------|
//! ```

use crate::header::Protected;
use crate::object::{Object, Position};
use crate::origin::Origin;
use crate::{Group, MAX_OBJECT_LIMIT};
use iotchain_core::{Kid, Piv, Result, Session};

/// What a client remembers of a request until it is answered. No secret is in it.
#[derive(Clone, Debug)]
pub struct PairRequest {
    pub(crate) origin: Origin,
    pub(crate) protected: Protected,
}

impl PairRequest {
    /// Longest Echo value in bytes (RFC 9175, 2.2.1).
    pub const MAX_ECHO: usize = 40;

    /// From the object as it was sent, which a client keeps for retransmission anyway.
    ///
    /// # Errors
    /// A format or header error if it is no request of `group`; see steps 1 to 5 of [`Receiver`](crate::Receiver).
    pub fn parse(object: &[u8], group: &Group) -> Result<Self> {
        let parsed = Object::parse(object, Position::Request, MAX_OBJECT_LIMIT)?;
        let context = Origin::context(&parsed.header, Some(group.gid))?;
        Ok(Self {
            origin: Origin::in_group(&parsed.header, context, group)?,
            protected: Protected::copied(parsed.protected)?,
        })
    }

    /// Session j it was sealed in.
    #[must_use]
    pub const fn session(&self) -> Session {
        self.origin.context.session
    }

    /// Sender context of the client.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.origin.kid
    }

    /// Number of the request within session and kid.
    #[must_use]
    pub const fn piv(&self) -> Piv {
        self.origin.piv
    }
}
