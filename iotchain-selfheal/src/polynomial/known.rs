//! What a member remembers of the newest sessions.

use crate::timing::Timing;
use crate::window::Numbered;
use iotchain_core::Secret;

/// One session.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// a.
    pub(crate) session: u32,
    /// K_a.
    pub(crate) key: Option<Secret<16>>,
    /// Times, once the message of this very session was received.
    pub(crate) timing: Option<Timing>,
    /// SHA-256 of that message.
    pub(crate) digest: Option<[u8; 32]>,
}

impl Numbered for Known {
    const NONE: Self = Self {
        session: 0,
        key: None,
        timing: None,
        digest: None,
    };

    fn number(&self) -> u32 {
        self.session
    }

    fn set_number(&mut self, session: u32) {
        self.session = session;
    }
}
