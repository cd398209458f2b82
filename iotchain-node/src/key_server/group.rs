//! One group at its key server: the group manager, the members, the secret of the resource server, and what is
//! published.
//!
//! ```text
//! found -> session 1 -> admit* -> judge -> advance -> session 2 -> ...
//!                        S_i      revoke   B_j  |
//!                                               |- near the end of an epoch: prepare the next one, hand out its S_i
//!                                               |- sessions or slots used up, events too long: roll over to it
//!                                               `- sids used up: found the group again, with another gid
//! ```
//! Nothing here is safe to show before it is stored: [`super::office::Office::change`] sees to that.

use std::collections::{HashMap, VecDeque};

use getrandom::SysRng;
use iotchain::selfheal::rsd::{Announcement, EpochManager, GroupManager, Parameters, Plan};
use iotchain::{
    Address, Error, Gid, GroupName, Result, Roles, Secret, Session, Sid, SigningKey, UnixTime,
    Zeroizing,
};

use super::member::{Member, Subject, beyond_get};
use super::roll::Roll;
use super::rows::Rows;

/// Most sessions of an epoch. Each beacon costs one hash per session that is left, so this also bounds that cost.
pub(super) const MAX_SESSIONS: u32 = 1 << 14;
/// Fewest sessions of an epoch: one of them is for handing out the next personal keys.
pub(super) const MIN_SESSIONS: u32 = 4;
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
    /// Sessions of an epoch, 4 to 16384: how long a stolen personal key is good for at most.
    pub epoch: u32,
    /// Depth of the key tree: 2^depth - 1 slots.
    pub depth: u8,
    /// Longest event in bytes that members are asked to take.
    pub max_event: usize,
    /// Slots and sids that one client may take within a day (spec 8, A6).
    pub admissions: usize,
}

impl Terms {
    /// In how many sessions at the end of an epoch the personal keys of the next one are given out (spec 4.7).
    pub(super) const fn pre_issue(&self) -> u32 {
        self.epoch / 4
    }
}

/// One group.
pub(super) struct Group {
    pub(super) name: GroupName,
    /// The resource server whose class this is, in full: the name only abbreviates it (spec 8, A20).
    pub(super) rs: Address,
    pub(super) manager: EpochManager,
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
        let mut parameters =
            Parameters::new(gid, 1, 1, Session::new(1)..=Session::new(terms.epoch));
        parameters.depth = terms.depth;
        parameters.duration = terms.session;
        // Groups of one length change session together, so that one look at the ledger serves all of them.
        parameters.starts = UnixTime::new(now.get() - now.get() % u64::from(terms.session.max(1)));
        let mut group = Self {
            name,
            rs,
            manager: EpochManager::generate(parameters, &mut SysRng)?,
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
        self.manager.current().parameters().gid
    }

    /// j.
    pub(super) fn session(&self) -> Session {
        // A group is founded with its first session begun.
        self.manager.current().session().unwrap_or_default()
    }

    /// Counts the epochs of the gid.
    pub(super) const fn epoch(&self) -> u32 {
        self.manager.current().parameters().epoch
    }

    /// Whether the token of a member is over, as far as was known when it joined last.
    pub(super) fn is_expired(&self, number: u16, now: UnixTime) -> bool {
        let member = self.members.get(number);
        member.is_some_and(|member| {
            matches!(member.subject, Subject::Client { expires_at, .. } if expires_at <= now)
        })
    }

    /// The last moment that the personal keys reach that are given out.
    pub(super) fn ends_at(&self) -> UnixTime {
        let current = self.manager.current();
        let newest = self.manager.next().unwrap_or(current);
        let ahead = newest.parameters().last.get() - self.session().get();
        let sessions = u64::from(ahead) + 1;
        let end = current
            .starts()
            .saturating_add(sessions.saturating_mul(current.duration().into()));
        end.min(UnixTime::MAX)
    }

    /// Whether the next session needs another gid.
    pub(super) const fn is_used_up(&self) -> bool {
        self.next_index >= SIDS
    }

    /// Whether the slots are used up, a good part of them by members that are gone.
    fn is_full(&self) -> bool {
        let current = self.manager.current();
        let slots = (1usize << current.parameters().depth) - 1;
        let free = |manager: &GroupManager| manager.free_slots() > 0;
        let full = !free(current) || !self.manager.next().is_none_or(free);
        full && self.members.live().count() <= slots * 3 / 4
    }

    /// Begins the next session, the first one of the next epoch if this one is at its end. A session that is late begins at
    /// the boundary the plan has for the present, so that the schedule holds and no value of a session to come is
    /// disclosed.
    ///
    /// # Errors
    /// [`Error::Size`] if members would not accept the event: [roll over](Group::roll_over) instead. [`Error::Random`].
    pub(super) fn advance(&mut self, terms: &Terms, key: &SigningKey, now: UnixTime) -> Result<()> {
        if self.is_full() {
            return self.roll_over(terms, key, now);
        }
        if self.manager.current().sessions_left() <= terms.pre_issue() {
            self.prepare(terms)?;
        }
        let plan = self.plan(terms, now);
        self.begin(terms, |manager| manager.advance(plan, &mut SysRng, key))
    }

    /// Begins the next session in the next epoch, in which nobody was revoked yet.
    ///
    /// # Errors
    /// [`Error::Size`] if members would not accept even that event: found the group again. [`Error::Random`].
    pub(super) fn roll_over(
        &mut self,
        terms: &Terms,
        key: &SigningKey,
        now: UnixTime,
    ) -> Result<()> {
        self.prepare(terms)?;
        let plan = self.plan(terms, now);
        self.begin(terms, |manager| manager.roll_over(plan, &mut SysRng, key))
    }

    /// Makes the personal keys of the next epoch, unless they are there.
    fn prepare(&mut self, terms: &Terms) -> Result<()> {
        if self.manager.next().is_some() {
            return Ok(());
        }
        let current = self.manager.current();
        let end = current.parameters().last.get();
        // An epoch that is needed early is not longer for it: its length bounds what a stolen personal key is good for.
        let begins = if current.sessions_left() <= terms.pre_issue() {
            end
        } else {
            self.session().get()
        };
        let last = begins
            .checked_add(terms.epoch)
            .ok_or(Error::SessionRange)?
            .max(end.saturating_add(1));
        // 2^depth - 1 slots, and no fewer than there are members.
        let fits = usize::BITS - self.members.live().count().leading_zeros();
        let depth = terms.depth.max(u8::try_from(fits).unwrap_or(u8::MAX));
        self.manager.prepare(depth, Session::new(last), &mut SysRng)
    }

    /// When the next session begins, and for how long.
    fn plan(&self, terms: &Terms, now: UnixTime) -> Plan {
        let current = self.manager.current();
        let (planned, duration) = (current.next_starts(), current.duration());
        let late = now.since(planned) / u64::from(duration.max(1)) * u64::from(duration);
        Plan {
            refresh: false,
            starts: (late > 0).then(|| planned.saturating_add(late)),
            duration: (duration != terms.session).then_some(terms.session),
        }
    }

    fn begin(
        &mut self,
        terms: &Terms,
        begin: impl FnOnce(&mut EpochManager) -> Result<Announcement>,
    ) -> Result<()> {
        if self.rotate {
            self.server_secret = fresh_secret()?;
            self.rotate = false;
        }
        let announcement = begin(&mut self.manager)?;
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
        self.manager.current().event()
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
        self.manager.revoke(member.seat)?;
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
