//! The token word: the 32-byte storage word of `issued[client][res]` (spec 5.1).
//!
//! ```text
//! byte  0      4         8       14      18       22          27         32
//!       | extra | issuedAt | serial | epoch | claims | expiresAt | notBefore |
//! ```

use iotchain_core::{Error, Result, UnixTime};

/// A word of contract storage, read from the ledger or proved against it.
pub type StorageWord = [u8; 32];

const SERIAL_MAX: u64 = (1 << 48) - 1;

/// The fields of a token word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenWord {
    /// Application data.
    pub extra: u32,
    /// Number of the block that issued the token.
    pub issued_at: u32,
    /// Never reused, below 2^48; 0 means there is no token.
    pub serial: u64,
    /// Epoch of the resource at issuance.
    pub epoch: u32,
    /// Claims, not yet checked; four zero bytes in a tombstone.
    pub claims: [u8; 4],
    /// End of validity, exclusive, below 2^40.
    pub expires_at: UnixTime,
    /// Block time of issuance, below 2^40.
    pub not_before: UnixTime,
}

impl TokenWord {
    /// From the storage word.
    ///
    /// # Errors
    /// [`Error::Truncated`] below and [`Error::Trailing`] above 32 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let [
            e0,
            e1,
            e2,
            e3,
            i0,
            i1,
            i2,
            i3,
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            p0,
            p1,
            p2,
            p3,
            c0,
            c1,
            c2,
            c3,
            x0,
            x1,
            x2,
            x3,
            x4,
            n0,
            n1,
            n2,
            n3,
            n4,
        ] = *storage_word(bytes)?;
        Ok(Self {
            extra: u32::from_be_bytes([e0, e1, e2, e3]),
            issued_at: u32::from_be_bytes([i0, i1, i2, i3]),
            serial: u64::from_be_bytes([0, 0, s0, s1, s2, s3, s4, s5]),
            epoch: u32::from_be_bytes([p0, p1, p2, p3]),
            claims: [c0, c1, c2, c3],
            expires_at: UnixTime::new(u64::from_be_bytes([0, 0, 0, x0, x1, x2, x3, x4])),
            not_before: UnixTime::new(u64::from_be_bytes([0, 0, 0, n0, n1, n2, n3, n4])),
        })
    }

    /// The storage word.
    ///
    /// # Errors
    /// [`Error::Type`] if the serial needs more than 48 bits or a time more than 40.
    pub fn encode(&self) -> Result<StorageWord> {
        if self.serial > SERIAL_MAX
            || !self.expires_at.is_encodable()
            || !self.not_before.is_encodable()
        {
            return Err(Error::Type);
        }
        let [e0, e1, e2, e3] = self.extra.to_be_bytes();
        let [i0, i1, i2, i3] = self.issued_at.to_be_bytes();
        let [_, _, s0, s1, s2, s3, s4, s5] = self.serial.to_be_bytes();
        let [p0, p1, p2, p3] = self.epoch.to_be_bytes();
        let [c0, c1, c2, c3] = self.claims;
        let [_, _, _, x0, x1, x2, x3, x4] = self.expires_at.get().to_be_bytes();
        let [_, _, _, n0, n1, n2, n3, n4] = self.not_before.get().to_be_bytes();
        Ok([
            e0, e1, e2, e3, i0, i1, i2, i3, s0, s1, s2, s3, s4, s5, p0, p1, p2, p3, c0, c1, c2, c3,
            x0, x1, x2, x3, x4, n0, n1, n2, n3, n4,
        ])
    }

    /// Whether no token was ever issued here (serial 0).
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        self.serial == 0
    }

    /// Whether this is what a deletion leaves behind: a serial without claims (A14).
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.serial != 0 && self.claims == [0; 4]
    }
}

/// Exactly 32 bytes.
pub(crate) fn storage_word(bytes: &[u8]) -> Result<&StorageWord> {
    bytes.try_into().map_err(|_| {
        if bytes.len() < 32 {
            Error::Truncated
        } else {
            Error::Trailing
        }
    })
}
