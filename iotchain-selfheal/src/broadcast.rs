//! The signed envelope of a session broadcast (spec 3.2, 3.3 steps 1 to 3).
//!
//! ```text
//! COSE_Sign1, untagged:
//! [ << {1: sign_alg, 4: ks[0..8], 10: gid || min(j)} >>, {}, << payload >>, signature(64) ]
//! Sig_structure: ["Signature1", protected, << ["IoTC1", "bcast"] >>, payload]        (RFC 9052, 4.4)
//! ```

use iotchain_core::cbor::{self, Major, Reader, Writer};
use iotchain_core::sign::sig_structure;
use iotchain_core::{Error, Gid, KidContext, PublicKey, Result, Session, SignAlg, Signer};

/// External additional data of every broadcast signature: `["IoTC1", "bcast"]`.
const EXTERNAL_AAD: &[u8] = b"\x82\x65IoTC1\x65bcast";
/// Room for a protected header: map head, alg (2 or 3), key id (10), kid context (10).
const MAX_PROTECTED: usize = 24;
/// Bytes of the key server's thumbprint that name the signer.
const KEY_ID_LEN: usize = 8;

/// Longest broadcast accepted unless the group says otherwise, in bytes (spec 1.2).
pub const DEFAULT_MAX_LEN: usize = 4096;
/// Longest broadcast a group may be configured for, in bytes (spec 3.3).
pub const LARGEST_MAX_LEN: usize = 65535;
/// Most bytes that the envelope adds to a payload.
pub const MAX_OVERHEAD: usize = 99;

/// The pinned key server of one group: whose broadcasts a member believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    gid: Gid,
    key: PublicKey,
    key_id: [u8; KEY_ID_LEN],
    max_len: usize,
}

impl Authority {
    /// The group `gid` whose broadcasts are signed with `key`; the key names the algorithm.
    #[must_use]
    pub fn new(gid: Gid, key: PublicKey) -> Self {
        Self {
            gid,
            key,
            key_id: key_id(&key),
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
        self.gid
    }

    /// The key of the key server.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The algorithm of its signatures.
    #[must_use]
    pub const fn sign_alg(&self) -> SignAlg {
        self.key.alg()
    }

    /// Longest accepted broadcast in bytes.
    #[must_use]
    pub const fn max_len(&self) -> usize {
        self.max_len
    }

    /// Refuses a broadcast that is too long or not one strict CBOR item (spec 3.3, step 1).
    pub(crate) fn check_format(&self, message: &[u8]) -> Result<()> {
        if message.len() > self.max_len {
            return Err(Error::Size);
        }
        cbor::check(message)
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

/// Tells a signed message from a beacon by the first item of the outer array (spec 3.2). Call on a checked item.
pub(crate) fn form(message: &[u8]) -> Result<Form> {
    let mut reader = Reader::new(message);
    reader.array()?;
    match reader.peek() {
        Some(Major::Bytes) => Ok(Form::Signed),
        Some(Major::Uint) => Ok(Form::Beacon),
        _ => Err(Error::Type),
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
    pub fn open(authority: &Authority, message: &'a [u8]) -> Result<Self> {
        authority.check_format(message)?;
        let mut reader = Reader::new(message);
        if reader.array()? != 4 {
            return Err(Error::Type);
        }
        let protected = reader.bytes()?;
        let unprotected = reader.map()?;
        for _ in 0..unprotected {
            reader.skip()?;
            reader.skip()?;
        }
        let payload = reader.bytes()?;
        let signature = reader.bytes()?;
        let session = read_protected(authority, protected, unprotected == 0)?;
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

/// Labels of the protected header with their values, before they are compared.
#[derive(Default)]
struct Protected<'a> {
    alg: Option<i64>,
    key_id: Option<&'a [u8]>,
    kid_context: Option<&'a [u8]>,
}

/// Step 2 of 3.3: exactly the labels 1, 4 and 10, each as pinned. Gives the session.
fn read_protected(
    authority: &Authority,
    bytes: &[u8],
    unprotected_is_empty: bool,
) -> Result<Session> {
    // an empty protected header is h'' (spec 1.2); as a header set it is simply incomplete
    if bytes.is_empty() {
        return Err(Error::Header);
    }
    cbor::check(bytes)?;
    if has_label(bytes, 2)? {
        return Err(Error::Crit);
    }
    let mut reader = Reader::new(bytes);
    let pairs = reader.map()?;
    if pairs != 3 || !unprotected_is_empty {
        return Err(Error::Header);
    }
    let exact = [1, 4, 10]
        .iter()
        .try_fold(true, |all, label| Ok(all & has_label(bytes, *label)?))?;
    if !exact {
        return Err(Error::Header);
    }
    let mut header = Protected::default();
    for _ in 0..pairs {
        match reader.int()? {
            1 => header.alg = Some(reader.int()?),
            4 => header.key_id = Some(reader.bytes()?),
            _ => header.kid_context = Some(reader.bytes()?),
        }
    }
    if header.alg != Some(authority.sign_alg().cose()) {
        return Err(Error::Alg);
    }
    if header.key_id != Some(&authority.key_id) {
        return Err(Error::Kid);
    }
    let context = KidContext::parse(header.kid_context.ok_or(Error::Header)?)?;
    if context.gid != authority.gid {
        return Err(Error::Group);
    }
    Ok(context.session)
}

/// Whether a checked map has the integer key `label`.
fn has_label(map: &[u8], label: i64) -> Result<bool> {
    let mut reader = Reader::new(map);
    for _ in 0..reader.map()? {
        if reader.peek() == Some(Major::Text) {
            reader.skip()?;
        } else if reader.int() == Ok(label) {
            return Ok(true);
        }
        reader.skip()?;
    }
    Ok(false)
}
