//! Requests of mode P: PUT, POST and FETCH that nobody else could have sent, and answers that nobody else could have given
//! (spec 2.7).
//!
//! ```text
//! client -- object -----------------> resource server      not recent: nothing is done
//!        <- 4.01, Echo e ------------
//!        -- Echo e, object bound to e >                    done, once
//!        <- object bound to the request
//! ```

use std::time::{Duration, Instant};

use getrandom::SysRng;
use iotchain::core::AccessKey;
use iotchain::oscar::{Group as Instance, MAX_OBJECT_LIMIT, Plaintext};
use iotchain::{
    Boot, Error, Method, Opened, PairRequest, ResourceId, Sender, Sid, UnixTime, Zeroizing,
};

use super::reader::{BROADCAST_LIMIT, lock};
use super::{Client, Group, Target};
use crate::coap::{Call, Code, Reply, content_format};
use crate::join::HostMembership;
use crate::{NodeError, clock, link};

/// How long to wait for a resource server that has not heard of the session, or has not its keys.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// What a resource server answered under seal.
#[derive(Debug)]
pub struct Answered {
    /// The response code, authentic like the rest.
    pub code: Code,
    /// The representation.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// What is known of the answer.
    pub opened: Opened,
    /// Length of the request that was answered, as an object, in bytes.
    pub request_len: usize,
    /// Length of the answer, as an object, in bytes.
    pub object_len: usize,
    /// Echo values that were returned.
    pub challenges: usize,
}

/// What a client seals with in one group.
#[derive(Debug)]
pub(super) struct Writer {
    /// Another group instance or sid takes another sender context.
    owner: (Instance, Sid),
    sender: Sender,
}

/// An object on its way.
struct Asked {
    object: Vec<u8>,
    request: PairRequest,
    access: AccessKey,
}

impl Answered {
    /// Lets only a success pass.
    ///
    /// # Errors
    /// [`NodeError::Refused`] for any other code.
    pub fn success(self, target: &Target) -> Result<Self, NodeError> {
        if self.code.is_success() {
            return Ok(self);
        }
        Err(NodeError::Refused {
            what: format!("{target}, under seal,"),
            code: self.code,
            number: None,
        })
    }
}

impl Client {
    /// Asks the resource server itself to do something, and opens its answer, whatever it is. It has to be a member with
    /// the right to `method`. The Echo exchange is part of it: the answer to a first challenge, and for PUT and FETCH,
    /// which may be repeated, to a second one.
    ///
    /// An unprotected refusal may be anybody's. After [`NodeError::Net`], or a refusal of a POST that was challenged
    /// before, nobody knows whether it was done.
    ///
    /// # Errors
    /// [`NodeError::Protocol`] with the number of the step that failed, [`Error::Forbidden`] without the right among
    /// them; [`NodeError::Refused`] for a refusal that is not under seal; [`NodeError::Net`]; [`NodeError::Config`] if it
    /// is not a member.
    pub fn ask(
        &mut self,
        target: &Target,
        method: Method,
        data: Plaintext<'_>,
    ) -> Result<Answered, NodeError> {
        // An Echo value is for one endpoint: all attempts come from the same.
        let mut link = link::plain(target.server)?;
        let (mut echo, mut challenges) = (Vec::new(), 0);
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.bring_up_to_date(target)?;
            let asked = self.seal(target, method, &echo, data)?;
            let mut call = Call::new(Code(method.code()), &target.path.join("/"))
                .body(content_format::COSE_ENCRYPT0, asked.object.clone())
                .without_echo_repetition();
            if !echo.is_empty() {
                call = call.echo(&echo);
            }
            let reply = link.request(&call)?;
            if reply.content_format() == Some(content_format::COSE_ENCRYPT0) {
                return self.open(target, &asked, &reply, challenges);
            }
            // Without a valid Echo nothing is changed, so it can be asked again (spec 2.7).
            let repeatable = echo.is_empty() || method != Method::Post;
            let passing = matches!(reply.code, Code::UNAUTHORIZED | Code::SERVICE_UNAVAILABLE);
            match reply.echo() {
                Some(value) if repeatable && challenges < 2 && reply.code == Code::UNAUTHORIZED => {
                    challenges += 1;
                    echo = value.to_vec();
                }
                None if repeatable && passing && Instant::now() < deadline => {
                    if self.stop.wait(PAUSE) {
                        return Err(refused(target, &reply));
                    }
                }
                _ => return Err(refused(target, &reply)),
            }
        }
    }

    /// Makes sure that keys and sid are those of the newest session: a right may have been retired in it, and access keys
    /// with it (A2). A key server that forgot the association is joined again.
    fn bring_up_to_date(&mut self, target: &Target) -> Result<(), NodeError> {
        let group = self.member(target)?;
        if !group.has_pair_keys()
            && let Err(error) = group.follower.renew()
        {
            tracing::info!(%error, "joining again for the keys of this session");
            self.join_again(target)?;
        }
        let group = self.member(target)?;
        if !group.may_seal() {
            group.follower.wait_change(Instant::now() + BROADCAST_LIMIT);
            if !group.may_seal() {
                return self.join_again(target);
            }
        }
        Ok(())
    }

    fn seal(
        &mut self,
        target: &Target,
        method: Method,
        echo: &[u8],
        data: Plaintext<'_>,
    ) -> Result<Asked, NodeError> {
        let group = self.member_mut(target)?;
        match group.seal(target, method, echo, data) {
            Err(NodeError::Protocol(Error::SeqExhausted)) => {
                group.writer = None;
                group.seal(target, method, echo, data)
            }
            sealed => sealed,
        }
    }

    fn open(
        &self,
        target: &Target,
        asked: &Asked,
        reply: &Reply,
        challenges: usize,
    ) -> Result<Answered, NodeError> {
        let group = self.member(target)?;
        let object = &reply.payload;
        let mut plaintext = Zeroizing::new(vec![0; object.len()]);
        let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
        let opened = group.membership().open_reply(
            object,
            &ResourceId::new(target.rs, &path, &[])?,
            reply.code.0,
            &asked.request,
            &asked.access,
            clock::now(),
            &mut plaintext,
        )?;
        plaintext.truncate(opened.len);
        Ok(Answered {
            code: reply.code,
            plaintext,
            opened,
            request_len: asked.object.len(),
            object_len: object.len(),
            challenges,
        })
    }
}

impl Group {
    /// Whether the pair keys are those of the newest session.
    fn has_pair_keys(&self) -> bool {
        let newest = self.follower.newest();
        newest.is_none_or(|newest| lock(&self.joined.pair_keys).are_of(newest))
    }

    /// Whether a session is in force.
    fn may_seal(&self) -> bool {
        let membership = self.membership();
        membership.member().may_seal(clock::now()).is_some()
    }

    fn seal(
        &mut self,
        target: &Target,
        method: Method,
        echo: &[u8],
        data: Plaintext<'_>,
    ) -> Result<Asked, NodeError> {
        let Self { joined, writer, .. } = self;
        let membership = lock(&joined.membership);
        let owner = (*membership.group(), membership.sid());
        let known = writer.take().filter(|writer| writer.owner == owner);
        let Writer { sender, .. } = match known {
            Some(known) => writer.insert(known),
            None => writer.insert(Writer::new(owner, &membership)?),
        };
        membership.enter(sender, clock::now())?;
        let keys = lock(&joined.pair_keys);
        let access = keys.access_key(&target.rs).ok_or(Error::NotMember)?;
        let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
        let resource = ResourceId::new(target.rs, &path, &[])?;
        let mut object = vec![0; MAX_OBJECT_LIMIT];
        let sealed = sender.seal_request(&resource, method, echo, access, data, &mut object);
        let (len, request) = match sealed {
            // The buffer has room for every object there may be.
            Err(Error::Buffer { .. }) => Err(Error::Size),
            sealed => sealed,
        }?;
        object.truncate(len);
        Ok(Asked {
            object,
            request,
            access: access.clone(),
        })
    }
}

impl Writer {
    /// A sender context that was never there before.
    fn new(owner: (Instance, Sid), membership: &HostMembership) -> Result<Self, NodeError> {
        let boot = Boot::random(&mut SysRng)?;
        let mut sender = membership.sender(boot, UnixTime::new(0))?;
        sender.set_max_object(MAX_OBJECT_LIMIT);
        Ok(Self { owner, sender })
    }
}

fn refused(target: &Target, reply: &Reply) -> NodeError {
    link::refusal(&target.name, reply)
}
