//! Sealing objects: who may seal what, under which key and number (spec 2.3, 2.4).

use crate::boot::Boot;
use crate::content::Content;
use crate::draft::Draft;
use crate::exchange::check_token;
use crate::header::Claims;
use crate::keys::{Places, Scope};
use crate::nonces::{Checkpoint, Nonces};
use crate::origin::Origin;
use crate::structure::Binding;
use crate::{Group, Input, MAX_OBJECT, MAX_OBJECT_LIMIT, Method, Mode, PairRequest, ResourceId};
use iotchain_core::kdf::{Direction, SenderUse};
use iotchain_core::{
    AccessKey, Error, GroupKey, Kid, KidContext, Result, Roles, Session, SessionSecret, Sid,
    Signer, UnixTime,
};

/// One sender context: everything a node seals between two boots in one group, in all modes and for all resources.
///
/// A retransmission resends the bytes of the first time; sealing again makes another object. After boot, learn the
/// current session from the key server before [`Sender::enter`]: an old broadcast must not bring an old key back.
#[derive(Debug)]
pub struct Sender {
    group: Group,
    sid: Sid,
    kid: Kid,
    nonces: Nonces,
    current: Option<(Session, SessionSecret)>,
    keys: Places<2>,
    iat: IatFloor,
    max_object: usize,
}

/// What a sender begins with, as [`Sender::new`] takes it, and small: a device makes its [`Sender`] of it where that is to lie.
#[derive(Debug)]
pub struct Start {
    group: Group,
    sid: Sid,
    boot: Boot,
    signed_until: UnixTime,
}

impl Start {
    /// See [`Sender::new`].
    ///
    /// # Errors
    /// As there.
    pub fn new(group: Group, sid: Sid, boot: Boot, signed_until: UnixTime) -> Result<Self> {
        if sid.as_bytes().len() != group.sid_len {
            return Err(Error::Kid);
        }
        Ok(Self {
            group,
            sid,
            boot,
            signed_until,
        })
    }
}

impl From<Start> for Sender {
    // Out of line it would be made on the stack first.
    #[inline(always)]
    fn from(start: Start) -> Self {
        let Start {
            group, sid, boot, ..
        } = start;
        Self {
            group,
            sid,
            kid: Kid::new(&sid, &boot.salt),
            nonces: boot.nonces,
            current: None,
            keys: Places::new(),
            iat: IatFloor {
                earlier_boots: start.signed_until,
                newest: UnixTime::new(0),
            },
            max_object: MAX_OBJECT,
        }
    }
}

/// What is sealed: a bare representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plaintext<'a> {
    /// CoAP Content-Format; absent means 42, octet-stream.
    pub content_format: Option<u16>,
    /// The representation, without inner framing. It may lie in the buffer that the object goes to.
    pub bytes: Input<'a>,
}

impl<'a, T: Into<Input<'a>>> From<T> for Plaintext<'a> {
    fn from(bytes: T) -> Self {
        Self {
            content_format: None,
            bytes: bytes.into(),
        }
    }
}

/// The rule for `iat` (spec 2.4): one resource never gets the same `iat` under two kids. All representations of this
/// boot are therefore later than whatever an earlier boot may have signed, and never go back.
#[derive(Clone, Copy, Debug)]
struct IatFloor {
    earlier_boots: UnixTime,
    newest: UnixTime,
}

impl IatFloor {
    fn check(self, iat: UnixTime) -> Result<()> {
        if iat > self.earlier_boots && iat >= self.newest {
            Ok(())
        } else {
            Err(Error::Rollback)
        }
    }
}

impl Sender {
    /// The context of `boot` for the sender `sid`.
    ///
    /// `signed_until` is the latest `iat` that an earlier boot under this sid may have given to a representation: the
    /// time of boot, or 0 for a sid that never signed before.
    ///
    /// # Errors
    /// [`Error::Kid`] if the sid has not the length of the group's sids.
    pub fn new(group: Group, sid: Sid, boot: Boot, signed_until: UnixTime) -> Result<Self> {
        Start::new(group, sid, boot, signed_until).map(Self::from)
    }

    /// Sets the size limit of objects in bytes; receivers and proxies must allow as much.
    /// Above [`MAX_OBJECT_LIMIT`] it is that.
    pub fn set_max_object(&mut self, max_object: usize) {
        self.max_object = max_object.min(MAX_OBJECT_LIMIT);
    }

    /// Seals in `session` from here on, under K_j. PIVs restart at 0 in a session not entered before; for the present
    /// one nothing changes.
    ///
    /// # Errors
    /// [`Error::Session`] for session 0, [`Error::SessionExpired`] for a session before the present one.
    pub fn enter(&mut self, session: Session, key: &GroupKey) -> Result<()> {
        if session == Session::new(0) {
            return Err(Error::Session);
        }
        if self.session() == Some(session) {
            return Ok(());
        }
        self.nonces.enter(session)?;
        self.keys.clear();
        self.current = Some((
            session,
            SessionSecret::derive(key, self.group.gid, session, &self.group.ks),
        ));
        Ok(())
    }

    /// The session objects are sealed in, `None` before the first [`Sender::enter`].
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.current.as_ref().map(|(session, _)| *session)
    }

    /// Whose context it is.
    ///
    /// # Errors
    /// [`Error::Group`] for another group than `group`, [`Error::Kid`] for another sender than `sid`.
    pub fn check_owner(&self, group: &Group, sid: Sid) -> Result<()> {
        if self.group != *group {
            return Err(Error::Group);
        }
        if self.sid != sid {
            return Err(Error::Kid);
        }
        Ok(())
    }

    /// The key id of this boot.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.kid
    }

    /// What has to be written to flash before, or while, further objects are sealed; only without a boot salt.
    /// Confirm the write with [`Sender::checkpoint_stored`].
    #[must_use]
    pub fn checkpoint_due(&self) -> Option<Checkpoint> {
        self.nonces.due()
    }

    /// `checkpoint`, as given by [`Sender::checkpoint_due`], is in flash for good.
    pub fn checkpoint_stored(&mut self, checkpoint: Checkpoint) {
        self.nonces.stored(checkpoint);
    }

    /// Seals a G response with CoAP code `code` (2.05 = 69) to the request with Token `token`, to the front of `out`.
    /// The length written.
    ///
    /// # Errors
    /// [`Error::Signer`] unless the sid is a producer's, [`Error::Binding`] unless the Token has 4 to 8 bytes, and
    /// those common to sealing: [`Error::Session`] before a session was entered, [`Error::SeqExhausted`] when the PIVs
    /// (or those reserved in flash) are used up, [`Error::Size`] above the object limit, [`Error::Buffer`]. Nothing is
    /// written then, and no PIV is used up.
    pub fn seal_response<'p>(
        &mut self,
        resource: &ResourceId<'_>,
        code: u8,
        token: &[u8],
        plaintext: impl Into<Plaintext<'p>>,
        out: &mut [u8],
    ) -> Result<usize> {
        if !self.sid.roles().is_producer() {
            return Err(Error::Signer);
        }
        let binding = Binding::of_response(code, check_token(token)?);
        let plaintext = plaintext.into();
        let mut draft = Draft::new(Mode::Group, self.group.suite.aead, plaintext.bytes);
        self.head(&mut draft, plaintext.content_format, None)?;
        let len = draft.room(self.max_object, out)?;
        let place = self.key(resource, SenderUse::Group)?;
        let piv = self.nonces.take()?;
        let kept = self.keys.at(place)?;
        let content = Content {
            key: &kept.key,
            resource,
            binding,
            piv,
        };
        draft.write(&content, &mut kept.aad, len, out)?;
        Ok(len)
    }

    /// Seals a P request with `method` to the front of `out`. `access` is the client's access key at the resource
    /// server, `echo` the value of the Echo option of this request, h'' without one. The length written, and what opens
    /// the response.
    ///
    /// A client answers at most two challenges per request; each repetition is sealed anew, with its Echo.
    ///
    /// # Errors
    /// [`Error::Signer`] for the sid of a producer, [`Error::Forbidden`] if the sid has not the right to `method`,
    /// [`Error::Echo`] for a value above 40 bytes, and those common to sealing, see [`Sender::seal_response`].
    pub fn seal_request<'p>(
        &mut self,
        resource: &ResourceId<'_>,
        method: Method,
        echo: &[u8],
        access: &AccessKey,
        plaintext: impl Into<Plaintext<'p>>,
        out: &mut [u8],
    ) -> Result<(usize, PairRequest)> {
        if self.sid.roles().is_producer() {
            return Err(Error::Signer);
        }
        if !method.is_within(self.sid.roles()) {
            return Err(Error::Forbidden);
        }
        if echo.len() > PairRequest::MAX_ECHO {
            return Err(Error::Echo);
        }
        let plaintext = plaintext.into();
        let mut draft = Draft::new(Mode::Pairwise, self.group.suite.aead, plaintext.bytes);
        self.head(&mut draft, plaintext.content_format, None)?;
        let len = draft.room(self.max_object, out)?;
        let (alg, context) = (self.group.suite.aead, self.context()?);
        let (_, secret) = self.current.as_ref().ok_or(Error::Session)?;
        let pair = secret
            .resource(resource.rs(), resource.path())?
            .pair(access);
        let key = pair.direction(Direction::Request, alg, &self.kid)?;
        let piv = self.nonces.take()?;
        let content = Content {
            key: &key,
            resource,
            binding: Binding::of_request(method, echo),
            piv,
        };
        draft.write_once(&content, len, out)?;
        let origin = Origin {
            context,
            sid: self.sid,
            kid: self.kid,
            piv,
        };
        let request = PairRequest {
            origin,
            protected: draft.protected,
        };
        Ok((len, request))
    }

    /// Seals an S object, valid as `claims` say, to the front of `out`: a representation if the sid is a producer's,
    /// else a command, which needs an `exp`. The length written.
    ///
    /// # Errors
    /// [`Error::Alg`] if `signer` has another algorithm than the group; [`Error::Type`] for times of 2^40 and above,
    /// [`Error::Stale`] for an `exp` not after `iat`; for a representation [`Error::Rollback`] if `iat` is not after
    /// every earlier boot or goes back; for a command [`Error::Header`] without `exp` and [`Error::Forbidden`] if the
    /// sid may neither POST nor PUT; [`Error::Sig`] if the signer fails (the PIV is used up); and those common to
    /// sealing, see [`Sender::seal_response`].
    pub fn seal_signed<'p>(
        &mut self,
        resource: &ResourceId<'_>,
        claims: Claims,
        plaintext: impl Into<Plaintext<'p>>,
        signer: &impl Signer,
        out: &mut [u8],
    ) -> Result<usize> {
        let public = signer.public();
        if public.alg() != self.group.suite.sign {
            return Err(Error::Alg);
        }
        self.check_claims(claims)?;
        let plaintext = plaintext.into();
        let mut draft = Draft::new(Mode::Signed, self.group.suite.aead, plaintext.bytes);
        self.head(&mut draft, plaintext.content_format, Some(claims))?;
        let len = draft.room(self.max_object, out)?;
        let place = self.key(resource, SenderUse::Signed)?;
        let piv = self.nonces.take()?;
        self.iat.newest = self.iat.newest.max(claims.iat);
        let thumbprint = public.thumbprint();
        let kept = self.keys.at(place)?;
        let content = Content {
            key: &kept.key,
            resource,
            binding: Binding::of_signed(&thumbprint),
            piv,
        };
        let object = draft.write(&content, &mut kept.aad, len, out)?;
        draft.sign(&kept.aad, signer, object)?;
        Ok(len)
    }

    fn check_claims(&self, claims: Claims) -> Result<()> {
        let Claims { iat, exp } = claims;
        if !iat.is_encodable() || exp.is_some_and(|exp| !exp.is_encodable()) {
            return Err(Error::Type);
        }
        if exp.is_some_and(|exp| exp <= iat) {
            return Err(Error::Stale);
        }
        let roles = self.sid.roles();
        if roles.is_producer() {
            self.iat.check(iat)
        } else if exp.is_none() {
            Err(Error::Header)
        } else if !roles.contains(Roles::POST) && !roles.contains(Roles::PUT) {
            Err(Error::Forbidden)
        } else {
            Ok(())
        }
    }

    /// The kid context of the present session.
    fn context(&self) -> Result<KidContext> {
        let session = self.session().ok_or(Error::Session)?;
        let gid = self.group.gid;
        Ok(KidContext { gid, session })
    }

    /// Fills in the header of an object; no PIV is used up.
    fn head(
        &self,
        draft: &mut Draft<'_>,
        content_format: Option<u16>,
        claims: Option<Claims>,
    ) -> Result<()> {
        let (alg, context) = (self.group.suite.aead, self.context()?);
        let piv = self.nonces.peek()?;
        draft
            .protected
            .encode(alg, content_format, &self.kid, piv, &context, claims)
    }

    /// The place of the own key for a resource, derived if it is not at hand.
    fn key(&mut self, resource: &ResourceId<'_>, purpose: SenderUse) -> Result<usize> {
        let scope = Scope {
            purpose,
            context: self.context()?,
            kid: self.kid,
        };
        if let Some(place) = self.keys.find(&scope, resource) {
            return Ok(place);
        }
        self.derive(&scope, resource)
    }

    /// Not inlined, so that it takes no stack where objects are sealed.
    #[inline(never)]
    fn derive(&mut self, scope: &Scope, resource: &ResourceId<'_>) -> Result<usize> {
        let (_, secret) = self.current.as_ref().ok_or(Error::Session)?;
        let secret = secret.resource(resource.rs(), resource.path())?;
        self.keys
            .keep(scope, resource, &secret, self.group.suite.aead)
    }
}
