//! Join Response, Content-Format 261 (RFC 9594, 4.3.1; spec 4.3).
//!
//! ```text
//! {7: gkty, 8: key map, 9: num = j, 10: profile, 11: exp, 12: exi, ? 13: creds, ? 14: peer_roles,
//!  ? 15: peer_identifiers, ? 16: policies, 17: kdc_cred, 18: kdc_nonce, 19: kdc_cred_verify, 20: rekeying_scheme,
//!  27: S_i, ? 28: control_group_uri, ? -65538: [event, beacon] or [message], ? -65539: S_i of the next epoch}
//! ```
//!
//! K_j is not in it: S_i and the broadcast yield it (paper, II-E).

use super::credential::Ccs;
use super::kdc::verify_kdc_proof;
use super::key_map::KeyMap;
use super::list::List;
use super::parameter::{PRIVATE_USE, Unknown, check_nonce, each_parameter, wrap};
use super::personal_key::PersonalKeyHead;
use super::policies::GroupPolicies;
use core::fmt;
use iotchain_core::cbor::{self, Reader, Writer};
use iotchain_core::{
    Address, Error, Gid, KidContext, PublicKey, Result, Roles, Session, Sid, Signature, Thumbprint,
    UnixTime,
};

const GKTY: i64 = 7;
const KEY: i64 = 8;
const NUM: i64 = 9;
const PROFILE: i64 = 10;
const EXP: i64 = 11;
const EXI: i64 = 12;
const CREDS: i64 = 13;
const PEER_ROLES: i64 = 14;
const PEER_IDENTIFIERS: i64 = 15;
const GROUP_POLICIES: i64 = 16;
const KDC_CRED: i64 = 17;
const KDC_NONCE: i64 = 18;
const KDC_CRED_VERIFY: i64 = 19;
const REKEYING_SCHEME: i64 = 20;
const MGT_KEY_MATERIAL: i64 = 27;
const CONTROL_GROUP_URI: i64 = 28;
const BROADCASTS: i64 = -65538;
const NEXT_PERSONAL_KEY: i64 = -65539;

/// kid context in the protected header of a broadcast.
const KID_CONTEXT: i64 = 10;

/// Everything a member needs to take part. Its `Debug` form leaves the secrets out.
#[derive(Clone)]
pub struct JoinResponse<'a> {
    /// Identity and parameters of the member.
    pub key_map: KeyMap<'a>,
    /// The current session j.
    pub session: Session,
    /// End of membership.
    pub expires_at: UnixTime,
    /// Seconds until then by the key server's clock.
    pub expires_in: u64,
    /// Credentials of producers and of senders of signed objects; with the next two, one entry per peer.
    pub creds: List<'a, Ccs>,
    /// Their roles, as in their sids.
    pub peer_roles: List<'a, Roles>,
    /// Their sids.
    pub peer_identifiers: List<'a, Sid>,
    /// Policies of the group.
    pub policies: Option<GroupPolicies>,
    /// The signing key of the key server.
    pub key_server: PublicKey,
    /// The key server's nonce, 8 to 32 bytes.
    pub kdc_nonce: &'a [u8],
    /// The key server's proof of its key, made by [`super::kdc_proof`].
    pub kdc_proof: Signature,
    /// S_i, encoded.
    pub personal_key: &'a [u8],
    /// Where broadcasts are multicast to.
    pub control_uri: Option<&'a str>,
    /// The latest broadcast, encoded: event and beacon, or one message. Empty if none is sent along.
    pub broadcasts: List<'a, &'a [u8]>,
    /// S_i of the next epoch, encoded, once the key server has prepared that (spec 4.7).
    pub next_personal_key: Option<&'a [u8]>,
}

/// One producer or sender of signed objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its sid; the roles are its first byte.
    pub sid: Sid,
    /// Its address: only the owner of this address may be represented under the key (A4).
    pub subject: Address,
    /// Its signing key.
    pub key: PublicKey,
}

impl<'a> JoinResponse<'a> {
    /// Longest acceptable encoding in bytes (A20).
    pub const MAX_LEN: usize = 8192;

    /// Reads a response. It stays unverified until the key server's proof was checked.
    ///
    /// # Errors
    /// [`Error::Size`]; the CBOR errors 1 to 11; [`Error::Type`] for missing or ill-typed parameters and for fields that
    /// contradict each other; [`Error::Scheme`] for another rekeying scheme; [`Error::Alg`] outside the suites or if
    /// the key server's key is not of the group's algorithm; [`Error::Kid`] for a sid of wrong shape or given twice;
    /// [`Error::Group`] unless key map, both S_i and broadcast are of one gid; [`Error::Header`] for a broadcast without
    /// one; [`Error::Epoch`] if the next S_i is not of the epoch after that of S_i, [`Error::Type`] if that epoch has
    /// opened already.
    pub fn parse(bytes: &'a [u8]) -> Result<UnverifiedJoin<'a>> {
        if bytes.len() > Self::MAX_LEN {
            return Err(Error::Size);
        }
        // looked at where it lies: every copy costs a device 300 bytes of stack
        let response = read(bytes);
        if let Ok(UnverifiedJoin(response)) = &response {
            response.check()?;
        }
        response
    }

    // apart, so that its stack is free again when the proof is verified
    #[inline(never)]
    fn check(&self) -> Result<()> {
        self.check_peers()?;
        self.check_group()?;
        if self.key_server.alg() != self.key_map.suite.sign {
            return Err(Error::Alg);
        }
        if self.expires_in > self.expires_at.get() {
            return Err(Error::Type);
        }
        Ok(())
    }

    /// Writes the encoding and returns its length.
    ///
    /// # Errors
    /// [`Error::Type`] if the three peer lists differ in length; [`Error::Size`] above [`JoinResponse::MAX_LEN`];
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        // the response holds keys: nothing of it may stay behind in a buffer that is not sent
        self.write(out).inspect_err(|_| out.fill(0))
    }

    /// The peers, one by one.
    pub fn peers(&self) -> impl Iterator<Item = Peer> + use<'a> {
        self.peer_identifiers
            .iter()
            .zip(self.creds.iter())
            .filter_map(|(sid, Ccs { subject, key })| {
                let subject = subject?.address;
                Some(Peer { sid, subject, key })
            })
    }

    /// The time at the key server when it answered: `exp - exi` (A15).
    #[must_use]
    pub const fn key_server_time(&self) -> UnixTime {
        self.expires_at.saturating_sub(self.expires_in)
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let peers = self.creds.len();
        if self.peer_roles.len() != peers || self.peer_identifiers.len() != peers {
            return Err(Error::Type);
        }
        let mut writer = Writer::new(out);
        writer.map(self.pairs());
        writer.int(GKTY).int(PRIVATE_USE).int(KEY);
        self.key_map.write(&mut writer)?;
        writer.int(NUM).uint(self.session.get().into());
        writer.int(PROFILE).int(PRIVATE_USE);
        writer.int(EXP).uint(self.expires_at.get());
        writer.int(EXI).uint(self.expires_in);
        if peers > 0 {
            writer.int(CREDS);
            self.creds.write(&mut writer)?;
            writer.int(PEER_ROLES);
            self.peer_roles.write(&mut writer)?;
            writer.int(PEER_IDENTIFIERS);
            self.peer_identifiers.write(&mut writer)?;
        }
        if let Some(policies) = &self.policies {
            writer.int(GROUP_POLICIES);
            policies.write(&mut writer);
        }
        writer.int(KDC_CRED);
        wrap::<{ Ccs::MAX_LEN }>(&mut writer, |out| {
            Ccs::key_server(self.key_server).encode(out)
        })?;
        writer.int(KDC_NONCE).bytes(self.kdc_nonce);
        writer.int(KDC_CRED_VERIFY).bytes(&self.kdc_proof);
        writer.int(REKEYING_SCHEME).int(PRIVATE_USE);
        writer.int(MGT_KEY_MATERIAL).bytes(self.personal_key);
        if let Some(uri) = self.control_uri {
            writer.int(CONTROL_GROUP_URI).text(uri);
        }
        if !self.broadcasts.is_empty() {
            writer.int(BROADCASTS);
            self.broadcasts.write(&mut writer)?;
        }
        if let Some(next) = self.next_personal_key {
            writer.int(NEXT_PERSONAL_KEY).bytes(next);
        }
        if writer.position() > Self::MAX_LEN {
            return Err(Error::Size);
        }
        writer.finish()
    }

    fn pairs(&self) -> u64 {
        let peers = if self.creds.is_empty() { 0 } else { 3 };
        let optional = [
            self.policies.is_some(),
            self.control_uri.is_some(),
            !self.broadcasts.is_empty(),
            self.next_personal_key.is_some(),
        ];
        optional
            .into_iter()
            .map(u64::from)
            .fold(11, u64::wrapping_add)
            .wrapping_add(peers)
    }

    /// One entry per peer in each list, every key with its owner, roles as in the sid, no sid twice, all sids of the
    /// length of the member's own.
    fn check_peers(&self) -> Result<()> {
        let (creds, roles, sids) = (&self.creds, &self.peer_roles, &self.peer_identifiers);
        if creds.len() != roles.len() || creds.len() != sids.len() {
            return Err(Error::Type);
        }
        if creds.iter().any(|credential| credential.subject.is_none()) {
            return Err(Error::Type);
        }
        let sid_len = self.key_map.sid.as_bytes().len();
        for (place, (sid, role)) in sids.iter().zip(roles.iter()).enumerate() {
            if sid.as_bytes().len() != sid_len
                || sids.iter().take(place).any(|earlier| earlier == sid)
            {
                return Err(Error::Kid);
            }
            if sid.roles() != role {
                return Err(Error::Type);
            }
        }
        Ok(())
    }

    fn check_group(&self) -> Result<()> {
        if self.broadcasts.len() > 2 {
            return Err(Error::Type);
        }
        let announced = self
            .broadcasts
            .iter()
            .next()
            .map(broadcast_gid)
            .transpose()?;
        let gid = self.key_map.gid;
        let own = PersonalKeyHead::read(self.personal_key)?;
        let next = self.next_personal_key.map(PersonalKeyHead::read);
        let next = next.transpose()?;
        let elsewhere = |other: Gid| other != gid;
        if elsewhere(own.gid)
            || announced.is_some_and(elsewhere)
            || next.as_ref().is_some_and(|next| elsewhere(next.gid))
        {
            return Err(Error::Group);
        }
        next.map_or(Ok(()), |next| next.check_after(own))
    }
}

impl fmt::Debug for JoinResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinResponse")
            .field("key_map", &self.key_map)
            .field("session", &self.session)
            .field("expires_at", &self.expires_at)
            .field("peer_identifiers", &self.peer_identifiers)
            .field("key_server", &self.key_server)
            .finish_non_exhaustive()
    }
}

/// A response whose sender is not known yet.
#[derive(Clone, Debug)]
pub struct UnverifiedJoin<'a>(JoinResponse<'a>);

impl<'a> UnverifiedJoin<'a> {
    /// Checks that the key server holds its key and answered this request. `key_server` is the thumbprint pinned when
    /// the challenge came, `cnonce` the nonce of the request.
    ///
    /// # Errors
    /// [`Error::Kid`] if the key is not the pinned one; [`Error::Type`] if `cnonce` has not 8 to 32 bytes;
    /// [`Error::Sig`] if the proof is not over these nonces.
    #[inline]
    pub fn verify(self, cnonce: &[u8], key_server: &Thumbprint) -> Result<JoinResponse<'a>> {
        self.verified(cnonce, key_server)?;
        Ok(self.0)
    }

    /// As [`UnverifiedJoin::verify`], for a response that stays where it lies: a signature needs stack enough of its own.
    ///
    /// # Errors
    /// As [`UnverifiedJoin::verify`].
    #[inline(never)]
    pub fn verified(&self, cnonce: &[u8], key_server: &Thumbprint) -> Result<&JoinResponse<'a>> {
        let Self(response) = self;
        if response.key_server.thumbprint() != *key_server {
            return Err(Error::Kid);
        }
        verify_kdc_proof(
            &response.key_server,
            cnonce,
            response.kdc_nonce,
            &response.kdc_proof,
        )?;
        Ok(response)
    }
}

#[inline(never)]
fn read(bytes: &[u8]) -> Result<UnverifiedJoin<'_>> {
    let (mut key_map, mut num, mut exp, mut exi) = (None, None, None, None);
    let (mut gkty, mut profile, mut scheme) = (None, None, None);
    let (mut creds, mut peer_roles, mut peer_identifiers) = (List::EMPTY, List::EMPTY, List::EMPTY);
    let (mut policies, mut key_server, mut kdc_nonce, mut kdc_proof) = (None, None, None, None);
    let (mut personal_key, mut control_uri, mut broadcasts) = (None, None, List::EMPTY);
    let mut next_personal_key = None;
    each_parameter(bytes, Unknown::Skip, |label, reader| {
        match label {
            GKTY => gkty = Some(reader.int()?),
            KEY => key_map = Some(KeyMap::read(reader)?),
            NUM => num = Some(Session::new(reader.u32()?)),
            PROFILE => profile = Some(reader.int()?),
            EXP => exp = Some(UnixTime::new(reader.uint()?)),
            EXI => exi = Some(reader.uint()?),
            CREDS => creds = List::read(reader)?,
            PEER_ROLES => peer_roles = List::read(reader)?,
            PEER_IDENTIFIERS => peer_identifiers = List::read(reader)?,
            GROUP_POLICIES => policies = Some(GroupPolicies::read(reader)?),
            KDC_CRED => key_server = Some(Ccs::parse(reader.bytes()?)?.key),
            KDC_NONCE => kdc_nonce = Some(check_nonce(reader.bytes()?)?),
            KDC_CRED_VERIFY => kdc_proof = Some(*reader.array_of()?),
            REKEYING_SCHEME => scheme = Some(reader.int()?),
            MGT_KEY_MATERIAL => personal_key = Some(reader.bytes()?),
            CONTROL_GROUP_URI => control_uri = Some(reader.text()?),
            BROADCASTS => broadcasts = List::read(reader)?,
            NEXT_PERSONAL_KEY => next_personal_key = Some(reader.bytes()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if gkty != Some(PRIVATE_USE) || profile != Some(PRIVATE_USE) {
        return Err(Error::Type);
    }
    match scheme {
        Some(PRIVATE_USE) => {}
        Some(_) => return Err(Error::Scheme),
        None => return Err(Error::Type),
    }
    Ok(UnverifiedJoin(JoinResponse {
        key_map: key_map.ok_or(Error::Type)?,
        session: num.filter(|num| num.get() > 0).ok_or(Error::Type)?,
        expires_at: exp.filter(|exp| exp.is_encodable()).ok_or(Error::Type)?,
        expires_in: exi.ok_or(Error::Type)?,
        creds,
        peer_roles,
        peer_identifiers,
        policies,
        key_server: key_server.ok_or(Error::Type)?,
        kdc_nonce: kdc_nonce.ok_or(Error::Type)?,
        kdc_proof: kdc_proof.ok_or(Error::Type)?,
        personal_key: personal_key.ok_or(Error::Type)?,
        control_uri,
        broadcasts,
        next_personal_key,
    }))
}

/// The gid in the kid context of a signed broadcast.
fn broadcast_gid(broadcast: &[u8]) -> Result<Gid> {
    cbor::check(broadcast)?;
    let mut reader = Reader::new(broadcast);
    if reader.array()? != 4 {
        return Err(Error::Type);
    }
    let mut gid = None;
    each_parameter(reader.bytes()?, Unknown::Skip, |label, reader| {
        if label == KID_CONTEXT {
            gid = Some(KidContext::parse(reader.bytes()?)?.gid);
        }
        Ok(label == KID_CONTEXT)
    })?;
    gid.ok_or(Error::Header)
}
