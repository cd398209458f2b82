//! The keys of mode P that a key server gives: RSK to a resource server, access keys to a client (spec 1.3, 4.3).

use std::sync::{Arc, Mutex};

use iotchain::core::AccessKey;
use iotchain::join::JoinResponse;
use iotchain::{Address, Secret, Session};

/// What a member shares with those it exchanges P requests with.
#[derive(Debug)]
pub struct PairKeys {
    /// The session j in which the key server gave them. In a later one RSK, and every access key with it, may be another
    /// (A2): a right that was retired would still be one under the old keys.
    pub as_of: Session,
    /// Access keys of a client, one per resource server.
    pub access_keys: Vec<(Address, AccessKey)>,
    /// RSK of a resource server.
    pub server_secret: Option<Secret<32>>,
    /// RSK as it was in an earlier session.
    before: Option<(Session, Secret<32>)>,
}

/// Pair keys shared between whoever asks for them and whoever uses them.
pub type SharedPairKeys = Arc<Mutex<PairKeys>>;

impl PairKeys {
    /// Those in a response that verified.
    pub(super) fn of(response: &JoinResponse<'_>) -> Self {
        let key_map = &response.key_map;
        let access_keys = key_map.access_keys.into_iter().flatten();
        Self {
            as_of: response.session,
            access_keys: access_keys.map(|access| (access.rs, access.key)).collect(),
            server_secret: key_map.server_secret.clone(),
            before: None,
        }
    }

    /// Takes the keys of a later session. What was sealed just before it began can be opened still.
    pub(super) fn succeed(&mut self, later: Self) {
        let now = std::mem::replace(self, later);
        self.before = match now.server_secret {
            Some(secret) if now.as_of < self.as_of => Some((now.as_of, secret)),
            _ => now.before,
        };
    }

    /// RSK for requests of `session`, `None` for one that is later than these keys.
    #[must_use]
    pub fn server_secret_of(&self, session: Session) -> Option<&Secret<32>> {
        match &self.before {
            Some((as_of, secret)) if session <= *as_of => Some(secret),
            _ => self.server_secret.as_ref().filter(|_| self.are_of(session)),
        }
    }

    /// The access key for a resource server.
    #[must_use]
    pub fn access_key(&self, rs: &Address) -> Option<&AccessKey> {
        let mut keys = self.access_keys.iter();
        keys.find(|(known, _)| known == rs).map(|(_, key)| key)
    }

    /// Whether they are those of `session`, or later ones.
    #[must_use]
    pub fn are_of(&self, session: Session) -> bool {
        session <= self.as_of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(as_of: u32) -> PairKeys {
        PairKeys {
            as_of: Session::new(as_of),
            access_keys: Vec::new(),
            server_secret: Some(Secret::new([u8::try_from(as_of).unwrap(); 32])),
            before: None,
        }
    }

    #[test]
    fn each_session_has_its_secret_and_a_later_one_none() {
        let mut held = keys(3);
        let of = |keys: &PairKeys, session| {
            let secret = keys.server_secret_of(Session::new(session));
            secret.map(|secret| secret.expose()[0])
        };
        assert_eq!([2, 3, 4].map(|j| of(&held, j)), [Some(3), Some(3), None]);
        held.succeed(keys(5));
        let expected = [Some(3), Some(5), Some(5), None];
        assert_eq!([3, 4, 5, 6].map(|j| of(&held, j)), expected);
        // asked twice in one session
        held.succeed(keys(5));
        assert_eq!([3, 4, 5, 6].map(|j| of(&held, j)), expected);
        held.succeed(keys(6));
        assert_eq!(
            [3, 5, 6, 7].map(|j| of(&held, j)),
            [Some(5), Some(5), Some(6), None]
        );
    }
}
