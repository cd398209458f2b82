//! The challenge N_S: a key server recognises its own without remembering it (spec 5.6).
//!
//! ```text
//! N_S (28 bytes) = BE32(t) || rnd(8) || HMAC-SHA-256(k_c, "IoTC1-CH" || BE32(t) || rnd || BE64(chain)
//!                                                       || contract || client || cb_type || cb)[0..16]
//! ```

use crate::channel::ChannelBinding;
use crate::token_ref::TokenRef;
use iotchain_core::hash::hmac_sha256;
use iotchain_core::{Error, Result, Secret, TryCryptoRng, UnixTime};
use subtle::ConstantTimeEq;

const LABEL: &[u8] = b"IoTC1-CH";
/// Seconds a challenge lives.
pub(crate) const LIFE: u64 = 60;
/// Seconds a challenge may seem to come from the future: key servers of one group may share k_c, not a clock.
const AHEAD: u64 = 5;

/// N_S, 28 bytes. Whether it is genuine only its key tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge([u8; Self::LEN]);

impl Challenge {
    /// Length in bytes.
    pub const LEN: usize = 28;

    /// From its bytes.
    ///
    /// # Errors
    /// [`Error::Challenge`] unless 28 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| Error::Challenge)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// When it ends: t + 60 s.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        UnixTime::new(self.issued_at() as u64).saturating_add(LIFE)
    }

    const fn issued_at(&self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    const fn random(&self) -> [u8; 8] {
        let [_, _, _, _, a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

/// k_c, 32 bytes: makes and recognises challenges. Random per process and changed daily.
#[derive(Clone, Debug)]
pub struct ChallengeKey(Secret<32>);

impl ChallengeKey {
    /// From its 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// A random key.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails.
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self> {
        random(rng).map(Self::new)
    }

    /// A challenge for `token` on the connection bound by `binding`.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails; [`Error::ChallengeExpired`] if `now` is beyond 32 bits (year 2106).
    pub fn issue(
        &self,
        rng: &mut impl TryCryptoRng,
        now: UnixTime,
        token: &TokenRef,
        binding: &ChannelBinding,
    ) -> Result<Challenge> {
        let issued_at = u32::try_from(now.get()).map_err(|_| Error::ChallengeExpired)?;
        Ok(self.make(issued_at, random(rng)?, token, binding))
    }

    /// Whether `challenge` is one of ours for this token and connection, and of this minute.
    ///
    /// # Errors
    /// [`Error::Challenge`] if it is not ours or was issued for another token or connection;
    /// [`Error::ChallengeExpired`] unless t - 5 <= now < t + 60.
    pub fn check(
        &self,
        challenge: &Challenge,
        now: UnixTime,
        token: &TokenRef,
        binding: &ChannelBinding,
    ) -> Result<()> {
        if !self.recognises(challenge, token, binding) {
            return Err(Error::Challenge);
        }
        check_age(challenge, now)
    }

    pub(crate) fn recognises(
        &self,
        challenge: &Challenge,
        token: &TokenRef,
        binding: &ChannelBinding,
    ) -> bool {
        let ours = self.make(challenge.issued_at(), challenge.random(), token, binding);
        ours.0.ct_eq(&challenge.0).into()
    }

    fn make(
        &self,
        issued_at: u32,
        random: [u8; 8],
        token: &TokenRef,
        binding: &ChannelBinding,
    ) -> Challenge {
        let time = issued_at.to_be_bytes();
        let mac = hmac_sha256(
            self.0.expose(),
            &[
                LABEL,
                &time,
                &random,
                &token.chain.to_be_bytes(),
                token.contract.as_bytes(),
                token.client.as_bytes(),
                &[binding.cb_type()],
                binding.value(),
            ],
        );
        let mut bytes = [0; Challenge::LEN];
        let fields = time.iter().chain(&random).chain(&mac);
        bytes
            .iter_mut()
            .zip(fields)
            .for_each(|(slot, byte)| *slot = *byte);
        Challenge(bytes)
    }
}

pub(crate) fn check_age(challenge: &Challenge, now: UnixTime) -> Result<()> {
    let issued_at = UnixTime::new(challenge.issued_at().into());
    if now >= challenge.expires_at() || issued_at > now.saturating_add(AHEAD) {
        return Err(Error::ChallengeExpired);
    }
    Ok(())
}

fn random<const N: usize>(rng: &mut impl TryCryptoRng) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rng.try_fill_bytes(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}
