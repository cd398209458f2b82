//! A broadcast scheme played over a trace: what the key server put out, and what each member made of it.

use crate::outcome::{Outcome, Record, Work};
use crate::strategy::{Mode, REQUEST_LEN};
use crate::trace::{Life, Trace};
use iotchain_core::{Error, GroupKey, Result, Session, UnixTime};
use std::thread;
use zeroize::Zeroizing;

/// A signed message.
#[derive(Debug)]
pub struct Message<M> {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What the scheme wants to know of it.
    pub about: M,
}

/// One session at the key server.
#[derive(Debug)]
pub struct Published {
    /// Its start.
    pub starts: UnixTime,
    /// K_j.
    pub key: GroupKey,
    /// The beacon, if the scheme has any.
    pub beacon: Option<Vec<u8>>,
    /// Index of the newest signed message.
    pub message: usize,
    /// Whether that message is transmitted in this session.
    pub transmits: bool,
}

/// All that the key server did.
#[derive(Debug)]
pub struct Script<M> {
    /// Signed messages, oldest first.
    pub messages: Vec<Message<M>>,
    /// The sessions from 1 on.
    pub sessions: Vec<Published>,
    /// S_i of each member of the trace.
    pub personal_keys: Vec<Zeroizing<Vec<u8>>>,
}

/// The member's side of a scheme.
pub trait Receiver<M> {
    /// Takes a signed message.
    ///
    /// # Errors
    /// That of the member.
    fn message(&mut self, message: &Message<M>, now: UnixTime) -> Result<()>;

    /// Takes the beacon of session `j`.
    ///
    /// # Errors
    /// That of the member.
    fn beacon(&mut self, j: u32, beacon: &[u8], now: UnixTime) -> Result<()>;

    /// K_j, if the member can compute it.
    fn key(&mut self, session: Session) -> Option<GroupKey>;

    /// Work so far.
    fn work(&self) -> Work;
}

impl<M: Sync> Script<M> {
    /// Lets every member live through the script. `enrol` makes the receiver of a member from its index.
    ///
    /// # Errors
    /// The first error of a member that may not occur.
    pub fn play<R: Receiver<M>>(
        &self,
        trace: &Trace,
        mode: Mode,
        enrol: impl Fn(usize) -> Result<R> + Sync,
    ) -> Result<Outcome> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = trace.lives.len().div_ceil(threads).max(1);
        let live = |index: usize, life: &Life| self.live(trace, index, life, mode, enrol(index)?);
        let members = thread::scope(|scope| {
            let parts = trace.lives.chunks(share).enumerate().map(|(part, lives)| {
                let run = move || -> Result<Vec<Record>> {
                    let members = (part * share..).zip(lives);
                    members.map(|(index, life)| live(index, life)).collect()
                };
                scope.spawn(run)
            });
            let parts: Vec<_> = parts.collect();
            let records = parts
                .into_iter()
                .map(|part| part.join().expect("a member panicked"));
            records.collect::<Result<Vec<_>>>()
        })?;
        Ok(Outcome {
            broadcast: self
                .sessions
                .iter()
                .map(|session| self.broadcast(session))
                .collect(),
            members: members.into_iter().flatten().collect(),
            counts_work: true,
        })
    }

    fn broadcast(&self, session: &Published) -> u64 {
        let message = self
            .messages
            .get(session.message)
            .filter(|_| session.transmits);
        let lens = session
            .beacon
            .iter()
            .chain(message.map(|message| &message.bytes));
        lens.map(|bytes| bytes.len() as u64).sum()
    }

    fn live<R: Receiver<M>>(
        &self,
        trace: &Trace,
        index: usize,
        life: &Life,
        mode: Mode,
        mut receiver: R,
    ) -> Result<Record> {
        let mut record = Record::new(trace.sessions);
        record.joined = self.personal_keys[index].len() as u64;
        let mut unread: Vec<u32> = trace.iter().collect();
        for j in life.join.max(1)..=trace.sessions {
            let session = &self.sessions[j as usize - 1];
            let message = &self.messages[session.message];
            let mut needs_message = false;
            if life.hears(j) {
                if session.transmits {
                    tolerate(life, j, receiver.message(message, session.starts))?;
                }
                if let Some(beacon) = &session.beacon {
                    match receiver.beacon(j, beacon, session.starts) {
                        Err(Error::NeedEvent) => needs_message = true,
                        result => tolerate(life, j, result)?,
                    }
                }
                record.received += if life.is_member(j) {
                    self.broadcast(session)
                } else {
                    0
                };
            }
            let mut found = collect(&mut receiver, &mut unread, &self.sessions, j, &mut record)?;
            if let (Mode::TwoWay, false, true, Some(attempts)) =
                (mode, found, life.is_member(j), life.arrives(j))
            {
                let mut ask = |answer: &[u8]| {
                    let request = u64::from(attempts) * REQUEST_LEN;
                    record.sent += request;
                    record.received += answer.len() as u64;
                    record.carry(j, request + answer.len() as u64);
                };
                if let Some(beacon) = &session.beacon {
                    if !needs_message {
                        ask(beacon);
                        needs_message =
                            receiver.beacon(j, beacon, session.starts) == Err(Error::NeedEvent);
                    }
                    if needs_message {
                        ask(&message.bytes);
                        receiver.message(message, session.starts)?;
                        receiver.beacon(j, beacon, session.starts)?;
                    }
                } else {
                    ask(&message.bytes);
                    receiver.message(message, session.starts)?;
                }
                found = collect(&mut receiver, &mut unread, &self.sessions, j, &mut record)?;
                debug_assert!(found, "an answer gives the key");
            }
            if life.is_member(j) {
                record.work = receiver.work();
            }
        }
        Ok(record)
    }
}

/// Members may be refused nothing; the adversary is refused all the time.
fn tolerate(life: &Life, j: u32, result: Result<()>) -> Result<()> {
    if life.is_member(j) { result } else { Ok(()) }
}

/// Notes every key that can be computed in session `now` and was not before; whether that of `now` is known.
fn collect<M, R: Receiver<M>>(
    receiver: &mut R,
    unread: &mut Vec<u32>,
    sessions: &[Published],
    now: u32,
    record: &mut Record,
) -> Result<bool> {
    let mut wrong = false;
    unread.retain(|j| {
        let Some(key) = receiver.key(Session::new(*j)) else {
            return true;
        };
        wrong |= !key.ct_eq(&sessions[*j as usize - 1].key);
        record.note(*j, now);
        false
    });
    if wrong {
        // a key that is not the group's would be worse than none
        return Err(Error::Kcv);
    }
    Ok(!unread.contains(&now))
}
