//! Live groups of both schemes, as the fuzz targets drive them: a real manager, real members, everything by the same calls.

use crate::Counter;
use iotchain_core::{Gid, GroupKey, Result, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::{Authority, Journaled as _, polynomial, rsd};

pub type Bytes = Vec<u8>;

/// The group instance of every story.
pub const GID: Gid = Gid::new([0xa1; 4]);

/// The key server. Ed25519, because its signatures are the fastest to check.
pub fn signer() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Ed25519, &[7; 32]).expect("32 bytes are a seed")
}

/// What the members believe.
pub fn authority() -> Authority {
    Authority::new(GID, signer().public())
}

/// A member of either scheme.
pub trait Live: Clone {
    fn new(personal_key: &[u8]) -> Result<Self>;
    fn receive(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<()>;
    fn key(&self, session: Session) -> Result<GroupKey>;
    fn newest(&self) -> Option<Session>;
    fn may_seal(&self, now: UnixTime) -> Option<Session>;
    /// A fresh member that remembers only the high-water mark of this one.
    fn reboot(&self, personal_key: &[u8]) -> Result<Self>;
}

macro_rules! live {
    ($scheme:ident, $window:literal) => {
        impl Live for $scheme::Member<Bytes, $window> {
            fn new(personal_key: &[u8]) -> Result<Self> {
                let personal_key = $scheme::PersonalKey::parse(personal_key.to_vec())?;
                Self::new(personal_key, authority())
            }

            fn receive(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<()> {
                self.receive(message, now).map(drop)
            }

            fn key(&self, session: Session) -> Result<GroupKey> {
                self.key(session)
            }

            fn newest(&self) -> Option<Session> {
                self.newest()
            }

            fn may_seal(&self, now: UnixTime) -> Option<Session> {
                self.may_seal(now)
            }

            fn reboot(&self, personal_key: &[u8]) -> Result<Self> {
                let mut member = <Self as Live>::new(personal_key)?;
                member.announce(self.high_water())?;
                Ok(member)
            }
        }
    };
}

live!(rsd, 8);
live!(polynomial, 8);

/// A group manager of either scheme. A user is the number in which it joined.
pub trait Group: Sized {
    type Member: Live;
    /// Opens a group whose messages heal `window` earlier events or sessions.
    fn open(window: u8) -> Result<Self>;
    /// Whether a join can grant earlier sessions, and a revocation wait for a later one. If not, both are about the next
    /// moment, whatever session they name.
    const PLANS: bool;
    /// Admits `user` to the sessions from `from` on.
    fn join(&mut self, user: u32, from: Session) -> Result<()>;
    fn personal_key(&self, user: u32) -> Result<Bytes>;
    /// Leaves `user` out from `from` on.
    fn revoke(&mut self, user: u32, from: Session) -> Result<()>;
    /// Begins a session: what is broadcast for it, the message that carries keys first.
    fn advance(&mut self, refresh: bool) -> Result<(UnixTime, Vec<Bytes>)>;
    /// What a late member fetches: all that the newest session needs, whether or not it was broadcast in it.
    fn newest(&self) -> Result<Vec<Bytes>>;
    fn key(&self, session: Session) -> Result<GroupKey>;
    /// The same manager after a restart.
    fn restart(self) -> Result<Self>;
}

/// Users a group has room for.
pub const USERS: u32 = 7;
/// Last session of every group.
pub const LAST: Session = Session::new(40);
const FIRST: Session = Session::new(1);

pub struct Rsd {
    manager: rsd::GroupManager,
    rng: Counter,
    /// Snapshot of the opening, and the records since.
    stored: (Bytes, Bytes),
}

impl Group for Rsd {
    type Member = rsd::Member<Bytes, 8>;
    const PLANS: bool = true;

    fn open(window: u8) -> Result<Self> {
        let parameters = rsd::Parameters {
            depth: 3,
            window: window + 1,
            ..rsd::Parameters::new(GID, 1, USERS, FIRST..=LAST)
        };
        let mut rng = Counter::default();
        let manager = rsd::GroupManager::generate(parameters, &mut rng)?;
        Ok(Self {
            stored: (manager.export()?.to_vec(), Bytes::new()),
            manager,
            rng,
        })
    }

    fn join(&mut self, user: u32, from: Session) -> Result<()> {
        let slot = self.manager.join_with_history(from)?;
        assert_eq!(slot, user, "slots are handed out in join order");
        Ok(())
    }

    fn personal_key(&self, user: u32) -> Result<Bytes> {
        Ok(self.manager.personal_key(user)?.to_vec())
    }

    fn revoke(&mut self, user: u32, from: Session) -> Result<()> {
        self.manager.revoke_at(user, from)
    }

    fn advance(&mut self, refresh: bool) -> Result<(UnixTime, Vec<Bytes>)> {
        let plan = if refresh {
            rsd::Plan::REFRESH
        } else {
            rsd::Plan::KEEP
        };
        let announced = self.manager.advance(plan, &mut self.rng, &signer())?;
        let messages = announced.event.into_iter().chain([announced.beacon]);
        Ok((announced.starts, messages.collect()))
    }

    fn newest(&self) -> Result<Vec<Bytes>> {
        Ok(vec![self.manager.event().to_vec(), self.manager.beacon()?])
    }

    fn key(&self, session: Session) -> Result<GroupKey> {
        self.manager.group_key(session)
    }

    fn restart(mut self) -> Result<Self> {
        let (opening, records) = &mut self.stored;
        records.extend_from_slice(self.manager.unsaved());
        let before = self.manager.export()?;
        self.manager = rsd::GroupManager::import(opening)?;
        self.manager.replay(records)?;
        assert!(self.manager.export()? == before, "another state");
        Ok(self)
    }
}

pub struct Polynomial(polynomial::GroupManager);

impl Group for Polynomial {
    type Member = polynomial::Member<Bytes, 8>;
    const PLANS: bool = false;

    fn open(window: u8) -> Result<Self> {
        let parameters = polynomial::Parameters {
            degree: 3,
            window,
            ..polynomial::Parameters::new(GID, 1, FIRST)
        };
        polynomial::GroupManager::generate(parameters, &mut Counter::default()).map(Self)
    }

    fn join(&mut self, user: u32, _: Session) -> Result<()> {
        // 0 is nobody's id
        let current = self.0.session().unwrap_or(FIRST);
        self.0.join(user + 1, current..=LAST)
    }

    fn personal_key(&self, user: u32) -> Result<Bytes> {
        Ok(self.0.personal_key(user + 1)?.to_vec())
    }

    fn revoke(&mut self, user: u32, _: Session) -> Result<()> {
        self.0.revoke(user + 1)
    }

    fn advance(&mut self, _: bool) -> Result<(UnixTime, Vec<Bytes>)> {
        let announced = self.0.advance(polynomial::Plan::KEEP, &signer())?;
        Ok((announced.starts, vec![announced.message]))
    }

    fn newest(&self) -> Result<Vec<Bytes>> {
        Ok(vec![self.0.message().to_vec()])
    }

    fn key(&self, session: Session) -> Result<GroupKey> {
        self.0.group_key(session)
    }

    fn restart(self) -> Result<Self> {
        let published = self.0.session().unwrap_or(Session::new(0));
        polynomial::GroupManager::import(&self.0.export()?, published).map(Self)
    }
}
