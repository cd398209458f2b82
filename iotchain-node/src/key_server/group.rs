//! One group at its key server: the group manager, the members, the secret of the resource server, and what is
//! published.
//!
//! ```text
//! found -> session 1 -> admit* -> judge -> advance -> session 2 -> ...           -> found again, with another gid
//!                        S_i      revoke   B_j                          (sessions, slots or sids used up)
//! ```
//! Nothing here is safe to show before it is stored: [`super::office::Office::change`] sees to that.

use std::collections::{HashMap, VecDeque};

use getrandom::SysRng;
use iotchain::selfheal::rsd::{GroupManager, Parameters, Plan};
use iotchain::{
    Address, Error, Gid, GroupName, Result, Roles, Secret, Session, Sid, SigningKey, UnixTime,
    Zeroizing,
};

use super::member::{Member, beyond_get};
use super::roll::Roll;
use super::rows::Rows;

/// Sessions of a gid. Each beacon costs one hash per session that is left, so this also bounds that cost.
const SESSIONS: u32 = 1 << 14;
/// Events that are kept for those who missed them; a member's history names no more.
const RETAINED: usize = 64;
/// Sids of a gid: their index has two bytes.
const SIDS: u32 = 1 << 16;

/// What the operator chose for all groups.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Length of a session in seconds.
    pub session: u32,
    /// How long a key outlives its session, in seconds.
    pub grace: u32,
    /// Depth of the key tree: 2^depth - 1 slots.
    pub depth: u8,
    /// Longest event in bytes that members are asked to take.
    pub max_event: usize,
    /// Slots and sids that one client may take within a day (spec 8, A6).
    pub admissions: usize,
}

/// One group.
pub(super) struct Group {
    pub(super) name: GroupName,
    /// The resource server whose class this is, in full: the name only abbreviates it (spec 8, A20).
    pub(super) rs: Address,
    pub(super) manager: GroupManager,
    /// RSK, from which access keys derive.
    pub(super) server_secret: Secret<32>,
    /// Whether RSK has to be replaced before the next session (spec 8, A2).
    pub(super) rotate: bool,
    /// Sessions begun since the ledger last answered (spec 8, A8).
    pub(super) silent: u32,
    /// Index of the next sid.
    pub(super) next_index: u32,
    pub(super) members: Roll,
    /// The newest events, oldest first.
    pub(super) events: VecDeque<Event>,
    /// The beacon of the current session: cheaper to keep than to compute.
    pub(super) beacon: Vec<u8>,
    /// Its rows as they were stored last: what a change that fails goes back to.
    pub(super) stored: Rows,
    /// Whether the store is to forget what it has under this name: the group is new, or it is not known what was stored.
    pub(super) afresh: bool,
    /// Which association proved to be which member (spec 8, A9). Not stored: associations end with the process.
    pub(super) bound: HashMap<u64, Bound>,
}

/// An event as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) session: Session,
    pub(super) message: Vec<u8>,
}

/// What an association proved.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) number: u16,
    /// N_C of the proof; the key server's own proof covers it whenever the material is asked for again.
    pub(super) cnonce: Vec<u8>,
}

impl Group {
    /// Opens a group with a fresh gid; its first session is the one that the clock is in.
    ///
    /// # Errors
    /// [`Error::Type`] for terms out of range, [`Error::Random`].
    pub(super) fn found(
        (name, rs): (GroupName, Address),
        gid: Gid,
        terms: &Terms,
        key: &SigningKey,
        now: UnixTime,
    ) -> Result<Self> {
        let mut parameters = Parameters::new(gid, 1, 1, Session::new(1)..=Session::new(SESSIONS));
        parameters.depth = terms.depth;
        parameters.duration = terms.session;
        // Groups of one length change session together, so that one look at the ledger serves all of them.
        parameters.starts = UnixTime::new(now.get() - now.get() % u64::from(terms.session.max(1)));
        let mut group = Self {
            name,
            rs,
            manager: GroupManager::generate(parameters, &mut SysRng)?,
            server_secret: fresh_secret()?,
            rotate: false,
            silent: 0,
            next_index: 0,
            members: Roll::default(),
            events: VecDeque::new(),
            beacon: Vec::new(),
            stored: Rows::default(),
            afresh: true,
            bound: HashMap::new(),
        };
        group.advance(terms, key, now)?;
        Ok(group)
    }

    /// The group instance.
    pub(super) const fn gid(&self) -> Gid {
        self.manager.parameters().gid
    }

    /// j.
    pub(super) fn session(&self) -> Session {
        // A group is founded with its first session begun.
        self.manager.session().unwrap_or_default()
    }

    /// The last moment that a personal key reaches.
    pub(super) fn ends_at(&self) -> UnixTime {
        let sessions = u64::from(self.manager.sessions_left()) + 1;
        let end = self
            .manager
            .starts()
            .saturating_add(sessions.saturating_mul(self.manager.duration().into()));
        end.min(UnixTime::MAX)
    }

    /// Whether the next session needs another gid: sessions or sids are used up, or slots are, most of them by members
    /// that are gone.
    pub(super) fn is_used_up(&self) -> bool {
        let slots = (1usize << self.manager.parameters().depth) - 1;
        let live = self.members.live().count();
        self.manager.sessions_left() == 0
            || self.next_index >= SIDS
            || (self.manager.free_slots() == 0 && live <= slots / 2)
    }

    /// Begins the next session. One that is late begins at the boundary the plan has for the present, so that the
    /// schedule holds and no value of a session to come is disclosed.
    ///
    /// # Errors
    /// [`Error::Size`] if members would not accept the event any more and [`Error::SessionRange`] at the end: found the
    /// group again. [`Error::Random`].
    pub(super) fn advance(&mut self, terms: &Terms, key: &SigningKey, now: UnixTime) -> Result<()> {
        if self.rotate {
            self.server_secret = fresh_secret()?;
            self.rotate = false;
        }
        let (planned, duration) = (self.manager.next_starts(), self.manager.duration());
        let late = now.since(planned) / u64::from(duration.max(1)) * u64::from(duration);
        let plan = Plan {
            refresh: false,
            starts: (late > 0).then(|| planned.saturating_add(late)),
            duration: (duration != terms.session).then_some(terms.session),
        };
        let announcement = self.manager.advance(plan, &mut SysRng, key)?;
        self.beacon = announcement.beacon;
        if let Some(message) = announcement.event {
            if message.len() > terms.max_event {
                return Err(Error::Size);
            }
            self.events.push_back(Event {
                session: announcement.session,
                message,
            });
            let excess = self.events.len().saturating_sub(RETAINED);
            self.events.drain(..excess);
        }
        Ok(())
    }

    /// The events from the one in force in `session` on, oldest first; none outside what is retained.
    pub(super) fn events_from(&self, session: Session) -> impl Iterator<Item = &[u8]> {
        let governing = self
            .events
            .partition_point(|event| event.session <= session)
            .checked_sub(1);
        let known = governing.filter(|_| session <= self.session());
        let skip = known.unwrap_or(self.events.len());
        self.events
            .iter()
            .skip(skip)
            .map(|event| event.message.as_slice())
    }

    /// The newest event.
    pub(super) fn newest_event(&self) -> &[u8] {
        self.manager.event()
    }

    /// The member an association proved to be, retired or not.
    pub(super) fn bound_member(&self, association: u64) -> Option<(&Member, &Bound)> {
        let bound = self.bound.get(&association)?;
        Some((self.members.get(bound.number)?, bound))
    }

    /// Lets an association act as a member. An earlier one no longer may.
    pub(super) fn bind(&mut self, association: u64, bound: Bound) {
        self.bound.retain(|_, other| other.number != bound.number);
        self.bound.insert(association, bound);
    }

    /// The live member with an address.
    pub(super) fn live_member(&self, address: &Address) -> Option<u16> {
        let mut own = self.members.of(address);
        own.find(|member| member.live).map(|member| member.number)
    }

    /// Sids given to an address within a day, over all its slots.
    pub(super) fn recent_issues(&self, address: &Address, now: UnixTime) -> usize {
        let own = self.members.of(address);
        own.map(|member| member.recent_issues(now)).sum()
    }

    /// Whether there is a sid left.
    ///
    /// # Errors
    /// [`Error::GroupFull`] if not.
    pub(super) fn check_sids(&self) -> Result<()> {
        if self.next_index < SIDS {
            Ok(())
        } else {
            Err(Error::GroupFull)
        }
    }

    /// A sid that was never given before.
    ///
    /// # Errors
    /// [`Error::GroupFull`] when there is none left.
    pub(super) fn fresh_sid(&mut self, roles: Roles) -> Result<(u16, Sid)> {
        let index = u16::try_from(self.next_index).map_err(|_| Error::GroupFull)?;
        let [high, low] = index.to_be_bytes();
        let sid = Sid::from_slice(&[roles.bits(), high, low])?;
        self.next_index += 1;
        Ok((index, sid))
    }

    /// Gives a member other rights: another sid, the same slot. The old sid is retired.
    ///
    /// # Errors
    /// [`Error::GroupFull`] when there is no sid left, [`Error::NotMember`].
    pub(super) fn change_roles(&mut self, number: u16, roles: Roles, now: UnixTime) -> Result<()> {
        let (_, sid) = self.fresh_sid(roles)?;
        let member = self.members.get_mut(number).ok_or(Error::NotMember)?;
        self.rotate |= beyond_get(member.sid.roles());
        member.sid = sid;
        member.note_issue(now);
        Ok(())
    }

    /// Ends a membership: the next session is without it.
    ///
    /// # Errors
    /// [`Error::NotMember`] for an unknown number.
    pub(super) fn retire(&mut self, number: u16) -> Result<()> {
        let member = self.members.get_mut(number).ok_or(Error::NotMember)?;
        self.manager.revoke(member.slot)?;
        // The access key of a resource server is RSK itself.
        self.rotate |= beyond_get(member.sid.roles());
        member.live = false;
        Ok(())
    }
}

/// 32 bytes of the system's generator.
fn fresh_secret() -> Result<Secret<32>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| Error::Random)?;
    Ok(Secret::new(*bytes))
}
