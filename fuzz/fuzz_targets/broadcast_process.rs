//! Members under fire, in both schemes: a refused broadcast changes nothing, so the genuine one that follows still works;
//! an accepted one gives the keys of the manager or none; and who was left out stays out.
//!
//! The first byte of the input says how the rest arrives: as it is; as a payload under a right signature (a key server gone
//! bad); as a patch of a genuine payload under a right signature; as a patch of a genuine broadcast. The same byte chooses
//! the scheme, the member, and the genuine message.
#![no_main]

use std::sync::OnceLock;

use iotchain_core::{Result, Session, UnixTime};
use iotchain_fuzz::live::{Bytes, GID, Group, Live, Polynomial, Rsd, authority, signer};
use iotchain_fuzz::patched;
use iotchain_selfheal::Envelope;
use libfuzzer_sys::fuzz_target;

const LAST: u32 = 6;

/// A member in the middle of its life.
struct Subject<M> {
    member: M,
    /// Whether it is in the last session.
    stays: bool,
    /// Whether it holds every event, so that a forged one cannot tell it anything about another.
    is_current: bool,
}

/// A group of six sessions: a refresh in 3, a late member in 4, a revocation in 6.
struct Story<G: Group> {
    subjects: Vec<Subject<G::Member>>,
    messages: Vec<Bytes>,
    newest: Vec<Bytes>,
    /// The signed payloads, each with its session.
    payloads: Vec<(Session, Bytes)>,
    keys: Vec<[u8; 16]>,
    /// Start of the last session.
    now: UnixTime,
}

impl<G: Group> Story<G> {
    fn tell() -> Result<Self> {
        let mut group = G::open(2)?;
        let nobody = Session::new(u32::MAX);
        let mut subjects = Vec::new();
        for user in [0, 1] {
            group.join(user, nobody)?;
            for is_current in [true, false] {
                subjects.push(Subject {
                    member: G::Member::new(&group.personal_key(user)?)?,
                    stays: user == 0,
                    is_current,
                });
            }
        }
        let (mut messages, mut keys) = (Vec::new(), Vec::new());
        let mut now = UnixTime::new(0);
        for session in 1..=LAST {
            if session == LAST {
                group.revoke(1, Session::new(LAST))?;
            }
            let (starts, broadcast) = group.advance(session == 3)?;
            now = starts;
            for message in broadcast {
                let current = subjects.iter_mut().filter(|subject| subject.is_current);
                for subject in current.filter(|_| session < LAST) {
                    subject.member.receive(&message, Some(now))?;
                }
                messages.push(message);
            }
            if session == 4 {
                group.join(2, nobody)?;
                subjects.push(Subject {
                    member: G::Member::new(&group.personal_key(2)?)?,
                    stays: true,
                    is_current: false,
                });
            }
            keys.push(*group.key(Session::new(session))?.expose());
        }
        let opened = |message: &Bytes| {
            let authority = authority();
            let envelope = Envelope::open(&authority, message).ok()?;
            Some((envelope.session(), envelope.payload().to_vec()))
        };
        Ok(Self {
            payloads: messages.iter().filter_map(opened).collect(),
            newest: group.newest()?,
            subjects,
            messages,
            keys,
            now,
        })
    }

    fn play(&self, choice: usize, form: u8, rest: &[u8]) {
        let subject = &self.subjects[choice % self.subjects.len()];
        let choice = choice / self.subjects.len();
        let (session, payload) = &self.payloads[choice % self.payloads.len()];
        let (message, is_forged) = match form {
            0 => (rest.to_vec(), false),
            1 => (sign(*session, rest), true),
            2 => (sign(*session, &patched(payload, rest)), true),
            _ => {
                let message = &self.messages[choice % self.messages.len()];
                (patched(message, rest), false)
            }
        };

        let mut member = subject.member.clone();
        let outcome = member.receive(&message, Some(self.now));
        if outcome.is_err() {
            self.check_unchanged(&subject.member, &member);
        }
        let sound = outcome.is_err() || !is_forged || subject.is_current;
        self.check_keys(&member, if sound { 1 } else { LAST });
        if outcome.is_err() || !is_forged {
            for message in &self.newest {
                let _ = member.receive(message, Some(self.now));
            }
            let key = member.key(Session::new(LAST));
            assert_eq!(key.is_ok(), subject.stays, "the last session");
            self.check_keys(&member, 1);
        } else if !subject.stays {
            assert!(member.key(Session::new(LAST)).is_err(), "left out");
        }
    }

    fn check_unchanged(&self, before: &G::Member, after: &G::Member) {
        assert_eq!(before.newest(), after.newest());
        assert_eq!(before.may_seal(self.now), after.may_seal(self.now));
        for session in 0..=LAST + 1 {
            let [before, after] = [before, after].map(|member| {
                let key = member.key(Session::new(session));
                key.map(|key| *key.expose())
            });
            assert_eq!(before, after, "session {session}");
        }
    }

    /// Every key from session `from` on that a member releases is the manager's.
    fn check_keys(&self, member: &G::Member, from: u32) {
        for (session, key) in (1..)
            .zip(&self.keys)
            .filter(|(session, _)| *session >= from)
        {
            if let Ok(found) = member.key(Session::new(session)) {
                assert_eq!(found.expose(), key, "session {session}");
            }
        }
    }
}

fn sign(session: Session, payload: &[u8]) -> Bytes {
    let mut out = vec![0; payload.len() + 256];
    let len = Envelope::seal(&signer(), GID, session, payload, &mut out).unwrap_or(0);
    out.truncate(len);
    out
}

fuzz_target!(|data: &[u8]| {
    static RSD: OnceLock<Story<Rsd>> = OnceLock::new();
    static POLYNOMIAL: OnceLock<Story<Polynomial>> = OnceLock::new();
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (form, choice) = (first % 4, usize::from(first / 4));
    if choice % 2 == 0 {
        let story = RSD.get_or_init(|| Story::tell().expect("the story of a group"));
        story.play(choice / 2, form, rest);
    } else {
        let story = POLYNOMIAL.get_or_init(|| Story::tell().expect("the story of a group"));
        story.play(choice / 2, form, rest);
    }
});
