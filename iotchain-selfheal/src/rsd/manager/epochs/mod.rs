//! One epoch after the other inside one gid: the next one is prepared while the current one runs (spec 3.4.5, A6, A16).
//!
//! ```text
//! epoch 1   |--- 1 --- 2 --- 3 --- 4 --- 5 --- 6 ---|               prepare at 4: fresh mk, S_i of epoch 2 for all who
//! epoch 2                          '- - S_i - - - ->|--- 7 --- 8    are live, handed out whenever they ask
//!                                                   roll over: the event of 7 is the certified end of epoch 1
//! ```

mod seats;
mod state;
mod turn;

use super::change::Change;
use super::issue::Fresh;
use super::{Announcement, GroupManager, Parameters, Plan};
use crate::manager::{Journal, draw};
use alloc::vec::Vec;
use core::fmt;
use iotchain_core::{Error, Result, Secret, Session, Signer, TryCryptoRng};
use seats::Seats;
use turn::Turn;
use zeroize::Zeroizing;

/// The group manager of one gid: the current epoch and, once it is [prepared](EpochManager::prepare), the next one.
///
/// A member has a *seat*, a number that stays the same while epochs come and go; what the current epoch calls it is its
/// [slot](EpochManager::slot). In the first epoch the two are equal. Joins, revocations and scheduled revocations apply
/// to both epochs, so a seat is live in both or in none (spec A6). [`EpochManager::current`] shows the rest: session,
/// beacon, event, keys.
///
/// Every change of either epoch is one record of one [journal](crate::Journaled): persist it **before** anything of it
/// leaves the key server.
///
/// ```
/// # use iotchain_core::{Gid, Session, SignAlg, SigningKey};
/// # use iotchain_selfheal::rsd::{EpochManager, Parameters, Plan};
/// # struct Rng(u8);
/// # impl rand_core::TryRng for Rng {
/// #     type Error = core::convert::Infallible;
/// #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { unreachable!() }
/// #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { unreachable!() }
/// #     fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
/// #         out.iter_mut().for_each(|byte| { self.0 = self.0.wrapping_mul(77).wrapping_add(1); *byte = self.0 });
/// #         Ok(())
/// #     }
/// # }
/// # impl rand_core::TryCryptoRng for Rng {}
/// # let mut rng = Rng(1); // a CSPRNG, please
/// # let signer = SigningKey::generate(SignAlg::Es256k, &mut rng)?;
/// let parameters = Parameters::new(Gid::new(*b"gid0"), 1, 50, Session::new(1)..=Session::new(96));
/// let mut manager = EpochManager::generate(parameters, &mut rng)?;
/// let lamp = manager.join()?;
/// manager.advance(Plan::KEEP, &mut rng, &signer)?;
///
/// manager.prepare(7, Session::new(192), &mut rng)?;
/// let ahead = manager.next_personal_key(lamp)?; // the lamp may ask for it at any time from here on
/// manager.roll_over(Plan::KEEP, &mut rng, &signer)?; // or at session 97, by itself
/// assert_eq!(manager.current().parameters().epoch, 2);
/// assert_eq!(manager.personal_key(lamp)?, ahead);
/// # Ok::<(), iotchain_core::Error>(())
/// ```
pub struct EpochManager {
    journal: Journal,
    current: Term,
    next: Option<Term>,
    former: Option<Former>,
}

/// An epoch and which slot of it belongs to which seat.
struct Term {
    manager: GroupManager,
    seats: Seats,
}

impl Term {
    /// The slot of a seat.
    fn slot(&self, seat: u32) -> Result<u32> {
        self.seats.slot(seat).ok_or(Error::NotMember)
    }
}

/// What is left of the epoch before the current one, for members that slept through its end. Its keys are erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// Its number.
    pub epoch: u32,
    /// The first session of the current epoch: its certified end. No v_j at or after it was or will be disclosed (spec
    /// A16).
    pub end: Session,
    /// Its last event.
    pub event: Vec<u8>,
    /// The beacon of its last session.
    pub beacon: Vec<u8>,
}

/// Why an epoch should end: prepare the next one, hand out its personal keys and roll over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// No session is left; the next one rolls over.
    Sessions,
    /// No slot is left for those who want to join.
    Slots,
    /// What the revoked slots add to every event costs a member more than a personal key of another epoch.
    Cover,
}

impl EpochManager {
    /// Opens the first epoch of a gid. `master` is mk: 16 bytes from a CSPRNG.
    ///
    /// # Errors
    /// [`Error::Type`] for parameters outside their ranges.
    pub fn new(parameters: Parameters, master: Secret<16>) -> Result<Self> {
        Ok(Self {
            journal: Journal::new(parameters.gid, parameters.epoch),
            current: Term {
                manager: GroupManager::new(parameters, master)?,
                seats: Seats::default(),
            },
            next: None,
            former: None,
        })
    }

    /// Opens the first epoch of a gid with a fresh master key.
    ///
    /// # Errors
    /// As [`EpochManager::new`], and [`Error::Random`].
    pub fn generate(parameters: Parameters, rng: &mut impl TryCryptoRng) -> Result<Self> {
        Self::new(parameters, draw(rng)?)
    }

    /// The current epoch. Its number of changes and its journal are not used.
    #[must_use]
    pub const fn current(&self) -> &GroupManager {
        &self.current.manager
    }

    /// The next epoch, if it is prepared. It has not opened: its first session is the one that rolls over, at
    /// `parameters().first` or later.
    #[must_use]
    pub fn next(&self) -> Option<&GroupManager> {
        self.next.as_ref().map(|next| &next.manager)
    }

    /// The epoch before the current one. Serve its event until nobody needs its keys any more.
    #[must_use]
    pub const fn former(&self) -> Option<&Former> {
        self.former.as_ref()
    }

    /// The slot of a seat in the current epoch, `None` if it has none.
    #[must_use]
    pub fn slot(&self, seat: u32) -> Option<u32> {
        let slot = self.current.seats.slot(seat)?;
        (slot < self.current.manager.next_slot).then_some(slot)
    }

    /// Prepares the next epoch, with 2^`depth` - 1 slots and until `last`: every live seat gets a slot and can be told
    /// its [personal key](EpochManager::next_personal_key). It may open at any session from the next one on.
    ///
    /// # Errors
    /// [`Error::Epoch`] if one is prepared already, [`Error::SessionRange`] before the first session or for a `last` in
    /// the current epoch, [`Error::GroupFull`] if the live seats do not fit, [`Error::Type`] for a depth outside 1..=22,
    /// [`Error::Random`].
    pub fn prepare(&mut self, depth: u8, last: Session, rng: &mut impl TryCryptoRng) -> Result<()> {
        let master = draw(rng)?;
        self.make(Turn::Prepare {
            depth,
            last,
            master,
        })
    }

    /// As [`GroupManager::join`], in both epochs; the seat.
    ///
    /// # Errors
    /// [`Error::GroupFull`] when the slots of either epoch are used up.
    pub fn join(&mut self) -> Result<u32> {
        self.join_from(0)
    }

    /// As [`GroupManager::join_with_history`], in both epochs; the history reaches back to the start of the current one.
    ///
    /// # Errors
    /// As [`EpochManager::join`].
    pub fn join_with_history(&mut self, from: Session) -> Result<u32> {
        self.join_from(self.current.manager.grant(from))
    }

    fn join_from(&mut self, from: u32) -> Result<u32> {
        let seat = self.next_seat();
        self.make(Turn::Group(Change::Join { from }))?;
        Ok(seat)
    }

    /// The seat of whoever joins next.
    fn next_seat(&self) -> u32 {
        self.current.seats.seat(self.current.manager.next_slot)
    }

    /// As [`GroupManager::revoke`], in both epochs.
    ///
    /// # Errors
    /// [`Error::NotMember`] for a seat without a slot.
    pub fn revoke(&mut self, seat: u32) -> Result<()> {
        let slot = self.current.slot(seat)?;
        if self.current.manager.may_revoke(slot)? {
            self.make(Turn::Group(Change::Revoke { slot: seat }))
        } else {
            Ok(())
        }
    }

    /// As [`GroupManager::revoke_at`], in both epochs.
    ///
    /// # Errors
    /// [`Error::NotMember`] for a seat without a slot.
    pub fn revoke_at(&mut self, seat: u32, session: Session) -> Result<()> {
        let slot = self.current.slot(seat)?;
        self.schedule(seat, self.current.manager.scheduling(slot, session)?)
    }

    /// As [`GroupManager::postpone`], in both epochs.
    ///
    /// # Errors
    /// [`Error::NotMember`] unless the seat is live.
    pub fn postpone(&mut self, seat: u32, session: Session) -> Result<()> {
        let slot = self.current.slot(seat)?;
        self.schedule(seat, self.current.manager.postponement(slot, session)?)
    }

    fn schedule(&mut self, seat: u32, session: Option<u32>) -> Result<()> {
        match session {
            Some(session) => self.make(Turn::Group(Change::Schedule {
                slot: seat,
                session,
            })),
            None => Ok(()),
        }
    }

    /// As [`GroupManager::is_live`].
    #[must_use]
    pub fn is_live(&self, seat: u32) -> bool {
        let slot = self.current.seats.slot(seat);
        slot.is_some_and(|slot| self.current.manager.is_live(slot))
    }

    /// As [`GroupManager::is_member`], for the sessions of the current epoch.
    #[must_use]
    pub fn is_member(&self, seat: u32, session: Session) -> bool {
        let slot = self.current.seats.slot(seat);
        slot.is_some_and(|slot| self.current.manager.is_member(slot, session))
    }

    /// S_i of a seat in the current epoch; the same bytes every time. Secret: hand it out over DTLS only.
    ///
    /// # Errors
    /// [`Error::NotMember`] unless the seat is live.
    pub fn personal_key(&self, seat: u32) -> Result<Zeroizing<Vec<u8>>> {
        self.current.manager.personal_key(self.current.slot(seat)?)
    }

    /// S_i of a seat in the next epoch, pre-issued; the same bytes every time, after the roll-over too. Secret: hand it
    /// out over DTLS only.
    ///
    /// # Errors
    /// [`Error::Epoch`] unless the next epoch is prepared, [`Error::NotMember`] unless the seat is live.
    pub fn next_personal_key(&self, seat: u32) -> Result<Zeroizing<Vec<u8>>> {
        let next = self.next.as_ref().ok_or(Error::Epoch)?;
        if self.is_live(seat) {
            next.manager.personal_key(next.slot(seat)?)
        } else {
            Err(Error::NotMember)
        }
    }

    /// As [`GroupManager::advance`]. At the end of the epoch the next one opens, if it is prepared.
    ///
    /// # Errors
    /// As [`GroupManager::advance`].
    pub fn advance(
        &mut self,
        plan: Plan,
        rng: &mut impl TryCryptoRng,
        signer: &impl Signer,
    ) -> Result<Announcement> {
        if self.next.is_some() && self.current.manager.sessions_left() == 0 {
            return self.roll_over(plan, rng, signer);
        }
        let change = self.current.manager.step(plan, rng, signer)?;
        self.turn(Turn::Group(change))
    }

    /// Begins the next session with the first event of the next epoch and erases the keys of the current one. On failure
    /// nothing has changed.
    ///
    /// # Errors
    /// [`Error::Epoch`] unless the next epoch is prepared, else as [`GroupManager::advance`].
    pub fn roll_over(
        &mut self,
        plan: Plan,
        rng: &mut impl TryCryptoRng,
        signer: &impl Signer,
    ) -> Result<Announcement> {
        let next = self.next.as_ref().ok_or(Error::Epoch)?;
        let course = &self.current.manager.course;
        let (session, timing) = course.successor(plan.starts, plan.duration)?;
        let began = next
            .manager
            .issue(session, timing, &Fresh::draw(rng)?, signer)?;
        self.turn(Turn::RollOver(began))
    }

    fn turn(&mut self, turn: Turn) -> Result<Announcement> {
        let event = !matches!(turn, Turn::Group(Change::Keep));
        self.make(turn)?;
        self.current.manager.announcement(event)
    }

    /// Whether the current epoch should end, and why.
    ///
    /// # Errors
    /// None that can happen: the cover of a state that is consistent exists.
    pub fn due(&self) -> Result<Option<Due>> {
        let manager = &self.current.manager;
        Ok(if manager.sessions_left() == 0 {
            Some(Due::Sessions)
        } else if manager.free_slots() == 0 {
            Some(Due::Slots)
        } else if manager.revocation_cost()? > manager.personal_key_len() {
            Some(Due::Cover)
        } else {
            None
        })
    }
}

impl fmt::Debug for EpochManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochManager")
            .field("current", &self.current.manager)
            .field("next", &self.next())
            .finish_non_exhaustive()
    }
}
