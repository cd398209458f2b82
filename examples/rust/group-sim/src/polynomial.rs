//! The scheme polynomial, the real code: one message per session, which heals a few earlier ones.

use crate::outcome::{Outcome, Work};
use crate::random::Random;
use crate::rsd::{GID, STARTS};
use crate::script::{Message, Published, Receiver, Script};
use crate::strategy::{Mode, Settings};
use crate::trace::Trace;
use iotchain_core::{GroupKey, Result, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::Authority;
use iotchain_selfheal::broadcast::LARGEST_MAX_LEN;
use iotchain_selfheal::polynomial::{
    GroupManager, Member, Parameters, PersonalKey, Plan, Received,
};

/// Plays the trace.
///
/// # Errors
/// Those of the key server, `TooManyRevoked` among them, and of members where none may occur.
pub fn run(trace: &Trace, mode: Mode, settings: &Settings) -> Result<Outcome> {
    let mut random = Random::new(settings.seed);
    let signer = SigningKey::generate(SignAlg::Es256k, &mut random)?;
    let authority = Authority::new(GID, signer.public()).with_max_len(LARGEST_MAX_LEN);
    let script = publish(trace, settings, &signer, &mut random)?;
    // a member holds as many sessions as one message heals
    match settings.earlier {
        0 => play::<1>(&script, trace, mode, settings, authority),
        1..=3 => play::<4>(&script, trace, mode, settings, authority),
        4..=7 => play::<8>(&script, trace, mode, settings, authority),
        8..=15 => play::<16>(&script, trace, mode, settings, authority),
        16..=31 => play::<32>(&script, trace, mode, settings, authority),
        _ => play::<64>(&script, trace, mode, settings, authority),
    }
}

fn play<const W: usize>(
    script: &Script<u32>,
    trace: &Trace,
    mode: Mode,
    settings: &Settings,
    authority: Authority,
) -> Result<Outcome> {
    script.play(trace, mode, |index| {
        let key = PersonalKey::parse(script.personal_keys[index].as_slice())?;
        Ok(Counted {
            member: Member::<_, W>::new(key, authority)?,
            earlier: settings.earlier.into(),
            work: Work::default(),
        })
    })
}

/// The key server's run. A message is about its session.
fn publish(
    trace: &Trace,
    settings: &Settings,
    signer: &impl Signer,
    random: &mut Random,
) -> Result<Script<u32>> {
    let parameters = Parameters {
        degree: settings.degree,
        window: settings.earlier,
        starts: STARTS,
        ..Parameters::new(GID, 1, Session::new(1))
    };
    let mut manager = GroupManager::generate(parameters, random)?;
    let mut script = Script {
        messages: Vec::new(),
        sessions: Vec::new(),
        personal_keys: Vec::new(),
    };
    // ids begin at 1, in the order of the trace
    let id = |member: usize| u32::try_from(member + 1).unwrap_or(u32::MAX);
    let enrol = |manager: &mut GroupManager, script: &mut Script<u32>, j: u32| -> Result<()> {
        for member in trace.joining(j) {
            let sessions = Session::new(j.max(1))..=Session::new(trace.sessions);
            manager.join(id(member), sessions)?;
            script.personal_keys.push(manager.personal_key(id(member))?);
        }
        Ok(())
    };
    enrol(&mut manager, &mut script, 0)?;
    for j in trace.iter() {
        for member in trace.leaving(j) {
            manager.revoke(id(member))?;
        }
        let announcement = manager.advance(Plan::KEEP, signer)?;
        script.sessions.push(Published {
            starts: announcement.starts,
            key: manager.group_key(Session::new(j))?,
            beacon: None,
            message: script.messages.len(),
            transmits: true,
        });
        script.messages.push(Message {
            bytes: announcement.message,
            about: j,
        });
        enrol(&mut manager, &mut script, j)?;
    }
    Ok(script)
}

/// A member, and the work it does.
struct Counted<'a, const W: usize> {
    member: Member<&'a [u8], W>,
    /// w of the messages.
    earlier: u32,
    work: Work,
}

impl<const W: usize> Receiver<u32> for Counted<'_, W> {
    /// A key takes 2t + 140 multiplications (spec 3.5.4) and a block for its check value; every key of the window
    /// that the member has a share of is computed.
    fn message(&mut self, message: &Message<u32>, now: UnixTime) -> Result<()> {
        let received = self.member.message(&message.bytes, Some(now))?;
        let key = self.member.personal_key();
        self.work += if received == Received::Duplicate {
            Work::recognize(message.bytes.len())
        } else {
            let j = message.about;
            let first = j.saturating_sub(self.earlier).max(key.first().get());
            let keys = u64::from(j + 1 - first);
            Work {
                aes: keys,
                products: keys * u64::from(2 * key.degree() + 140),
                ..Work::verify(message.bytes.len())
            }
        };
        Ok(())
    }

    fn beacon(&mut self, _: u32, _: &[u8], _: UnixTime) -> Result<()> {
        // this scheme has none
        Ok(())
    }

    fn key(&mut self, session: Session) -> Option<GroupKey> {
        self.member.key(session).ok()
    }

    fn work(&self) -> Work {
        self.work
    }
}
