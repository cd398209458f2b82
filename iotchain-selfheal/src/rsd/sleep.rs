//! A member of two epochs over a deep sleep: sealed before, opened after.
//!
//! ```text
//! [COSE_Key of the key server, longest event, state of the earlier epoch, state of the later one or [], more]
//! ```

use super::epochs::EpochMember;
use super::member::{HighWater, Member};
use super::personal_key::PersonalKey;
use crate::broadcast::Authority;
use crate::state::{self, Binding, read_array};
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, PublicKey, Result, Secret, TryCryptoRng};
use zeroize::Zeroize;

const ELEMENTS: usize = 5;

impl<S: AsRef<[u8]>, const W: usize> EpochMember<S, W> {
    /// Longest sealed state in bytes, without what the caller adds.
    pub const MAX_STATE_LEN: usize =
        state::OVERHEAD + 1 + PublicKey::MAX_ENCODED + 5 + 2 * Member::<S, W>::MAX_PLAIN_LEN;

    /// Seals all that the member learnt to the front of `out`, as [`Member::seal_state`], with the key server that it
    /// believes and one CBOR item of the caller, which `more` writes. The personal keys of the epochs that are held are not
    /// in it: the device keeps them beside.
    ///
    /// # Errors
    /// As [`Member::seal_state`].
    pub fn seal_state(
        &self,
        key: &Secret<16>,
        rng: &mut impl TryCryptoRng,
        out: &mut [u8],
        more: impl Fn(&mut Writer<'_>),
    ) -> Result<usize> {
        state::seal(key, &self.binding()?, rng, out, |writer| {
            writer.array(ELEMENTS as u64);
            self.authority().key().write(writer);
            writer.uint(self.authority().max_len() as u64);
            self.earlier.write_state(writer);
            match self.later() {
                Some(later) => later.write_state(writer),
                None => {
                    writer.array(0);
                }
            }
            more(writer);
        })
    }

    /// Turns this member into the one that [`EpochMember::seal_state`] sealed, where it lies, as [`Member::wake`]: with the
    /// personal keys of the epochs that it held, in any order. `more` reads the caller's item.
    ///
    /// # Errors
    /// [`Error::Group`] for personal keys of two groups, [`Error::Epoch`] unless their epochs follow each other,
    /// [`Error::Aead`] also for other personal keys than those held; otherwise as [`Member::wake`]; those of `more`.
    pub fn wake(
        &mut self,
        (personal_key, other): (PersonalKey<S>, Option<PersonalKey<S>>),
        key: &Secret<16>,
        sealed: &mut [u8],
        oldest: HighWater,
        more: impl FnOnce(&Authority, &mut Reader<'_>) -> Result<()>,
    ) -> Result<()> {
        let done = self
            .begin(personal_key, other)
            .and_then(|()| self.unseal(key, sealed))
            .and_then(|mut reader| self.read_sealed(&mut reader, oldest, more));
        sealed.zeroize();
        if done.is_err() {
            *self = Self::VACANT;
        }
        done
    }

    /// Puts the personal keys into their places; nobody is believed yet.
    fn begin(&mut self, personal_key: PersonalKey<S>, other: Option<PersonalKey<S>>) -> Result<()> {
        *self = Self::VACANT;
        let nobody = Authority::nobody(personal_key.gid());
        let Some(other) = other else {
            return self.earlier.begin(personal_key, nobody);
        };
        let (earlier, later) = if personal_key.epoch() < other.epoch() {
            (personal_key, other)
        } else {
            (other, personal_key)
        };
        if earlier.epoch().checked_add(1) != Some(later.epoch()) {
            return Err(Error::Epoch);
        }
        self.earlier.begin(earlier, nobody)?;
        self.later.begin(later, nobody)
    }

    // apart, so that the stack of the cipher is free again when the state is read
    #[inline(never)]
    fn unseal<'a>(&self, key: &Secret<16>, sealed: &'a mut [u8]) -> Result<Reader<'a>> {
        match &self.binding() {
            Ok(binding) => state::open(key, binding, sealed),
            Err(error) => Err(*error),
        }
    }

    fn read_sealed(
        &mut self,
        reader: &mut Reader<'_>,
        oldest: HighWater,
        more: impl FnOnce(&Authority, &mut Reader<'_>) -> Result<()>,
    ) -> Result<()> {
        read_array(reader, ELEMENTS)?;
        let authority = Authority::new(self.authority().gid(), PublicKey::read(reader)?)
            .with_max_len(usize::try_from(reader.uint()?).unwrap_or(usize::MAX));
        self.earlier.authority = authority;
        self.earlier.read_state(reader)?;
        if self.later.is_vacant() {
            read_array(reader, 0)?;
        } else {
            self.later.authority = authority;
            self.later.read_state(reader)?;
        }
        self.end_earlier()?;
        if self.high_water() < oldest {
            return Err(Error::Rollback);
        }
        more(&authority, reader)
    }

    fn binding(&self) -> Result<Binding> {
        let later = self.later().map(|later| later.personal_key().as_bytes());
        let earlier = self.earlier.personal_key().as_bytes();
        Binding::of_epochs([earlier, later.unwrap_or_default()])
    }
}
