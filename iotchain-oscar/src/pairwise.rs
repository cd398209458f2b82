//! Opening the objects of mode P: requests at the resource server, responses at the client (spec 2.7, 2.8).

use crate::content::Content;
use crate::echo::Uptime;
use crate::input::Text;
use crate::object::{Answer, Object, Position};
use crate::origin::Origin;
use crate::receiver::wipe;
use crate::structure::Binding;
use crate::{
    Directory, Echo, EchoRule, Group, Input, Method, Mode, Opened, PairContexts, PairRequest,
    Receiver, Reply, ResourceId, Sessions,
};
use iotchain_core::kdf::Direction;
use iotchain_core::{AccessKey, Error, GroupKey, PairKey, Result, Secret, SessionSecret, Sid};

/// The clients of a resource server, as it meets them in one request.
#[derive(Debug)]
pub struct Clients<'a, const M: usize> {
    /// RSK, from which the access key of every client follows; known to the resource server and the key server.
    pub secret: &'a Secret<32>,
    /// Sids that are refused, unless RSK was changed when they were retired (A2).
    pub retired: &'a [Sid],
    /// Whose requests are known to be fresh; kept between requests.
    pub contexts: &'a mut PairContexts<M>,
    /// Which requests to this resource need an Echo.
    pub rule: EchoRule,
    /// The present.
    pub now: Uptime,
}

impl<S, D, const N: usize, const K: usize> Receiver<'_, S, D, N, K>
where
    S: Sessions + ?Sized,
    D: Directory + ?Sized,
{
    /// Opens the object in a request with `method` at a resource server, each (gid, j, kid, PIV) once. The plaintext
    /// goes to the front of `out`; the [`Reply`] seals the response.
    ///
    /// # Errors
    /// See the table of [`Receiver`]. [`Error::Echo`] asks to challenge the client with a fresh Echo value;
    /// [`Error::Capacity`] says that all contexts are held by clients that sent a request just before. On any error
    /// `out` holds no plaintext, and but for [`Error::Forbidden`], where the request counts as seen, the contexts are
    /// as before.
    pub fn open_request<'i, const M: usize>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        method: Method,
        echo: Echo<'_>,
        clients: &mut Clients<'_, M>,
        out: &mut [u8],
    ) -> Result<(Opened, Reply)> {
        let input = object.into();
        let object = Object::parse(input.bytes(out)?, Position::Request, self.policy.max_object)?;
        let (origin, key) = self.origin(&object.header)?;
        self.sessions.may_open(origin.context.session)?;
        if origin.sid.roles().is_producer() || clients.retired.contains(&origin.sid) {
            return Err(Error::Signer);
        }
        let bind = match echo {
            Echo::Valid { value, .. } if value.len() > PairRequest::MAX_ECHO => {
                return Err(Error::Echo);
            }
            Echo::Valid { value, .. } => value,
            Echo::Absent | Echo::Wrong => &[],
        };
        let (gid, sessions) = (self.group.gid, self.sessions);
        let place =
            clients
                .contexts
                .admit(&origin, echo, clients.rule, clients.now, |context| {
                    context.gid == gid && sessions.may_open(context.session).is_ok()
                })?;
        self.check_failures(&origin)?;
        let alg = self.group.suite.aead;
        let access = AccessKey::derive(clients.secret, gid, &origin.sid)?;
        let pair = pair_key(self.group, &key, &origin, resource, &access)?;
        let content = Content {
            key: &pair.direction(Direction::Request, alg, &origin.kid)?,
            resource,
            binding: Binding::of_request(method, bind),
            piv: origin.piv,
        };
        let reply = Reply::new(alg, pair, origin, object.protected)?;
        let content_format = object.header.content_format;
        let text = Text::of(input, object.protected, object.ciphertext);
        let len = content.open_once(text, out);
        let len = len.inspect_err(|error| self.count_failure(&origin, *error))?;
        clients.contexts.commit(place, &origin, echo, clients.now);
        if !method.is_within(origin.sid.roles()) {
            wipe(out, len);
            return Err(Error::Forbidden);
        }
        let opened = Opened::of(&origin, Mode::Pairwise, content_format, len);
        Ok((opened, reply))
    }

    /// Opens the object in the response with CoAP code `code` (2.04 = 68) to `request`, which asked `resource` with
    /// the access key `access`. The plaintext goes to the front of `out`.
    ///
    /// # Errors
    /// Format and header errors, [`Error::Group`], [`Error::Session`] and [`Error::SessionExpired`] if the session of
    /// the request is no longer open, [`Error::ForgeryLimit`], [`Error::Buffer`], [`Error::Aead`]. On any error `out`
    /// holds no plaintext, and a later response may still be opened.
    pub fn open_reply<'i>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        code: u8,
        request: &PairRequest,
        access: &AccessKey,
        out: &mut [u8],
    ) -> Result<Opened> {
        let input = object.into();
        let answer = Answer::parse(input.bytes(out)?, self.policy.max_object)?;
        let origin = request.origin;
        if origin.context.gid != self.group.gid {
            return Err(Error::Group);
        }
        let key = self.sessions.key(origin.context.session)?;
        self.sessions.may_open(origin.context.session)?;
        self.check_failures(&origin)?;
        let pair = pair_key(self.group, &key, &origin, resource, access)?;
        let content = Content {
            key: &pair.direction(Direction::Response, self.group.suite.aead, &origin.kid)?,
            resource,
            binding: Binding::of_answer(code, request.protected.as_bytes()),
            piv: origin.piv,
        };
        let content_format = answer.content_format;
        let text = Text::of(input, answer.protected, answer.ciphertext);
        let len = content.open_once(text, out);
        let len = len.inspect_err(|error| self.count_failure(&origin, *error))?;
        Ok(Opened::of(&origin, Mode::Pairwise, content_format, len))
    }
}

/// PPRK of the client of `origin`.
pub(crate) fn pair_key(
    group: &Group,
    key: &GroupKey,
    origin: &Origin,
    resource: &ResourceId<'_>,
    access: &AccessKey,
) -> Result<PairKey> {
    let session = SessionSecret::derive(key, group.gid, origin.context.session, &group.ks);
    let resource = session.resource(resource.rs(), resource.path())?;
    Ok(resource.pair(access))
}
