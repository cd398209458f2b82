//! Joining a group at the key server, as a client or as a resource server (paper, Fig. 1, steps 4 to 6; spec 4, 5.6).
//!
//! ```text
//! member                                    key server
//!   | == DTLS handshake ====================> |   its certificate; a resource server shows one too
//!   | -- POST /authz-info, token reference -> |
//!   | <- challenge N_S, credential ---------- |
//!   | -- POST /ace-group/GNAME, proof ------> |   bound to this association by its exporter
//!   | <- S_i, session j, broadcasts --------- |
//! ```

mod line;
mod pair_keys;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use iotchain::core::BootSalt;
use iotchain::core::cbor::Reader;
use iotchain::join::{
    Ccs, GroupPolicies, JoinRequest, JoinResponse, TransferRequest, TransferResponse,
};
use iotchain::selfheal::broadcast::LARGEST_MAX_LEN;
use iotchain::token::{AccountId, ChannelBinding, ClientKey, Scope, TokenRef};
use iotchain::{
    Address, Error, GroupName, Membership, Roles, Session, Signer, SigningKey, Thumbprint,
    UnixTime, Zeroizing,
};

use crate::catalogue::KeyServer;
use crate::clock::{self, Stop};
use crate::coap::{Call, Client, Code, Reply, content_format};
use crate::dtls::pki;
use crate::runtime::{NetError, random};
use crate::verifier::HostVerifier;
use crate::{NodeError, link};

pub use line::{Line, SharedLine};
pub use pair_keys::{PairKeys, SharedPairKeys};

/// A membership of this process, its personal key on the heap and wiped at the end.
pub type HostMembership = Membership<Zeroizing<Vec<u8>>, 16, 4, HostVerifier>;

/// A membership shared between whoever keeps it current and whoever opens or seals objects.
pub type Shared = Arc<Mutex<HostMembership>>;

/// Longest wait between two attempts, whatever Max-Age says.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Who joins.
#[derive(Clone, Copy, Debug)]
pub enum Identity<'a> {
    /// A client with a token on the ledger.
    Client {
        /// The key of its account.
        key: &'a ClientKey,
        /// Where the token is.
        token: TokenRef,
    },
    /// A resource server of the group.
    ResourceServer {
        /// The key it signs with.
        key: &'a SigningKey,
        /// Its address.
        rs: Address,
        /// Its certificate, which names that address.
        certificate: &'a pki::Identity,
    },
}

/// A member right after its join.
pub struct Joined {
    /// Keys and credentials; the broadcasts of the response are processed already.
    pub membership: Shared,
    /// The current session j at the join.
    pub session: Session,
    /// End of membership.
    pub expires_at: UnixTime,
    /// Time at the key server when it answered (A15).
    pub key_server_time: UnixTime,
    /// Policies of the group.
    pub policies: GroupPolicies,
    /// Keys of mode P, as the key server gave them last.
    pub pair_keys: SharedPairKeys,
    /// Boot salt, if the key server assigned one.
    pub boot_salt: Option<BootSalt>,
    /// Length of the join request in bytes.
    pub request_len: usize,
    /// Length of the join response in bytes.
    pub response_len: usize,
    line: SharedLine,
    group: GroupName,
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joined")
            .field("group", &self.group)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Joins the group `group` with `roles`.
///
/// # Errors
/// [`NodeError::Refused`] with the key server's number; [`NodeError::Protocol`] for a response that does not verify;
/// [`NodeError::Net`] if the key server cannot be reached or is not the certified one.
pub fn join(
    key_server: &KeyServer,
    identity: Identity<'_>,
    group: &GroupName,
    roles: Roles,
) -> Result<Joined, NodeError> {
    let mut joining = Joining::begin(key_server, identity, group, roles)?;
    let answer = joining.attempt()?;
    joining.accept(answer)
}

/// As [`join`], asking again while the token has not enough confirmations or the ledger does not answer (spec 5.3), until
/// `deadline` or `stop`.
///
/// # Errors
/// As [`join`]; the last refusal when time is up.
pub fn join_when_confirmed(
    key_server: &KeyServer,
    identity: Identity<'_>,
    group: &GroupName,
    roles: Roles,
    deadline: Instant,
    stop: &Stop,
) -> Result<Joined, NodeError> {
    let mut joining = Joining::begin(key_server, identity, group, roles)?;
    loop {
        let reply = joining.ask()?;
        if reply.code.is_success() {
            let answer = joining.taken(reply);
            return joining.accept(answer);
        }
        let refusal = joining.refusal(&reply);
        let passing = matches!(
            refusal.number(),
            Some(Error::Unconfirmed | Error::LedgerStale | Error::LedgerUnavailable | Error::Rate)
        );
        let wait = Duration::from_secs(reply.max_age().into())
            .clamp(Duration::from_millis(200), RETRY_MAX);
        let left = deadline.saturating_duration_since(Instant::now());
        if !passing || left.is_zero() || stop.wait(wait.min(left)) {
            return Err(refusal);
        }
    }
}

impl Joined {
    /// The group.
    #[must_use]
    pub const fn group(&self) -> &GroupName {
        &self.group
    }

    /// The current session, asked over DTLS.
    ///
    /// # Errors
    /// [`NodeError::Net`], [`NodeError::Refused`]; [`NodeError::Protocol`] for an answer that is no session.
    pub fn current_session(&mut self) -> Result<Session, NodeError> {
        let reply = self.line().get("num")?;
        let mut reader = Reader::new(&reply.payload);
        let session = reader.u32()?;
        reader.done()?;
        Ok(Session::new(session))
    }

    /// This member's own resource, `/ace-group/GNAME/nodes/NAME`: the map of a join response with fresh key material.
    ///
    /// # Errors
    /// [`NodeError::Net`], [`NodeError::Refused`].
    pub fn own_node(&mut self) -> Result<Reply, NodeError> {
        self.line().own_node()
    }

    /// What is left of the way to the key server, to be shared.
    #[must_use]
    pub fn shared_line(&self) -> SharedLine {
        Arc::clone(&self.line)
    }

    /// Any resource below `/ace-group/GNAME/`, over the association of this member.
    ///
    /// # Errors
    /// [`NodeError::Net`], [`NodeError::Refused`].
    pub fn get(&mut self, below: &str) -> Result<Reply, NodeError> {
        self.line().get(below)
    }

    /// Leaves the group.
    ///
    /// # Errors
    /// [`NodeError::Net`], [`NodeError::Refused`].
    pub fn leave(self) -> Result<(), NodeError> {
        let mut line = self.line();
        let target = format!("ace-group/{}/nodes/{}", line.group, line.node);
        line.success(&Call::new(Code::DELETE, &target)).map(drop)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An association on which a proof is being made.
struct Joining<'a> {
    link: Client,
    binding: ChannelBinding,
    identity: Identity<'a>,
    scope: Scope,
    /// Of the attempt under way: what the key server has to answer to.
    cnonce: [u8; 16],
    key_server: Thumbprint,
    request_len: usize,
}

/// A success, not yet verified.
struct Answer {
    payload: Zeroizing<Vec<u8>>,
    node: String,
}

impl<'a> Joining<'a> {
    fn begin(
        key_server: &KeyServer,
        identity: Identity<'a>,
        group: &GroupName,
        roles: Roles,
    ) -> Result<Self, NodeError> {
        let certificate = match identity {
            Identity::Client { .. } => None,
            Identity::ResourceServer { certificate, .. } => Some(certificate),
        };
        let link = link::key_server(key_server, certificate)?;
        let association = link.association().ok_or_else(|| NetError::Closed {
            peer: key_server.coaps.to_string(),
        })?;
        Ok(Self {
            binding: ChannelBinding::Exporter(association.exporter),
            link,
            identity,
            scope: Scope {
                group: *group,
                roles,
            },
            cnonce: [0; 16],
            key_server: Thumbprint::new([0; 32]),
            request_len: 0,
        })
    }

    fn attempt(&mut self) -> Result<Answer, NodeError> {
        let reply = self.ask()?;
        if reply.code.is_success() {
            Ok(self.taken(reply))
        } else {
            Err(self.refusal(&reply))
        }
    }

    /// One challenge and one proof.
    fn ask(&mut self) -> Result<Reply, NodeError> {
        let token = match self.identity {
            Identity::Client { token, .. } => token,
            Identity::ResourceServer { rs, .. } => TokenRef::resource_server(rs),
        };
        let transfer = self.transfer(token)?;
        self.key_server = transfer.key_server.thumbprint();
        self.cnonce = random()?;
        let mut request = JoinRequest {
            scope: self.scope,
            credential: None,
            cnonce: &self.cnonce,
            proof: &[],
            challenge: transfer.challenge,
            token,
        };
        let input = request.pop_input(&self.binding, &self.key_server);
        let proof = match self.identity {
            Identity::Client { key, .. } => key.sign(&input.digest()?)?.encode().to_vec(),
            Identity::ResourceServer { key, .. } => input.sign_as_server(key)?.to_vec(),
        };
        request.proof = &proof;
        if let Identity::ResourceServer { key, rs, .. } = self.identity {
            request.credential = Some(Ccs {
                subject: Some(AccountId {
                    chain: 0,
                    address: rs,
                }),
                key: key.public(),
            });
        }
        let mut body = [0; JoinRequest::MAX_LEN];
        let len = request.encode(&mut body)?;
        self.request_len = len;
        let target = format!("ace-group/{}", self.scope.group);
        let body = body.get(..len).unwrap_or_default();
        Ok(self
            .link
            .request(&Call::post(&target, content_format::ACE_GROUPCOMM, body))?)
    }

    /// Names the token and gets the challenge.
    fn transfer(&mut self, token: TokenRef) -> Result<TransferResponse, NodeError> {
        let mut body = [0; TransferRequest::MAX_LEN];
        let len = TransferRequest { token }.encode(&mut body)?;
        let body = body.get(..len).unwrap_or_default();
        let reply = self
            .link
            .request(&Call::post("authz-info", content_format::ACE_CBOR, body))?;
        if !reply.code.is_success() {
            return Err(link::refusal("key server: challenge", &reply));
        }
        Ok(TransferResponse::parse(&reply.payload)?)
    }

    fn taken(&self, reply: Reply) -> Answer {
        let location = reply.location();
        let node = location.rsplit('/').next().unwrap_or_default().to_owned();
        Answer {
            payload: Zeroizing::new(reply.payload),
            node,
        }
    }

    fn refusal(&self, reply: &Reply) -> NodeError {
        link::refusal(format!("key server: join of {}", self.scope.group), reply)
    }

    /// Verifies the response and takes part.
    fn accept(mut self, answer: Answer) -> Result<Joined, NodeError> {
        let response =
            JoinResponse::parse(&answer.payload)?.verify(&self.cnonce, &self.key_server)?;
        let personal_key = Zeroizing::new(response.personal_key.to_vec());
        let mut membership =
            HostMembership::with_max_event(&response, personal_key, LARGEST_MAX_LEN)?;
        if let Some(next) = response.next_personal_key {
            membership.prepare(Zeroizing::new(next.to_vec()))?;
        }
        for message in response.broadcasts {
            match membership.receive(message, Some(clock::now())) {
                Ok(_) | Err(Error::BroadcastOld) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let pair_keys = Arc::new(Mutex::new(PairKeys::of(&response)));
        self.link.set_transmission(line::TRANSMISSION);
        Ok(Joined {
            session: response.session,
            expires_at: response.expires_at,
            key_server_time: response.key_server_time(),
            policies: response.policies.unwrap_or_default(),
            pair_keys: Arc::clone(&pair_keys),
            boot_salt: response.key_map.boot_salt,
            request_len: self.request_len,
            response_len: answer.payload.len(),
            group: self.scope.group,
            line: Arc::new(Mutex::new(Line {
                link: self.link,
                group: self.scope.group,
                node: answer.node,
                cnonce: self.cnonce,
                key_server: self.key_server,
                pair_keys,
            })),
            membership: Arc::new(Mutex::new(membership)),
        })
    }
}
