//! The scheme rsd, the real code: as it is meant, and with a fresh key under a cover in every session.

use crate::event::Event;
use crate::outcome::{Outcome, Work};
use crate::random::Random;
use crate::script::{Message, Published, Receiver, Script};
use crate::strategy::{Mode, Settings};
use crate::trace::Trace;
use iotchain_core::{Gid, GroupKey, Result, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::Authority;
use iotchain_selfheal::broadcast::LARGEST_MAX_LEN;
use iotchain_selfheal::rsd::{GroupManager, Member, Parameters, PersonalKey, Plan, Received};

pub(crate) const GID: Gid = Gid::new(*b"simu");
/// Any time after 2001 does.
pub(crate) const STARTS: UnixTime = UnixTime::new(1_767_225_600);

/// Events for revocations and refreshes, beacons in every session, a window to heal.
///
/// # Errors
/// Those of the key server, and of members where none may occur.
pub fn ratcheted(trace: &Trace, mode: Mode, settings: &Settings) -> Result<Outcome> {
    let refresh = |j: u32| settings.refresh != 0 && j.is_multiple_of(settings.refresh);
    run(trace, mode, settings, settings.window, refresh)
}

/// Plain subset difference (Naor, Naor, Lotspiech 2001): a fresh key for the members of each session, and nothing for
/// those that missed one.
///
/// # Errors
/// Those of the key server, and of members where none may occur.
pub fn cover_every_session(trace: &Trace, mode: Mode, settings: &Settings) -> Result<Outcome> {
    run(trace, mode, settings, 1, |_| true)
}

fn run(
    trace: &Trace,
    mode: Mode,
    settings: &Settings,
    window: u8,
    refresh: impl Fn(u32) -> bool,
) -> Result<Outcome> {
    let mut random = Random::new(settings.seed);
    let signer = SigningKey::generate(SignAlg::Es256k, &mut random)?;
    let authority = Authority::new(GID, signer.public()).with_max_len(LARGEST_MAX_LEN);
    let script = publish(
        trace,
        settings.repeat,
        window,
        refresh,
        &signer,
        &mut random,
    )?;
    // a member holds as many events as one message heals
    match window {
        1 => play::<1>(&script, trace, mode, authority),
        2 => play::<2>(&script, trace, mode, authority),
        3..=4 => play::<4>(&script, trace, mode, authority),
        5..=8 => play::<8>(&script, trace, mode, authority),
        9..=16 => play::<16>(&script, trace, mode, authority),
        17..=32 => play::<32>(&script, trace, mode, authority),
        _ => play::<64>(&script, trace, mode, authority),
    }
}

fn play<const W: usize>(
    script: &Script<Event>,
    trace: &Trace,
    mode: Mode,
    authority: Authority,
) -> Result<Outcome> {
    let begins: Vec<u32> = script
        .sessions
        .iter()
        .map(|session| script.messages[session.message].about.session())
        .collect();
    script.play(trace, mode, |index| {
        let key = PersonalKey::parse(script.personal_keys[index].as_slice())?;
        Ok(Counted {
            position: key.join().get(),
            depth: depth(trace),
            begins: &begins,
            member: Member::<_, W>::new(key, authority)?,
            work: Work::default(),
        })
    })
}

fn depth(trace: &Trace) -> u8 {
    parameters(trace).depth
}

fn parameters(trace: &Trace) -> Parameters {
    let members = u32::try_from(trace.lives.len()).unwrap_or(u32::MAX);
    let sessions = Session::new(1)..=Session::new(trace.sessions);
    Parameters {
        starts: STARTS,
        ..Parameters::new(GID, 1, members, sessions)
    }
}

/// The key server's run.
fn publish(
    trace: &Trace,
    repeat: u32,
    window: u8,
    refresh: impl Fn(u32) -> bool,
    signer: &impl Signer,
    random: &mut Random,
) -> Result<Script<Event>> {
    let parameters = Parameters {
        window,
        ..parameters(trace)
    };
    let mut manager = GroupManager::generate(parameters, random)?;
    let mut script = Script {
        messages: Vec::new(),
        sessions: Vec::new(),
        personal_keys: Vec::new(),
    };
    let enrol = |manager: &mut GroupManager, script: &mut Script<Event>, j| -> Result<()> {
        for _ in trace.joining(j) {
            let slot = manager.join()?;
            script.personal_keys.push(manager.personal_key(slot)?);
        }
        Ok(())
    };
    enrol(&mut manager, &mut script, 0)?;
    for j in trace.iter() {
        // slots are given out in the order of the trace
        for member in trace.leaving(j) {
            manager.revoke(u32::try_from(member).unwrap_or(u32::MAX))?;
        }
        let plan = if refresh(j) {
            Plan::REFRESH
        } else {
            Plan::KEEP
        };
        let announcement = manager.advance(plan, random, signer)?;
        let transmits = announcement.event.is_some() || (repeat != 0 && j.is_multiple_of(repeat));
        if let Some(bytes) = announcement.event {
            let about = Event::parse(&bytes)?;
            script.messages.push(Message { bytes, about });
        }
        script.sessions.push(Published {
            starts: announcement.starts,
            key: manager.group_key(Session::new(j))?,
            beacon: Some(announcement.beacon),
            message: script.messages.len() - 1,
            transmits,
        });
        enrol(&mut manager, &mut script, j)?;
    }
    Ok(script)
}

/// A member, and the work it does.
struct Counted<'a, const W: usize> {
    member: Member<&'a [u8], W>,
    depth: u8,
    /// First session of the event in force in each session.
    begins: &'a [u32],
    /// Newest verified place in the beacon chain of the newest event.
    position: u32,
    work: Work,
}

impl<const W: usize> Counted<'_, W> {
    /// The session of the first chain state held of the interval that `j` is in.
    fn held_since(&self, j: u32) -> u32 {
        let begin = self.begins.get(j as usize - 1).copied().unwrap_or(j);
        begin.max(self.member.personal_key().join().get())
    }
}

impl<const W: usize> Receiver<Event> for Counted<'_, W> {
    fn message(&mut self, message: &Message<Event>, now: UnixTime) -> Result<()> {
        let received = self.member.event(&message.bytes, Some(now))?;
        let key = self.member.personal_key();
        let work = match received {
            Received::Duplicate => Work::recognize(message.bytes.len()),
            _ => message.about.work(self.depth, key.slot(), key.join().get()),
        };
        self.work += work;
        self.position = self.position.max(message.about.session());
        Ok(())
    }

    fn beacon(&mut self, j: u32, beacon: &[u8], now: UnixTime) -> Result<()> {
        let before = self.member.newest();
        self.member.beacon(beacon, Some(now))?;
        self.work.sha256 += u64::from(j.saturating_sub(self.position));
        self.position = self.position.max(j);
        // the newest chain state goes along, if there is one
        if self.member.newest() > before && self.member.key(Session::new(j)).is_ok() {
            let from = before.map_or(0, Session::get).max(self.held_since(j));
            self.work.aes += u64::from(j.saturating_sub(from));
        }
        Ok(())
    }

    fn key(&mut self, session: Session) -> Option<GroupKey> {
        let key = self.member.key(session).ok()?;
        // the newest session's chain state is at hand, an older one is walked to from the first of its interval
        let steps = if self.member.newest() == Some(session) {
            0
        } else {
            session.get().saturating_sub(self.held_since(session.get()))
        };
        self.work.aes += u64::from(steps) + 1;
        Some(key)
    }

    fn work(&self) -> Work {
        self.work
    }
}
