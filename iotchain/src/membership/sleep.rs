//! A membership over a deep sleep, in which its memory is off: sealed before, opened after.
//!
//! ```text
//! [session told at join, sid, alg, grace, [* sid, subject, COSE_Key]]        beside the state of the group keys
//! ```

use super::{Credentials, Membership};
use crate::join::Peer;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{
    Address, AeadAlg, Error, PublicKey, Result, Secret, Session, Sid, Suite, TryCryptoRng,
};
use iotchain_oscar::{Group, Policy};
use iotchain_selfheal::rsd::{EpochMember, HighWater, PersonalKey};
use iotchain_selfheal::{self as selfheal, Authority};

const ELEMENTS: usize = 5;
/// Longest encoding of all but the credentials.
const MAX_REST: usize = 1 + 5 + 4 + 3 + 9 + 2;
/// Longest encoding of one credential.
const MAX_CREDENTIAL: usize = 4 + 21 + PublicKey::MAX_ENCODED;

impl<S: AsRef<[u8]>, const W: usize, const C: usize, V, const K: usize> Membership<S, W, C, V, K> {
    /// Longest sealed state in bytes.
    pub const MAX_STATE_LEN: usize =
        EpochMember::<S, W>::MAX_STATE_LEN + MAX_REST + C * MAX_CREDENTIAL;

    /// Seals what the member is and what it learnt to the front of `out`, under a key that is the device's own; the length
    /// written, at most [`Membership::MAX_STATE_LEN`]. The personal keys that are held are not in it: the device keeps them
    /// beside. Keep the high-water mark where it cannot be set back, to know an old state.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the length needed, [`Error::Random`]; nothing is written.
    pub fn seal_state(
        &self,
        key: &Secret<16>,
        rng: &mut impl TryCryptoRng,
        out: &mut [u8],
    ) -> Result<usize> {
        self.member
            .seal_state(key, rng, out, |writer| self.write_state(writer))
    }

    /// Turns this membership into the one that [`Membership::seal_state`] sealed, where it lies: it goes on as if it had never
    /// slept. The personal keys of the epochs that it held come in any order. `sealed` is opened where it is, and wiped.
    ///
    /// Tolerances are the default ones. Counts of failed openings start over, so a device that wakes `n` times in a session
    /// gives forgers `n` times as many tries.
    ///
    /// # Errors
    /// What is wrong with a personal key, otherwise as [`EpochMember::wake`]; the membership is [vacant](Self::VACANT) then.
    pub fn wake(
        &mut self,
        personal_key: S,
        other: Option<S>,
        key: &Secret<16>,
        sealed: &mut [u8],
        oldest: HighWater,
    ) -> Result<()> {
        *self = Self::VACANT;
        let other = other.map(PersonalKey::parse).transpose();
        let keys = PersonalKey::parse(personal_key).and_then(|own| Ok((own, other?)));
        let Self {
            member,
            told,
            group,
            sid,
            credentials,
            ..
        } = self;
        let mut grace = 0;
        let done = keys.and_then(|keys| {
            member.wake(keys, key, sealed, oldest, |authority, reader| {
                if reader.array()? != ELEMENTS {
                    return Err(Error::Type);
                }
                *told = Session::new(reader.u32()?);
                *sid = Sid::from_slice(reader.bytes()?)?;
                *group = group_of(authority, AeadAlg::from_cose(reader.int()?)?, sid);
                grace = reader.uint()?;
                read_credentials(credentials, reader)
            })
        });
        match done {
            Ok(()) => {
                self.member.set_policy(selfheal::Policy {
                    grace,
                    ..selfheal::Policy::DEFAULT
                });
                self.policy = Policy::DEFAULT;
            }
            Err(_) => *self = Self::VACANT,
        }
        done
    }

    fn write_state(&self, writer: &mut Writer<'_>) {
        writer
            .array(ELEMENTS as u64)
            .uint(self.told.get().into())
            .bytes(self.sid.as_bytes())
            .int(self.group.suite.aead.cose())
            .uint(self.member.policy().grace)
            .array((self.credentials.iter().count() as u64).saturating_mul(3));
        for Peer { sid, subject, key } in self.credentials.iter() {
            writer.bytes(sid.as_bytes()).bytes(subject.as_bytes());
            key.write(writer);
        }
    }
}

fn group_of(authority: &Authority, aead: AeadAlg, sid: &Sid) -> Group {
    Group {
        gid: authority.gid(),
        ks: authority.key().thumbprint(),
        suite: Suite {
            aead,
            sign: authority.sign_alg(),
        },
        sid_len: sid.as_bytes().len(),
    }
}

fn read_credentials<const C: usize>(
    credentials: &mut Credentials<C>,
    reader: &mut Reader<'_>,
) -> Result<()> {
    let elements = reader.array()?;
    for _ in 0..elements / 3 {
        credentials.insert(Peer {
            sid: Sid::from_slice(reader.bytes()?)?,
            subject: Address::from_slice(reader.bytes()?)?,
            key: PublicKey::read(reader)?,
        })?;
    }
    Ok(())
}
