//! What the crate has to be told: which session keys the node holds, and whose signatures it accepts.
//!
//! Both are traits because the answers live elsewhere: session keys in a self-healing member, credentials in what the
//! key server handed out at join.

use iotchain_core::sign::{Software, Verifier};
use iotchain_core::{Address, GroupKey, PublicKey, Result, Session, Sid};

/// The session keys of one group.
pub trait Sessions {
    /// K_j.
    ///
    /// # Errors
    /// [`Error::Session`](iotchain_core::Error::Session) if it is not held.
    fn key(&self, session: Session) -> Result<GroupKey>;

    /// Whether K_j is held; asked when keys derived from it are at hand.
    ///
    /// # Errors
    /// As [`Sessions::key`].
    fn holds(&self, session: Session) -> Result<()> {
        self.key(session).map(|_| ())
    }

    /// Whether live traffic of `session` may still be opened: only the newest announced session, and the one before it
    /// until grace after its successor began (A5). Asked for mode G and for signed commands; stored representations of
    /// past sessions stay readable.
    ///
    /// # Errors
    /// [`Error::SessionExpired`](iotchain_core::Error::SessionExpired) if it may not.
    fn may_open(&self, session: Session) -> Result<()>;
}

/// A sender's public key and whom it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The resource server of a producer, the client of any other sender.
    pub subject: Address,
    /// The key behind its signatures.
    pub key: &'a PublicKey,
}

/// The credentials of a group, handed out by the key server.
pub trait Directory {
    /// The credential of the sender `sid`, if known. A retired sid is no longer known (A2).
    fn credential(&self, sid: &Sid) -> Option<Credential<'_>>;

    /// Who verifies signatures with these credentials: this build, unless a secure element or a library of the platform
    /// stands in.
    fn verifier(&self) -> &dyn Verifier {
        &Software
    }
}

/// Enough for the few producers of one group.
impl Directory for [(Sid, Address, PublicKey)] {
    fn credential(&self, sid: &Sid) -> Option<Credential<'_>> {
        let (_, subject, key) = self.iter().find(|(known, ..)| known == sid)?;
        Some(Credential {
            subject: *subject,
            key,
        })
    }
}
