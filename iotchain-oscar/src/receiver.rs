//! Opening objects in the order of spec 2.8: the first failing step decides the error, no plaintext leaves before all
//! steps passed, and nothing is remembered before that either.
//!
//! | step | what | errors |
//! |---|---|---|
//! | 0 | path, query ([`ResourceId::new`]) and Token ([`Exchange::new`]) | E_PATH, E_BINDING |
//! | 1-4 | size, CBOR, header, mode by position | 1 to 11, E_CRIT, E_HEADER, E_MODE, E_SIG_REQUIRED |
//! | 5 | gid, session, algorithm, kid, PIV, policy | E_GROUP .. E_PIV, E_SESSION_EXPIRED |
//! | 6 | role and credential of the sender | E_SIGNER |
//! | 7 | time and memory of signed objects; Echo and replay window of P requests | E_STALE, E_ROLLBACK, E_ECHO, E_REPLAY |
//! | 8 | AEAD, unless the forgery limit is reached or `out` is too small | E_FORGERY_LIMIT, E_BUFFER, E_AEAD |
//! | 9 | countersignature | E_SIG |
//! | 10, 11 | order; remember | E_REPLAY, E_EQUIVOCATION, E_ROLLBACK |
//! | 12 | right of the sender of a P request | E_FORBIDDEN |

use crate::accept::{Accept, Signed};
use crate::content::Content;
use crate::exchange::Exchange;
use crate::failures::{Failures, Known};
use crate::header::Header;
use crate::input::Text;
use crate::keys::{Keys, Place, Scope};
use crate::object::{Object, Position, Seal};
use crate::origin::Origin;
use crate::structure::{Aad, Binding};
use crate::{
    Commands, Directory, Group, Input, Mode, Opened, Policy, Purpose, ResourceId, Sessions,
    StoredState,
};
use iotchain_core::hash::sha256;
use iotchain_core::kdf::SenderUse;
use iotchain_core::{Error, GroupKey, KidContext, Result, SessionSecret, Signature, UnixTime};
use zeroize::Zeroize;

/// Whether the answer to a GET may be an object that was signed earlier (A4).
#[derive(Debug)]
pub enum Freshness<'a> {
    /// Only an answer bound to this request: a signed object is refused with E_MODE.
    Demanded,
    /// A signed representation will do, judged like a stored one.
    OrSigned {
        /// What was accepted for this resource so far.
        stored: &'a mut StoredState,
        /// The present.
        now: UnixTime,
    },
}

/// Opens objects of one group for a member.
///
/// It borrows what belongs to others (keys, credentials, counters) and holds nothing itself, so make one where needed.
///
/// An object may lie in the buffer `out` itself, see [`Input`]. Up to step 7 it is left alone; afterwards its plaintext
/// stands in its place, or nothing. A signed one then costs its verification even if its tag is wrong.
#[derive(Debug)]
pub struct Receiver<'a, S: ?Sized, D: ?Sized, const N: usize = 8, const K: usize = 4> {
    /// The group, as learned at join.
    pub group: &'a Group,
    /// Its session keys.
    pub sessions: &'a S,
    /// The credentials of its senders.
    pub directory: &'a D,
    /// What is tolerated.
    pub policy: Policy,
    /// Failed openings so far; one per group, kept between calls.
    pub failures: &'a mut Failures<N>,
    /// Keys at hand; one per group, kept between calls.
    pub keys: &'a mut Keys<K>,
}

impl<S, D, const N: usize, const K: usize> Receiver<'_, S, D, N, K>
where
    S: Sessions + ?Sized,
    D: Directory + ?Sized,
{
    /// Opens the object in a response with CoAP code `code` (2.05 = 69) that answers `exchange`, with no CoAP proxy in
    /// between: mode G, or S if it is signed and `freshness` allows it. The plaintext goes to the front of `out`.
    ///
    /// # Errors
    /// See the table of this module. On any error `out` holds no plaintext, and exchange, stored state and replay
    /// memory are as before.
    pub fn open_response<'i>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        code: u8,
        exchange: &mut Exchange,
        freshness: Freshness<'_>,
        out: &mut [u8],
    ) -> Result<Opened> {
        let input = object.into();
        let Some(ready) = self.admit_group(input.bytes(out)?, resource)? else {
            return match freshness {
                Freshness::Demanded => Err(Error::Mode),
                Freshness::OrSigned { stored, now } => {
                    self.open_signed(input, resource, stored, now, out)
                }
            };
        };
        let text = Text::of(input, ready.protected, ready.ciphertext);
        let (origin, content_format) = (ready.origin, ready.content_format);
        let place = self.at_hand(ready.source, &origin, resource, SenderUse::Group)?;
        let kept = self.keys.at(place)?;
        let content = Content {
            key: &kept.key,
            resource,
            binding: Binding::of_response(code, exchange.token()),
            piv: origin.piv,
        };
        let len = content.open(&mut kept.aad, text, out);
        let len = self.settle_group(&origin, len, exchange, out)?;
        self.keys.accept(place);
        let opened = Opened::of(&origin, Mode::Group, content_format, len);
        Ok(opened)
    }

    /// Opens a signed representation found at a proxy or in a cache. `stored` is what was accepted for this resource
    /// so far; persist it afterwards. The plaintext goes to the front of `out`.
    ///
    /// # Errors
    /// See the table of this module. On any error `out` holds no plaintext and `stored` is as before.
    pub fn open_stored<'i>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        stored: &mut StoredState,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<Opened> {
        self.open_signed(object.into(), resource, stored, now, out)
    }

    /// Opens a signed command that a client left at a proxy for this resource server, each (kid, PIV) once. The
    /// plaintext goes to the front of `out`.
    ///
    /// # Errors
    /// See the table of this module; besides, [`Error::Header`] without `exp`, [`Error::SessionExpired`] outside the
    /// newest session and the grace of the one before, [`Error::Capacity`] while `commands` is full, and
    /// [`Error::Forbidden`] if the sender may neither POST nor PUT (A3).
    pub fn open_command<'i, const M: usize>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        commands: &mut Commands<M>,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<Opened> {
        self.open_signed(object.into(), resource, commands, now, out)
    }

    /// Steps 1 to 7 of mode G, and whether step 8 may be tried; none for a signed object. On a small machine not inlined:
    /// what they take of the stack is free again when the object is opened.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn admit_group<'o>(
        &self,
        object: &'o [u8],
        resource: &ResourceId<'_>,
    ) -> Result<Option<Ready<'o>>> {
        let object = Object::parse(object, Position::Response, self.policy.max_object)?;
        if matches!(object.seal, Seal::Signed { .. }) {
            return Ok(None);
        }
        let (origin, source) = self.source(&object.header, resource, SenderUse::Group)?;
        self.sessions.may_open(origin.context.session)?;
        if !origin.sid.roles().is_producer() {
            return Err(Error::Signer);
        }
        self.check_failures(&origin)?;
        Ok(Some(Ready {
            origin,
            source,
            content_format: object.header.content_format,
            protected: object.protected,
            ciphertext: object.ciphertext,
        }))
    }

    /// Steps 8 to 11 of mode G, with what the AEAD said: the length of the plaintext.
    pub(crate) fn settle_group(
        &mut self,
        origin: &Origin,
        len: Result<usize>,
        exchange: &mut Exchange,
        out: &mut [u8],
    ) -> Result<usize> {
        let len = len.inspect_err(|error| self.count_failure(origin, *error))?;
        exchange.check(origin).inspect_err(|_| wipe(out, len))?;
        exchange.advance(origin);
        Ok(len)
    }

    fn open_signed<A: Accept>(
        &mut self,
        input: Input<'_>,
        resource: &ResourceId<'_>,
        memory: &mut A,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<Opened> {
        let bytes = input.bytes(out)?;
        let object = Object::parse(bytes, Position::Stored, self.policy.max_object)?;
        let Seal::Signed { claims, signature } = object.seal else {
            return Err(Error::SigRequired);
        };
        claims.suit(A::PURPOSE)?;
        let (origin, source) = self.source(&object.header, resource, SenderUse::Signed)?;
        if A::PURPOSE == Purpose::Command {
            self.sessions.may_open(origin.context.session)?;
        }
        let credential = A::PURPOSE.credential(&origin.sid, resource.rs(), self.directory)?;
        claims.check(&self.policy, now)?;
        let signed = Signed { origin, claims };
        memory.admit(&signed, &self.policy, now)?;

        let signer = credential.key.thumbprint();
        let place = self.at_hand(source, &origin, resource, SenderUse::Signed)?;
        let kept = self.keys.at(place)?;
        let content = Content {
            key: &kept.key,
            resource,
            binding: Binding::of_signed(&signer),
            piv: origin.piv,
        };
        let signature: Result<Signature> = signature.try_into().map_err(|_| Error::Sig);
        let (alg, verifier) = (self.group.suite.sign, self.directory.verifier());
        let verify = |aad: &Aad, protected: &[u8], ciphertext: &[u8]| {
            aad.with_to_be_signed(protected, ciphertext, |message| {
                (credential.key).verify_by(verifier, alg, message, &signature?)
            })
        };
        let text = Text::of(input, object.protected, object.ciphertext);
        // what is opened where it lies is no longer what was signed
        let verified = match input {
            Input::Apart(_) => Ok(()),
            Input::Within { .. } => {
                kept.aad.rewrite(content.bound(object.protected))?;
                verify(&kept.aad, object.protected, object.ciphertext)
            }
        };
        let digest = sha256(&[bytes]);
        let content_format = object.header.content_format;
        let len = content.open(&mut kept.aad, text, out)?;
        match (text.protected, text.ciphertext) {
            (Input::Apart(protected), Input::Apart(ciphertext)) => {
                verify(&kept.aad, protected, ciphertext)
            }
            _ => verified,
        }
        .and_then(|()| memory.commit(&signed, &digest, now))
        .inspect_err(|_| wipe(out, len))?;
        self.keys.accept(place);
        Ok(Opened {
            claims: Some(claims),
            signer: Some(signer),
            ..Opened::of(&signed.origin, Mode::Signed, content_format, len)
        })
    }

    /// Before step 8, in the modes that depend on the tag: not beyond the forgery limit.
    #[inline]
    pub(crate) fn check_failures(&self, origin: &Origin) -> Result<()> {
        if self.failures.is_empty() {
            return Ok(());
        }
        let known = Known::from(self.directory.credential(&origin.sid));
        self.failures
            .check(self.group.suite.aead, origin, known, &|context| {
                self.is_live(context)
            })
    }

    /// After step 8: a tag that was wrong is counted.
    pub(crate) fn count_failure(&mut self, origin: &Origin, error: Error) {
        if error != Error::Aead {
            return;
        }
        let known = Known::from(self.directory.credential(&origin.sid));
        let (gid, sessions) = (self.group.gid, self.sessions);
        self.failures
            .count(self.group.suite.aead, origin, known, &|context| {
                context.gid == gid && sessions.may_open(context.session).is_ok()
            });
    }

    fn is_live(&self, context: &KidContext) -> bool {
        context.gid == self.group.gid && self.sessions.may_open(context.session).is_ok()
    }

    /// Step 5 up to the session policy, for an object whose key is not kept.
    pub(crate) fn origin(&self, header: &Header<'_>) -> Result<(Origin, GroupKey)> {
        let context = Origin::context(header, Some(self.group.gid))?;
        let key = self.sessions.key(context.session)?;
        Ok((Origin::in_group(header, context, self.group)?, key))
    }

    /// Step 5 up to the session policy: who sealed the object, and where its key comes from.
    fn source(
        &self,
        header: &Header<'_>,
        resource: &ResourceId<'_>,
        purpose: SenderUse,
    ) -> Result<(Origin, Source)> {
        let context = Origin::context(header, Some(self.group.gid))?;
        let origin = Origin::in_group(header, context, self.group);
        let place = origin
            .ok()
            .and_then(|origin| self.keys.find(&Scope::of(&origin, purpose), resource));
        let source = match place {
            Some(place) => {
                self.sessions.holds(context.session)?;
                Source::Kept(place)
            }
            None => Source::Derived(self.sessions.key(context.session)?),
        };
        Ok((origin?, source))
    }

    /// Puts a key that has to be derived on trial. Not inlined, so that it takes no stack where objects are opened.
    #[inline(never)]
    fn at_hand(
        &mut self,
        source: Source,
        origin: &Origin,
        resource: &ResourceId<'_>,
        purpose: SenderUse,
    ) -> Result<Place> {
        let key = match source {
            Source::Kept(place) => return Ok(Place::Kept(place)),
            Source::Derived(key) => key,
        };
        let context = origin.context;
        let session = SessionSecret::derive(&key, context.gid, context.session, &self.group.ks);
        let secret = session.resource(resource.rs(), resource.path())?;
        let scope = Scope::of(origin, purpose);
        (self.keys).try_out(&scope, resource, &secret, self.group.suite.aead)?;
        Ok(Place::Trial)
    }
}

/// A response of mode G that passed the steps before the AEAD.
pub(crate) struct Ready<'o> {
    pub(crate) origin: Origin,
    pub(crate) source: Source,
    pub(crate) content_format: Option<u16>,
    pub(crate) protected: &'o [u8],
    pub(crate) ciphertext: &'o [u8],
}

/// Where a content key comes from: its place among the keys, or the session key.
pub(crate) enum Source {
    Kept(usize),
    Derived(GroupKey),
}

pub(crate) fn wipe(out: &mut [u8], len: usize) {
    if let Some(plaintext) = out.get_mut(..len) {
        plaintext.zeroize();
    }
}
