//! The signed envelope of a session broadcast (spec 3.2, 3.3 steps 1 to 3).
//!
//! ```text
//! COSE_Sign1, untagged:
//! [ << {1: sign_alg, 4: ks[0..8], 10: gid || min(j)} >>, {}, << payload >>, signature(64) ]
//! Sig_structure: ["Signature1", protected, << ["IoTC1", "bcast"] >>, payload]        (RFC 9052, 4.4)
//! ```

use crate::incoming::{EXTERNAL_AAD, Incoming, KEY_ID_LEN, Piece, Pinned};
use iotchain_core::cbor::{Major, Reader, Writer};
use iotchain_core::sign::sig_structure;
use iotchain_core::{Error, Gid, KidContext, PublicKey, Result, Session, SignAlg, Signer};

/// Room for a protected header: map head, alg (2 or 3), key id (10), kid context (10).
const MAX_PROTECTED: usize = 24;

/// Longest broadcast accepted unless the group says otherwise, in bytes (spec 1.2).
pub const DEFAULT_MAX_LEN: usize = 4096;
/// Longest broadcast a group may be configured for, in bytes (spec 3.3).
pub const LARGEST_MAX_LEN: usize = 65535;
/// Most bytes that the envelope adds to a payload.
pub const MAX_OVERHEAD: usize = 99;

/// The pinned key server of one group: whose broadcasts a member believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    pinned: Pinned,
    key: PublicKey,
    max_len: usize,
}

impl Authority {
    /// Nobody: a key that is no point of its curve, for a member of no group.
    pub(crate) const NOBODY: Self = Self {
        pinned: Pinned {
            gid: Gid::new([0; 4]),
            alg: SignAlg::Es256k,
            key_id: [0; KEY_ID_LEN],
        },
        key: PublicKey::ec2(SignAlg::Es256k, [0; 32], [0; 32]),
        max_len: 0,
    };

    /// Nobody yet, for the group `gid`.
    pub(crate) const fn nobody(gid: Gid) -> Self {
        let mut nobody = Self::NOBODY;
        nobody.pinned.gid = gid;
        nobody
    }

    /// The group `gid` whose broadcasts are signed with `key`; the key names the algorithm.
    #[must_use]
    pub fn new(gid: Gid, key: PublicKey) -> Self {
        Self {
            pinned: Pinned {
                gid,
                alg: key.alg(),
                key_id: key_id(&key),
            },
            key,
            max_len: DEFAULT_MAX_LEN,
        }
    }

    /// Accepts broadcasts of up to `bytes` bytes, at most [`LARGEST_MAX_LEN`].
    #[must_use]
    pub fn with_max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes.min(LARGEST_MAX_LEN);
        self
    }

    /// The group instance.
    #[must_use]
    pub const fn gid(&self) -> Gid {
        self.pinned.gid
    }

    /// The key of the key server.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The algorithm of its signatures.
    #[must_use]
    pub const fn sign_alg(&self) -> SignAlg {
        self.pinned.alg
    }

    /// What the header of its broadcasts says.
    pub(crate) const fn pinned(&self) -> Pinned {
        self.pinned
    }

    /// Longest accepted broadcast in bytes.
    #[must_use]
    pub const fn max_len(&self) -> usize {
        self.max_len
    }

    /// Refuses a broadcast that is too long (spec 3.3, step 1).
    pub(crate) const fn check_size(&self, len: usize) -> Result<()> {
        if len > self.max_len {
            Err(Error::Size)
        } else {
            Ok(())
        }
    }
}

fn key_id(key: &PublicKey) -> [u8; KEY_ID_LEN] {
    key.thumbprint()
        .as_bytes()
        .first_chunk()
        .copied()
        .unwrap_or_default()
}

/// What a broadcast is before anything of it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Signed,
    Beacon,
}

/// Tells a beacon from a signed message by the first item of the outer array (spec 3.2). What is neither is read as a signed message,
/// whose strict reader says what is wrong with it.
pub(crate) fn form(message: &[u8]) -> Form {
    let mut reader = Reader::new(message);
    match reader.array().map(|_| reader.peek()) {
        Ok(Some(Major::Uint)) => Form::Beacon,
        _ => Form::Signed,
    }
}

/// A broadcast whose signature is verified. Only [`Envelope::open`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    session: Session,
    payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Verifies a signed broadcast; the first failing step decides (spec 3.3, steps 1 to 3).
    ///
    /// # Errors
    /// [`Error::Size`], a format error (1 to 11), [`Error::Type`], [`Error::Crit`], [`Error::Header`], [`Error::Alg`],
    /// [`Error::Kid`], [`Error::Group`], [`Error::Sig`].
    // the stack of the signature is free again when the payload is read
    #[inline(never)]
    pub fn open(authority: &Authority, message: &'a [u8]) -> Result<Self> {
        authority.check_size(message.len())?;
        let mut incoming = Incoming::new(authority.pinned);
        let mut session = Session::default();
        incoming.push(message, &mut |piece| {
            if let Piece::Protected(_, named) = piece {
                session = named;
            }
            Ok(())
        })?;
        let signature = incoming.finish()?;
        let mut reader = Reader::new(message);
        reader.array()?;
        let protected = reader.bytes()?;
        reader.map()?;
        let payload = reader.bytes()?;
        sig_structure(protected, EXTERNAL_AAD, payload, |parts| {
            authority.key.verify(authority.sign_alg(), parts, signature)
        })?;
        Ok(Self { session, payload })
    }

    /// Signs `payload` as the message of `session` to the front of `out`; the length written, at most
    /// [`MAX_OVERHEAD`] more than the payload.
    ///
    /// # Errors
    /// [`Error::Size`] if the message could exceed [`LARGEST_MAX_LEN`]; [`Error::Buffer`]; the error of the signer.
    pub fn seal(
        signer: &impl Signer,
        gid: Gid,
        session: Session,
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        if payload.len() > LARGEST_MAX_LEN.saturating_sub(MAX_OVERHEAD) {
            return Err(Error::Size);
        }
        let mut buffer = [0; MAX_PROTECTED];
        let key = signer.public();
        let mut writer = Writer::new(&mut buffer);
        writer
            .map(3)
            .uint(1)
            .int(key.alg().cose())
            .uint(4)
            .bytes(&key_id(&key))
            .uint(10);
        KidContext { gid, session }.with_bytes(|context| {
            writer.bytes(context);
        });
        let len = writer.finish()?;
        let protected = buffer.get(..len).unwrap_or_default();
        let signature =
            sig_structure(protected, EXTERNAL_AAD, payload, |parts| signer.sign(parts))?;
        let mut writer = Writer::new(out);
        writer
            .array(4)
            .bytes(protected)
            .map(0)
            .bytes(payload)
            .bytes(&signature);
        writer.finish()
    }

    /// The session j that the message belongs to.
    #[must_use]
    pub const fn session(&self) -> Session {
        self.session
    }

    /// The signed payload.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}
