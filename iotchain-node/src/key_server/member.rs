//! Who is in a group, and by what right.

use iotchain::token::TokenRef;
use iotchain::{Address, PublicKey, Roles, Sid, UnixTime};

/// Seconds over which the admissions of one client are counted.
const DAY: u64 = 24 * 60 * 60;

/// One seat of a group and whoever holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Names it at the key server: `nodes/NAME` is this number in four hex digits. Never reused within a gid.
    pub(super) number: u16,
    /// Its seat at the group manager, whatever slot it has in an epoch.
    pub(super) seat: u32,
    /// Its present sender id.
    pub(super) sid: Sid,
    /// Who it is.
    pub(super) subject: Subject,
    /// When it was given its sids, for those of the last day.
    pub(super) issued: Vec<UnixTime>,
    /// Whether it takes part in the sessions to come.
    pub(super) live: bool,
}

/// By what right somebody is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A client with a token.
    Client {
        /// Where its token lives.
        token: TokenRef,
        /// When the token ends.
        expires_at: UnixTime,
    },
    /// The resource server of the group.
    Server {
        /// Its address.
        rs: Address,
        /// The key it signs with.
        key: PublicKey,
    },
}

impl Member {
    /// `NAME` of `nodes/NAME`.
    pub(super) fn name(&self) -> String {
        format!("{:04x}", self.number)
    }

    /// Notes that a sid was given at `now` and forgets what is older than a day.
    pub(super) fn note_issue(&mut self, now: UnixTime) {
        self.issued.retain(|issued| is_recent(*issued, now));
        self.issued.push(now);
    }

    /// How many sids it was given within a day.
    pub(super) fn recent_issues(&self, now: UnixTime) -> usize {
        self.issued
            .iter()
            .filter(|issued| is_recent(**issued, now))
            .count()
    }
}

impl Subject {
    /// The address it proved.
    pub(super) const fn address(&self) -> &Address {
        match self {
            Self::Client { token, .. } => &token.client,
            Self::Server { rs, .. } => rs,
        }
    }

    /// Whether this is a resource server that signs with `key`.
    pub(super) fn has_key(&self, key: &PublicKey) -> bool {
        matches!(self, Self::Server { key: own, .. } if own == key)
    }

    /// Whether this is the resource server.
    pub(super) const fn is_server(&self) -> bool {
        matches!(self, Self::Server { .. })
    }
}

/// Whether these rights are more than reading: then the access key must not survive them (spec 8, A2).
pub(super) const fn beyond_get(roles: Roles) -> bool {
    roles.bits() & !Roles::GET.bits() != 0
}

fn is_recent(issued: UnixTime, now: UnixTime) -> bool {
    issued.saturating_add(DAY) > now
}
