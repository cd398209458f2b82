//! A client as a library: join groups, stay current, read resources. What it may change is in `pairwise`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use iotchain::oscar::{MAX_OBJECT_LIMIT, Policy};
use iotchain::token::{Class, TokenRef};
use iotchain::{
    Address, Error, Exchange, Freshness, GroupName, Opened, ResourceId, Roles, Zeroizing,
};

use super::pairwise::Writer;
use super::rights::Rights;
use super::seen::Seen;
use super::{ClientAccount, Source, Target};
use crate::catalogue::Catalogue;
use crate::clock::{self, Stop};
use crate::coap::{Call, Code, Reply, content_format};
use crate::data_dir::DataDir;
use crate::follow::Follower;
use crate::join::{HostMembership, Identity, Joined, join_when_confirmed};
use crate::runtime::NetError;
use crate::{NodeError, link, roles};

/// How long to wait for the broadcast of a session that an object is ahead with.
pub(super) const BROADCAST_LIMIT: Duration = Duration::from_secs(2);

/// A client and the groups it is a member of.
#[derive(Debug)]
pub struct Client {
    // Dropped first: its threads use what follows.
    groups: HashMap<GroupName, Group>,
    catalogue: Catalogue,
    account: ClientAccount,
    seen: Seen,
    rights: Rights,
    pub(super) stop: Stop,
    _data: DataDir,
}

/// One membership.
#[derive(Debug)]
pub struct Group {
    /// What the join brought.
    pub joined: Joined,
    /// What came in since.
    pub follower: Follower,
    /// Whose resources.
    pub server: String,
    /// Which of them.
    pub class: Class,
    pub(super) writer: Option<Writer>,
}

/// An opened object.
#[derive(Debug)]
pub struct Fetched {
    /// The representation.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// What is known of it.
    pub opened: Opened,
    /// Length of the object in bytes.
    pub object_len: usize,
    /// Who sent it.
    pub from: Source,
}

impl Client {
    /// A client with its directory and account.
    ///
    /// # Errors
    /// [`NodeError::State`] for a damaged directory; [`NodeError::Io`].
    pub fn new(
        data: DataDir,
        catalogue: Catalogue,
        account: ClientAccount,
        stop: &Stop,
    ) -> Result<Self, NodeError> {
        let (seen, rights) = (Seen::open(&data)?, Rights::open(&data)?);
        Ok(Self {
            groups: HashMap::new(),
            catalogue,
            account,
            seen,
            rights,
            stop: stop.child(),
            _data: data,
        })
    }

    /// The deployment.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The address of its account.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.account.address()
    }

    /// A group it is a member of.
    #[must_use]
    pub fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The rights it joins a group with unless told otherwise: all that it asked a token for, or got before.
    #[must_use]
    pub fn usual_rights(&self, group: &GroupName) -> Roles {
        match self.rights.of(group) {
            none if none == Roles::default() => Roles::GET,
            known => known,
        }
    }

    /// Joins the group of `class` at the resource server `name` with `roles`, again if it is a member already. Waits up
    /// to `patience` for the confirmations of its token.
    ///
    /// # Errors
    /// [`NodeError::Config`] for an unknown name or class; otherwise as [`crate::join::join`].
    pub fn join(
        &mut self,
        name: &str,
        class: Class,
        roles: Roles,
        patience: Duration,
    ) -> Result<&Group, NodeError> {
        let server = self.catalogue.expect_resource_server(name)?;
        if !server.classes().any(|known| known == class) {
            return Err(NodeError::Config(format!(
                "{name} has no class {:04x}",
                class.get()
            )));
        }
        let group = class.group(&server.rs);
        let token = TokenRef {
            chain: self.catalogue.chain_id,
            contract: self.catalogue.contract,
            client: self.account.address(),
        };
        let identity = Identity::Client {
            key: &self.account.proof,
            token,
        };
        let deadline = Instant::now() + patience;
        let key_server = &self.catalogue.key_server;
        let joined =
            join_when_confirmed(key_server, identity, &group, roles, deadline, &self.stop)?;
        lock(&joined.membership).set_policy(Policy {
            max_object: MAX_OBJECT_LIMIT,
            ..Policy::default()
        });
        let follower = Follower::spawn(&joined, key_server.coap, &self.stop)?;
        let member = Group {
            joined,
            follower,
            server: server.name.clone(),
            class,
            writer: None,
        };
        self.rights.keep(&group, roles)?;
        self.groups.insert(group, member);
        self.groups
            .get(&group)
            .ok_or_else(|| NodeError::State("a group that was just joined is gone".into()))
    }

    /// Makes sure that it is a member of the group of `target` with the rights `wanted`; every member may read. It joins
    /// with all its usual rights, so that one command does not take from it what another needs; if the token has
    /// shrunk, with what this one needs.
    ///
    /// # Errors
    /// As [`Client::join`].
    pub fn join_for(
        &mut self,
        target: &Target,
        wanted: Roles,
        patience: Duration,
    ) -> Result<(), NodeError> {
        let name = target.group();
        let member = self.groups.get(&name);
        if member.is_some_and(|group| group.rights().contains(wanted)) {
            return Ok(());
        }
        let (all, least) = match wanted {
            none if none == Roles::default() => (self.usual_rights(&name), Roles::GET),
            // Who never asked for a token got one from the owner, of whatever kind.
            some if self.rights.of(&name) == Roles::default() => (roles::all(), some),
            some => (self.rights.of(&name) | some, some),
        };
        let mut join = |rights| {
            self.join(&target.name, target.class, rights, patience)
                .map(drop)
        };
        match join(all) {
            Err(error) if error.number() == Some(Error::Scope) && all != least => join(least),
            joined => joined,
        }
    }

    /// Joins the group of `target` once more, with the rights there are.
    pub(super) fn join_again(&mut self, target: &Target) -> Result<(), NodeError> {
        let rights = self.member(target)?.rights();
        self.join(&target.name, target.class, rights, Duration::ZERO)
            .map(drop)
    }

    /// Reads a resource. When the object is of a session not heard of yet, its broadcast is awaited for a moment. When it is
    /// of another instance of the group, or of an epoch that the key server would not let this membership into, the group
    /// is joined again.
    ///
    /// # Errors
    /// [`NodeError::Protocol`] with the number of the step that failed; [`NodeError::Refused`]; [`NodeError::Net`];
    /// [`NodeError::Config`] if it is not a member, or there is no proxy.
    pub fn get(&mut self, target: &Target, from: Source) -> Result<Fetched, NodeError> {
        let outcome = self.get_once(target, from);
        let elsewhere = match outcome {
            Err(NodeError::Protocol(Error::Session)) => {
                let follower = &self.member(target)?.follower;
                follower.wait_change(Instant::now() + BROADCAST_LIMIT);
                follower.is_astray()
            }
            Err(NodeError::Protocol(Error::SessionExpired)) => {
                self.member(target)?.follower.is_astray()
            }
            Err(NodeError::Protocol(Error::Group)) => true,
            _ => return outcome,
        };
        if elsewhere && let Err(error) = self.join_again(target) {
            tracing::warn!(%error, "the object is of another group or epoch, which cannot be joined");
            return outcome;
        }
        self.get_once(target, from)
    }

    fn get_once(&mut self, target: &Target, from: Source) -> Result<Fetched, NodeError> {
        match from {
            Source::Server => self.get_direct(target),
            Source::Proxy => self.get_stored(target),
            Source::Any => match self.get_direct(target) {
                Err(error) if target.proxy.is_some() && is_absence(&error) => {
                    tracing::info!(%error, "asking the proxy");
                    self.get_stored(target)
                }
                outcome => outcome,
            },
        }
    }

    /// Mode G: bound to the Token of this request.
    fn get_direct(&mut self, target: &Target) -> Result<Fetched, NodeError> {
        let membership = self.membership(target)?;
        let reply = link::plain(target.server)?.request(&Call::get(&target.path.join("/")))?;
        let object = object_of(&target.name, &reply)?;
        let mut exchange = Exchange::new(reply.token.as_bytes())?;
        let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
        let resource = ResourceId::new(target.rs, &path, &[])?;
        let mut plaintext = Zeroizing::new(vec![0; object.len()]);
        let opened = lock(&membership).open_response(
            object,
            &resource,
            reply.code.0,
            &mut exchange,
            Freshness::Demanded,
            clock::now(),
            &mut plaintext,
        )?;
        plaintext.truncate(opened.len);
        Ok(Fetched {
            plaintext,
            opened,
            object_len: object.len(),
            from: Source::Server,
        })
    }

    /// Mode S: signed, never older than what was seen before.
    fn get_stored(&mut self, target: &Target) -> Result<Fetched, NodeError> {
        let proxy = target
            .proxy
            .ok_or_else(|| NodeError::Config(format!("{} publishes at no proxy", target.name)))?;
        let reply = link::plain(proxy)?.request(&Call::get(&target.to_string()))?;
        self.open_stored(target, object_of("proxy", &reply)?)
    }

    /// Opens a signed object of `target`, wherever it was kept.
    ///
    /// # Errors
    /// [`NodeError::Protocol`] with the number of the step that failed; [`NodeError::State`] and [`NodeError::Io`] if
    /// what was seen cannot be remembered.
    pub fn open_stored(&mut self, target: &Target, object: &[u8]) -> Result<Fetched, NodeError> {
        let membership = self.membership(target)?;
        let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
        let resource = ResourceId::new(target.rs, &path, &[])?;
        let key = format!("0x{}/{}", target.rs, target.path.join("/"));
        let sid_len = lock(&membership).group().sid_len;
        let mut state = self.seen.state(&key, sid_len)?;
        let mut plaintext = Zeroizing::new(vec![0; object.len()]);
        let opened = lock(&membership).open_stored(
            object,
            &resource,
            &mut state,
            clock::now(),
            &mut plaintext,
        )?;
        plaintext.truncate(opened.len);
        // What is not remembered could be rolled back, so it is not handed out.
        self.seen.keep(&key, &state)?;
        Ok(Fetched {
            plaintext,
            opened,
            object_len: object.len(),
            from: Source::Proxy,
        })
    }

    pub(super) fn member(&self, target: &Target) -> Result<&Group, NodeError> {
        let group = self.groups.get(&target.group());
        group.ok_or_else(|| stranger(target))
    }

    pub(super) fn member_mut(&mut self, target: &Target) -> Result<&mut Group, NodeError> {
        let group = self.groups.get_mut(&target.group());
        group.ok_or_else(|| stranger(target))
    }

    fn membership(&self, target: &Target) -> Result<crate::join::Shared, NodeError> {
        Ok(self.member(target)?.joined.membership.clone())
    }
}

impl Group {
    /// Keys and credentials.
    pub fn membership(&self) -> MutexGuard<'_, HostMembership> {
        lock(&self.joined.membership)
    }

    /// Its rights, as its sid has them.
    #[must_use]
    pub fn rights(&self) -> Roles {
        self.membership().sid().roles()
    }
}

fn stranger(target: &Target) -> NodeError {
    NodeError::Config(format!(
        "not a member of {}; join {}/{:04x} first",
        target.group(),
        target.name,
        target.class.get()
    ))
}

/// Whether the server is not there or cannot answer, as opposed to answering something wrong.
fn is_absence(error: &NodeError) -> bool {
    match error {
        NodeError::Net(NetError::Timeout { .. } | NetError::Reset { .. }) => true,
        NodeError::Refused { code, .. } => *code == Code::SERVICE_UNAVAILABLE,
        _ => false,
    }
}

/// The object in a 2.05.
fn object_of<'a>(who: &str, reply: &'a Reply) -> Result<&'a [u8], NodeError> {
    if reply.code != Code::CONTENT {
        return Err(link::refusal(who, reply));
    }
    match reply.content_format() {
        Some(content_format::COSE_ENCRYPT0) => Ok(&reply.payload),
        _ => Err(Error::Type.into()),
    }
}

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
