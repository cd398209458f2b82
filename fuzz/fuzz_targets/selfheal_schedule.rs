//! Whole lives of a group, in both schemes: the input is a schedule of joins, revocations, sessions, restarts, and of what
//! reaches whom in which order.
//!
//! Whatever happens, nobody has the key of a session it is not in and nobody has a wrong key; and once the newest
//! broadcasts arrive, each member of the current session has its key.
#![no_main]

use iotchain_core::{Error, Result, Session, UnixTime};
use iotchain_fuzz::live::{Bytes, Group, LAST, Live, Polynomial, Rsd, USERS};
use libfuzzer_sys::fuzz_target;

/// Longest schedule in steps of two bytes each.
const STEPS: usize = 96;

struct User<M> {
    personal_key: Bytes,
    member: M,
    /// First session it is in.
    from: u32,
    /// First session it is no longer in.
    until: u32,
}

impl<M> User<M> {
    fn takes_part(&self, session: u32) -> bool {
        (self.from..self.until).contains(&session)
    }
}

struct World<G: Group> {
    group: G,
    users: Vec<User<G::Member>>,
    messages: Vec<Bytes>,
    session: u32,
    now: UnixTime,
    refresh: bool,
}

impl<G: Group> World<G> {
    fn live(window: u8, schedule: &[u8]) -> Result<()> {
        let mut world = Self {
            group: G::open(window)?,
            users: Vec::new(),
            messages: Vec::new(),
            session: 0,
            now: UnixTime::new(0),
            refresh: false,
        };
        for [step, choice] in schedule.as_chunks().0.iter().take(STEPS) {
            world = world.step(*step, *choice)?;
        }
        world.check_liveness()
    }

    fn step(mut self, step: u8, choice: u8) -> Result<Self> {
        let users = self.users.len().max(1);
        let (user, age) = (usize::from(choice) % users, usize::from(choice) / users);
        match step % 16 {
            0 | 1 => self.join(choice.into())?,
            2 => self.revoke(user, age as u32 % 4)?,
            3 => self.refresh = true,
            4..=7 => self.advance()?,
            8 => self.reboot(user, age)?,
            9 => self.group = self.group.restart()?,
            10 | 11 => {
                let newest = self.group.newest().unwrap_or_default();
                self.deliver(user, &newest);
            }
            // whatever was ever broadcast, in any order, any number of times
            _ => {
                let message = self.messages.iter().rev().nth(age).cloned();
                self.deliver(user, message.as_slice());
            }
        }
        Ok(self)
    }

    fn join(&mut self, choice: u32) -> Result<()> {
        let user = self.users.len() as u32;
        if user == USERS {
            return Ok(());
        }
        let from = match choice {
            choice if G::PLANS && choice % 2 == 1 => (choice / 2).min(self.session),
            _ => self.session,
        };
        self.group.join(user, Session::new(from))?;
        let personal_key = self.group.personal_key(user)?;
        self.users.push(User {
            member: G::Member::new(&personal_key)?,
            personal_key,
            // session 0 does not exist
            from: from.max(1),
            until: LAST.get() + 1,
        });
        Ok(())
    }

    fn revoke(&mut self, user: usize, later: u32) -> Result<()> {
        let Some(found) = self.users.get_mut(user) else {
            return Ok(());
        };
        let from = self.session + 1 + if G::PLANS { later } else { 0 };
        match self.group.revoke(user as u32, Session::new(from)) {
            Ok(()) => found.until = found.until.min(from),
            // scheme polynomial: as many are out as can be
            Err(Error::TooManyRevoked) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<()> {
        if self.session < LAST.get() {
            let (starts, broadcast) = self.group.advance(std::mem::take(&mut self.refresh))?;
            self.session += 1;
            self.now = starts;
            self.messages.extend(broadcast);
        }
        Ok(())
    }

    /// A user forgets everything but its personal key and, most of the time, how far it was.
    fn reboot(&mut self, user: usize, choice: usize) -> Result<()> {
        if let Some(user) = self.users.get_mut(user) {
            user.member = match choice % 4 {
                0 => G::Member::new(&user.personal_key)?,
                _ => user.member.reboot(&user.personal_key)?,
            };
        }
        Ok(())
    }

    fn deliver(&mut self, user: usize, messages: &[Bytes]) {
        if let Some(user) = self.users.get_mut(user) {
            for message in messages {
                let before = user.member.newest();
                if user.member.receive(message, Some(self.now)).is_err() {
                    assert_eq!(user.member.newest(), before);
                }
                assert!(
                    user.member.newest() >= before,
                    "an announcement was forgotten"
                );
            }
        }
        if let Some(user) = self.users.get(user) {
            self.check_safety(user);
        }
    }

    fn check_safety(&self, user: &User<G::Member>) {
        for session in 0..=self.session + 1 {
            if let Ok(key) = user.member.key(Session::new(session)) {
                assert!(user.takes_part(session), "the key of session {session}");
                let right = self.group.key(Session::new(session));
                assert!(right.is_ok_and(|right| right.ct_eq(&key)), "a wrong key");
            }
        }
        if let Some(session) = user.member.may_seal(self.now) {
            assert!(user.takes_part(session.get()), "seals as a stranger");
            assert_eq!(Some(session), user.member.newest());
        }
    }

    fn check_liveness(mut self) -> Result<()> {
        if self.session == 0 {
            return Ok(());
        }
        let newest = self.group.newest()?;
        for user in 0..self.users.len() {
            self.deliver(user, &newest);
            let user = &self.users[user];
            let has_key = user.member.key(Session::new(self.session)).is_ok();
            let seals = user.member.may_seal(self.now) == Some(Session::new(self.session));
            let stays = user.takes_part(self.session);
            assert_eq!((has_key, seals), (stays, stays), "session {}", self.session);
        }
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, schedule)) = data.split_first() else {
        return;
    };
    let window = first / 2 % 8;
    let life = if first % 2 == 0 {
        World::<Rsd>::live(window, schedule)
    } else {
        World::<Polynomial>::live(window, schedule)
    };
    life.expect("the manager does what it is asked");
});
