//! What stays between a member and its key server after the join.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iotchain::join::JoinResponse;
use iotchain::{GroupName, Thumbprint, UnixTime, Zeroizing};

use super::{PairKeys, Shared, SharedPairKeys};
use crate::coap::{Call, Client, Reply, Transmission};
use crate::{NodeError, link};

/// A key server that restarted knows no association of before: whoever waits for it shall soon join again.
pub(super) const TRANSMISSION: Transmission = Transmission {
    ack_timeout: Duration::from_millis(500),
    max_retransmit: 3,
};

/// The association on which a member's proof succeeded: everything of this member's alone goes over it (A9).
pub struct Line {
    pub(super) link: Client,
    pub(super) group: GroupName,
    pub(super) node: String,
    /// N_C of the proof and the key server that answered it: later answers are verified against both.
    pub(super) cnonce: [u8; 16],
    pub(super) key_server: Thumbprint,
    pub(super) pair_keys: SharedPairKeys,
}

/// A line shared between whoever joined and whoever keeps the membership current.
pub type SharedLine = Arc<Mutex<Line>>;

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("group", &self.group)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl Line {
    /// Asks for this member's material again and lets `membership` go on with it: the personal key of the next epoch,
    /// once there is one (spec 4.7), and the pair keys of the present session (A2). Gives the end of membership, and
    /// whether the next epoch is prepared.
    ///
    /// # Errors
    /// [`NodeError::Net`], [`NodeError::Refused`]; [`NodeError::Protocol`] for an answer that does not verify, or that is
    /// about another membership: join again then.
    pub fn renew(&mut self, membership: &Shared) -> Result<(UnixTime, bool), NodeError> {
        let payload = Zeroizing::new(self.own_node()?.payload);
        let response = JoinResponse::parse(&payload)?.verify(&self.cnonce, &self.key_server)?;
        let own = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        let mut membership = membership.lock().unwrap_or_else(PoisonError::into_inner);
        let prepared = membership.renew(&response, own)?;
        let mut pair_keys = self
            .pair_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        pair_keys.succeed(PairKeys::of(&response));
        Ok((response.expires_at, prepared))
    }

    pub(super) fn own_node(&mut self) -> Result<Reply, NodeError> {
        let node = format!("nodes/{}", self.node);
        self.get(&node)
    }

    pub(super) fn get(&mut self, below: &str) -> Result<Reply, NodeError> {
        let target = format!("ace-group/{}/{below}", self.group);
        self.success(&Call::get(&target))
    }

    pub(super) fn success(&mut self, call: &Call) -> Result<Reply, NodeError> {
        let reply = self.link.request(call)?;
        if reply.code.is_success() {
            Ok(reply)
        } else {
            Err(link::refusal(format!("key server: {}", self.group), &reply))
        }
    }
}
