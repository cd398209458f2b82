//! A group to measure: the manager on the eve of an event, one member that stays in, and what is published next.

use crate::Outcome;
use crate::draw::Draw;
use iotchain_core::{Gid, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::Authority;
use iotchain_selfheal::Journaled as _;
use iotchain_selfheal::broadcast::LARGEST_MAX_LEN;
use iotchain_selfheal::rsd::{self, GroupManager, Parameters, PersonalKey, Plan};
use std::rc::Rc;

/// A member as a device holds it, with room for the default window.
pub(crate) type Member = rsd::Member<Vec<u8>, 16>;

/// A day of quarter hours.
pub(crate) const SESSIONS: u32 = 96;

pub(crate) struct Group {
    pub(crate) signer: Rc<SigningKey>,
    /// The manager's state, revocations pending, just before the event.
    pub(crate) eve: Vec<u8>,
    /// The manager after the event.
    pub(crate) manager: GroupManager,
    /// A member that has not heard the event yet.
    pub(crate) member: Member,
    pub(crate) event: Vec<u8>,
    /// Session that the event begins.
    pub(crate) session: Session,
    pub(crate) starts: UnixTime,
}

impl Group {
    /// `n` members with personal keys from before the epoch, `r` of them revoked by the time of an event that heals
    /// `w` events. Two is the first revocation of an epoch in which nobody joined yet; in a longer window a member
    /// joins between any two events, so that no class of members is empty.
    pub(crate) fn new(n: u32, r: u32, w: u32, seed: u64) -> Outcome<Self> {
        let mut draw = Draw(seed);
        let gid = Gid::new(*b"gid0");
        let signer = SigningKey::generate(SignAlg::Es256k, &mut draw)?;
        let sessions = Session::new(1)..=Session::new(SESSIONS);
        let mut parameters = Parameters::new(gid, 1, n, sessions);
        parameters.starts = UnixTime::new(1_767_225_600);
        let mut manager = GroupManager::generate(parameters, &mut draw)?;
        for _ in 0..n {
            manager.join()?;
        }
        // the last slot is the watched member; it stays in
        let mut out = draw.distinct(r, n - 1).into_iter();
        let authority = Authority::new(gid, signer.public()).with_max_len(LARGEST_MAX_LEN);
        let key = PersonalKey::parse(manager.personal_key(n - 1)?.to_vec())?;
        let mut member = Member::new(key, authority)?;

        for earlier in 1..w {
            let announced = manager.advance(Plan::REFRESH, &mut draw, &signer)?;
            member.event(manager.event(), Some(announced.starts))?;
            if w > 2 {
                manager.join()?;
            }
            // what is left is split evenly over the events to come
            let share = out.len() as u32 / (w - earlier);
            out.by_ref()
                .take(share as usize)
                .try_for_each(|slot| manager.revoke(slot))?;
        }
        out.try_for_each(|slot| manager.revoke(slot))?;
        let eve = manager.export()?.to_vec();
        let announced = manager.advance(Plan::REFRESH, &mut draw, &signer)?;
        let mut group = Self {
            signer: Rc::new(signer),
            eve,
            event: manager.event().to_vec(),
            manager,
            member,
            session: announced.session,
            starts: announced.starts,
        };
        group.check()?;
        Ok(group)
    }

    /// What is measured works: the member gets the key of the manager.
    fn check(&mut self) -> Outcome {
        let mut member = self.member.clone();
        member.event(&self.event, Some(self.starts))?;
        let key = self.manager.group_key(self.session)?;
        if member.key(self.session)?.ct_eq(&key) {
            Ok(())
        } else {
            Err("the member has another key than the manager".into())
        }
    }

    /// A member `sessions` sessions after the event, with the beacon of the session after that.
    pub(crate) fn after(&self, sessions: u32) -> Outcome<(Member, Session, UnixTime, Vec<u8>)> {
        let mut manager = GroupManager::import(&self.manager.export()?)?;
        let mut member = self.member.clone();
        member.event(&self.event, Some(self.starts))?;
        let mut draw = Draw(0);
        for _ in 0..sessions {
            let next = manager.advance(Plan::KEEP, &mut draw, &*self.signer)?;
            member.beacon(&next.beacon, Some(next.starts))?;
        }
        let next = manager.advance(Plan::KEEP, &mut draw, &*self.signer)?;
        Ok((member, next.session, next.starts, next.beacon))
    }
}
