//! A group that follows from the ledger: whoever holds the master secret and reads the same facts has the same group, byte
//! for byte (spec 3.4.5, A7).
//!
//! ```text
//! transcript_0 = SHA-256("IoTChain-GMT" || parameters)
//! transcript_n = SHA-256(transcript_{n-1} || [block, index, fact])
//! randomness of an issue = HMAC(HMAC(master secret, "IoTChain-GMR" || BE64(issue) || transcript), BE64(0, 1, ...))
//! ```

use super::{Announcement, EpochManager, Parameters, Plan};
use crate::manager::{Journaled, encode, read_state};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::convert::Infallible;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::hash::{hmac_sha256, sha256};
use iotchain_core::{Address, Error, Result, Secret, Session, Signer, TryCryptoRng};
use rand_core::TryRng;
use zeroize::{Zeroize, Zeroizing};

const VERSION: u32 = 1;
const ELEMENTS: usize = 8;

/// Where a fact stands on the ledger. Facts are learnt in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The block.
    pub block: u64,
    /// The place inside the block.
    pub index: u32,
}

/// What the ledger says, or follows from it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A client has a token.
    Issued {
        /// The client.
        client: Address,
    },
    /// A client has no token any more; one that expires has none from the boundary that follows.
    Revoked {
        /// The client.
        client: Address,
    },
    /// A session ends, by the time of the block.
    Boundary(Plan),
    /// The next epoch is prepared.
    Prepare {
        /// Depth of its tree.
        depth: u8,
        /// Its last session.
        last: Session,
    },
    /// A session ends and the next epoch opens.
    RollOver(Plan),
}

/// A key server that can be rebuilt from the ledger, or followed by another one as a hot standby.
///
/// Two of them with the same master secret, parameters and signing key that learnt the same facts in the same order agree
/// on every seat, S_i and event, because ES256K, ESP256 and Ed25519 sign deterministically. Two that saw different
/// facts, such as another branch of the ledger, draw independent randomness from there on: a nonce or a chain is never
/// used twice (spec A7). Learn only facts that are deep enough in the chain. **One of them publishes at a time**, under a
/// lease; another takes over when it has learnt every fact that the first one may have learnt. Without a ledger that
/// orders the facts, use an [`EpochManager`] with a true random generator.
///
/// The facts are the journal: store [`Replica::export`] at times, and learn again what comes after
/// [`Replica::position`].
pub struct Replica {
    secret: Secret<32>,
    transcript: [u8; 32],
    position: Option<Position>,
    /// How many times randomness was derived.
    issues: u64,
    manager: EpochManager,
    /// The live seat of a client; it has one at most.
    seats: BTreeMap<Address, u32>,
    /// Clients that found no free slot, in order.
    waiting: Vec<Address>,
}

impl Replica {
    /// Before the first fact. `secret` is the master secret, 32 bytes from a CSPRNG, one for each gid.
    ///
    /// # Errors
    /// [`Error::Type`] for parameters outside their ranges.
    pub fn new(secret: Secret<32>, parameters: Parameters) -> Result<Self> {
        let parts = encode(|writer| write_parameters(writer, &parameters))?;
        let transcript = sha256(&[b"IoTChain-GMT", &parts]);
        let mut rng = IssueRng::new(&secret, 0, &transcript);
        Ok(Self {
            manager: EpochManager::generate(parameters, &mut rng)?,
            secret,
            transcript,
            position: None,
            issues: 0,
            seats: BTreeMap::new(),
            waiting: Vec::new(),
        })
    }

    /// The group as the facts made it.
    #[must_use]
    pub const fn manager(&self) -> &EpochManager {
        &self.manager
    }

    /// Where the newest fact stood.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// The live seat of a client.
    #[must_use]
    pub fn seat(&self, client: &Address) -> Option<u32> {
        self.seats.get(client).copied()
    }

    /// Takes up the next fact: B_j to publish, if a session begins. A client without a free slot gets one in the next
    /// epoch. On failure nothing has changed.
    ///
    /// # Errors
    /// [`Error::Rollback`] for a fact that does not stand after the newest one, else those of
    /// [`EpochManager::advance`], [`EpochManager::prepare`] and [`EpochManager::roll_over`].
    pub fn learn(
        &mut self,
        position: Position,
        fact: &Fact,
        signer: &impl Signer,
    ) -> Result<Option<Announcement>> {
        if self.position.is_some_and(|newest| position <= newest) {
            return Err(Error::Rollback);
        }
        let part = encode(|writer| write_fact(writer, position, fact))?;
        let transcript = sha256(&[&self.transcript, &part]);
        let issue = self.issues.checked_add(1).ok_or(Error::Size)?;
        let mut rng = IssueRng::new(&self.secret, issue, &transcript);
        let announced = match *fact {
            Fact::Issued { client } => {
                if self.seat(&client).is_none() && !self.waiting.contains(&client) {
                    self.waiting.push(client);
                }
                None
            }
            Fact::Revoked { client } => {
                if let Some(seat) = self.seats.get(&client) {
                    self.manager.revoke(*seat)?;
                    self.seats.remove(&client);
                }
                self.waiting.retain(|other| *other != client);
                None
            }
            Fact::Boundary(plan) => Some(self.manager.advance(plan, &mut rng, signer)?),
            Fact::Prepare { depth, last } => {
                self.manager.prepare(depth, last, &mut rng)?;
                None
            }
            Fact::RollOver(plan) => Some(self.manager.roll_over(plan, &mut rng, signer)?),
        };
        self.seat_waiting();
        self.transcript = transcript;
        self.position = Some(position);
        self.issues = issue;
        self.manager.saved();
        Ok(announced)
    }

    /// Gives seats to those who wait, while there are any.
    fn seat_waiting(&mut self) {
        let mut seated = 0usize;
        for client in &self.waiting {
            let Ok(seat) = self.manager.join() else {
                break;
            };
            self.seats.insert(*client, seat);
            seated = seated.saturating_add(1);
        }
        self.waiting.drain(..seated);
    }

    /// The state but for the master secret, strict CBOR. Secret: it holds every key of the epoch.
    ///
    /// # Errors
    /// None that can happen; the length is measured first.
    pub fn export(&self) -> Result<Zeroizing<Vec<u8>>> {
        let manager = self.manager.export()?;
        encode(|writer| {
            writer
                .array(ELEMENTS as u64)
                .uint(VERSION.into())
                .bytes(&self.transcript)
                .uint(self.issues);
            match self.position {
                Some(position) => writer
                    .array(2)
                    .uint(position.block)
                    .uint(position.index.into()),
                None => writer.array(0),
            };
            writer.bytes(&manager).array(self.seats.len() as u64);
            self.seats.keys().for_each(|client| {
                writer.bytes(client.as_bytes());
            });
            writer.array(self.seats.len() as u64);
            self.seats.values().for_each(|seat| {
                writer.uint((*seat).into());
            });
            writer.array(self.waiting.len() as u64);
            self.waiting.iter().for_each(|client| {
                writer.bytes(client.as_bytes());
            });
        })
    }

    /// Takes up a state where [`Replica::export`] left it. An old one is as good as the newest: facts that it learns
    /// again give the same bytes again.
    ///
    /// # Errors
    /// A format error, [`Error::Version`] for a state of another version, [`Error::Type`] for one that contradicts
    /// itself.
    pub fn import(secret: Secret<32>, state: &[u8]) -> Result<Self> {
        let mut reader = read_state(state, VERSION, ELEMENTS)?;
        let transcript = *reader.array_of()?;
        let issues = reader.uint()?;
        let position = match reader.array()? {
            0 => None,
            2 => Some(Position {
                block: reader.uint()?,
                index: reader.u32()?,
            }),
            _ => return Err(Error::Type),
        };
        let manager = EpochManager::import(reader.bytes()?)?;
        let clients = read_clients(&mut reader)?;
        let seats: Vec<u32> = (0..reader.array()?)
            .map(|_| reader.u32())
            .collect::<Result<_>>()?;
        let valid = seats.len() == clients.len()
            && clients.is_sorted_by(|a, b| a < b)
            && seats.iter().all(|seat| manager.is_live(*seat));
        if !valid {
            return Err(Error::Type);
        }
        Ok(Self {
            secret,
            transcript,
            position,
            issues,
            manager,
            seats: clients.into_iter().zip(seats).collect(),
            waiting: read_clients(&mut reader)?,
        })
    }
}

fn read_clients(reader: &mut Reader<'_>) -> Result<Vec<Address>> {
    (0..reader.array()?)
        .map(|_| reader.array_of().map(|client| Address::new(*client)))
        .collect()
}

fn write_parameters(writer: &mut Writer<'_>, parameters: &Parameters) {
    let Parameters {
        gid,
        epoch,
        depth,
        first,
        last,
        window,
        history,
        starts,
        duration,
    } = *parameters;
    writer.array(9).bytes(gid.as_bytes()).uint(epoch.into());
    writer
        .uint(depth.into())
        .uint(first.get().into())
        .uint(last.get().into())
        .uint(window.into())
        .uint(history.into());
    writer.uint(starts.get()).uint(duration.into());
}

fn write_fact(writer: &mut Writer<'_>, position: Position, fact: &Fact) {
    writer
        .array(3)
        .uint(position.block)
        .uint(position.index.into());
    match fact {
        Fact::Issued { client } => writer.array(2).uint(0).bytes(client.as_bytes()),
        Fact::Revoked { client } => writer.array(2).uint(1).bytes(client.as_bytes()),
        Fact::Boundary(plan) => write_plan(writer.array(4).uint(2), plan),
        Fact::Prepare { depth, last } => writer
            .array(3)
            .uint(3)
            .uint((*depth).into())
            .uint(last.get().into()),
        Fact::RollOver(plan) => write_plan(writer.array(4).uint(4), plan),
    };
}

/// `refresh, nbf / null, dur / null`.
fn write_plan<'a, 'b>(writer: &'a mut Writer<'b>, plan: &Plan) -> &'a mut Writer<'b> {
    writer.bool(plan.refresh);
    match plan.starts {
        Some(starts) => writer.uint(starts.get()),
        None => writer.null(),
    };
    match plan.duration {
        Some(duration) => writer.uint(duration.into()),
        None => writer.null(),
    }
}

/// The randomness of one issue: a function of the master secret, the number of the issue and all facts so far.
struct IssueRng {
    key: Secret<32>,
    blocks: u64,
}

impl IssueRng {
    fn new(secret: &Secret<32>, issue: u64, transcript: &[u8; 32]) -> Self {
        let parts: [&[u8]; 3] = [b"IoTChain-GMR", &issue.to_be_bytes(), transcript];
        let mut key = hmac_sha256(secret.expose(), &parts);
        let rng = Self {
            key: Secret::new(key),
            blocks: 0,
        };
        key.zeroize();
        rng
    }
}

impl TryRng for IssueRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let mut block = hmac_sha256(self.key.expose(), &[&self.blocks.to_be_bytes()]);
            chunk
                .iter_mut()
                .zip(block)
                .for_each(|(byte, random)| *byte = random);
            block.zeroize();
            self.blocks = self.blocks.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for IssueRng {}
