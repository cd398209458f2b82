//! A key server that keeps to the protocol until told to break it: real DTLS, real proofs, real broadcasts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use iotchain::core::cbor::Writer;
use iotchain::join::List;
use iotchain::join::{
    Ccs, GroupPolicies, JoinRequest, JoinResponse, KeyMap, ProblemDetails, TransferRequest,
    TransferResponse, kdc_proof,
};
use iotchain::selfheal::rsd::{GroupManager, Parameters, Plan};
use iotchain::token::{AccountId, Challenger, ChannelBinding};
use iotchain::{
    Address, Error, Gid, GroupKey, Roles, Session, Sid, SignAlg, Signer, SigningKey, Suite,
};
use iotchain_node::catalogue::KeyServer;
use iotchain_node::clock;
use iotchain_node::coap::{Code, Outcome, Request, Response, Service, content_format};
use iotchain_node::dtls::ServerConfig;
use iotchain_node::dtls::pki::{Authority, Name};
use iotchain_node::runtime::{Handle, Server};

pub(crate) const GNAME: &str = "0007.fa870181";

/// How it breaks the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Not at all.
    #[default]
    None,
    /// Refuses joins, so many times.
    Refuse(Error, u32),
    /// Proves its key over another nonce.
    OtherNonce,
    /// Answers with another key than the one it showed with the challenge.
    OtherKey,
    /// Sends the key map of another group.
    OtherGroup,
    /// Leaves the broadcasts out of the join response.
    NoBroadcasts,
}

pub(crate) struct State {
    pub(crate) manager: GroupManager,
    pub(crate) lie: Lie,
    pub(crate) joins: u32,
    challenger: Challenger<16>,
    producer: (Sid, Address, iotchain::PublicKey),
    next_sid: u8,
}

/// The key server of one group.
pub(crate) struct Liar {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) address: KeyServer,
    handle: Option<Handle>,
    authority: Authority,
    _directory: tempfile::TempDir,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[0x51; 32]).unwrap()
}

/// The operating system's random numbers.
pub(crate) struct Rng;

impl rand_core::TryRng for Rng {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        getrandom::u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        getrandom::u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        getrandom::fill(out)
    }
}

impl rand_core::TryCryptoRng for Rng {}

impl Liar {
    /// Serves a group in which the resource server `rs` with the key `producer` has a sid.
    pub(crate) fn start(rs: Address, producer: iotchain::PublicKey) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::create("owner", 10).unwrap();
        let ca = directory.path().join("ca.pem");
        authority.anchor().write(&ca).unwrap();
        let parameters = Parameters {
            starts: clock::now(),
            // Many sessions fit into the tolerance of the members' clocks.
            duration: 4,
            ..Parameters::new(
                Gid::new([7; 4]),
                1,
                600,
                Session::new(1)..=Session::new(1000),
            )
        };
        let mut manager = GroupManager::generate(parameters, &mut Rng).unwrap();
        manager.advance(Plan::default(), &mut Rng, &key()).unwrap();
        let challenger = Challenger::new(&mut Rng, clock::now()).unwrap();
        let producer = (Sid::from_slice(&[0x80, 0, 0]).unwrap(), rs, producer);
        let state = State {
            manager,
            lie: Lie::None,
            joins: 0,
            challenger,
            producer,
            next_sid: 1,
        };
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut liar = Self {
            state: Arc::new(Mutex::new(state)),
            address: KeyServer {
                coap: any,
                coaps: any,
                name: "key-server".into(),
                ca,
            },
            handle: None,
            authority,
            _directory: directory,
        };
        liar.resume();
        liar
    }

    /// Whose certificates it believes.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Stops answering: from here on every datagram is lost.
    pub(crate) fn vanish(&mut self) {
        self.handle = None;
    }

    /// Answers again, at the same addresses.
    pub(crate) fn resume(&mut self) {
        let identity = self
            .authority
            .issue("key-server", &[Name::Dns("key-server".into())], 10)
            .unwrap();
        let config = ServerConfig::new(identity, Some(self.authority.anchor()));
        let handle = Server::builder(Serve(self.state.clone()))
            .coap(self.address.coap)
            .coaps(self.address.coaps, config)
            .spawn()
            .unwrap();
        self.address.coap = handle.coap_addr().unwrap();
        self.address.coaps = handle.coaps_addr().unwrap();
        self.handle = Some(handle);
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Begins the next session, with an event if `refresh`, and tells the observers.
    pub(crate) fn advance(&self, refresh: bool) -> Session {
        let plan = if refresh { Plan::REFRESH } else { Plan::KEEP };
        let session = self
            .state()
            .manager
            .advance(plan, &mut Rng, &key())
            .unwrap()
            .session;
        if let Some(handle) = &self.handle {
            handle.notify(&format!("ace-group/{GNAME}/bc"));
            handle.notify(&format!("ace-group/{GNAME}/bn"));
        }
        session
    }

    pub(crate) fn group_key(&self, session: Session) -> GroupKey {
        self.state().manager.group_key(session).unwrap()
    }
}

struct Serve(Arc<Mutex<State>>);

impl Service for Serve {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        let mut state = self.0.lock().unwrap();
        match (request.code, request.path) {
            (Code::POST, ["authz-info"]) => state.transfer(request),
            (Code::POST, ["ace-group", GNAME]) => state.join(request).unwrap_or_else(refuse),
            (Code::GET, ["ace-group", GNAME, "num"]) => {
                let mut out = [0; 8];
                let mut writer = Writer::new(&mut out);
                writer.uint(state.manager.session().unwrap().get().into());
                let len = writer.finish().unwrap();
                Response::content(content_format::ACE_GROUPCOMM, &out[..len])
            }
            (Code::GET, ["ace-group", GNAME, "bc"]) => {
                Response::content(content_format::COSE_SIGN1, state.manager.event()).observable()
            }
            (Code::GET, ["ace-group", GNAME, "bn"]) => {
                Response::content(content_format::CBOR, state.manager.beacon().unwrap())
                    .observable()
            }
            (Code::DELETE, ["ace-group", GNAME, "nodes", _]) => Response::new(Code::DELETED),
            _ => Response::new(Code::NOT_FOUND),
        }
        .into()
    }
}

impl State {
    fn transfer(&mut self, request: &Request<'_>) -> Response {
        let token = TransferRequest::parse(request.payload).unwrap().token;
        let binding = binding(request);
        let challenge = self
            .challenger
            .issue(&mut Rng, clock::now(), &token, &binding)
            .unwrap();
        let mut out = [0; TransferResponse::MAX_LEN];
        let len = TransferResponse {
            key_server: key().public(),
            challenge,
        }
        .encode(&mut out)
        .unwrap();
        Response::new(Code::CREATED).body(content_format::ACE_CBOR, &out[..len])
    }

    fn join(&mut self, request: &Request<'_>) -> Result<Response, Error> {
        let join = JoinRequest::parse(request.payload)?;
        let binding = binding(request);
        let thumbprint = key().public().thumbprint();
        let input = join.pop_input(&binding, &thumbprint);
        let roles = match join.credential {
            None => {
                self.challenger
                    .prove_client(&input, join.proof, clock::now())?
                    .scope()
                    .roles
            }
            Some(credential) => {
                self.challenger
                    .prove_server(&input, &credential.key, join.proof, clock::now())?;
                let certificate = request
                    .peer
                    .association
                    .as_ref()
                    .and_then(|a| a.peer.as_ref());
                assert!(
                    certificate
                        .unwrap()
                        .authorises(join.token.client.as_bytes())
                );
                Roles::PRODUCER
            }
        };
        self.joins += 1;
        if let Lie::Refuse(error, times @ 1..) = self.lie {
            self.lie = Lie::Refuse(error, times - 1);
            return Err(error);
        }
        Ok(self.admit(&join, roles))
    }

    fn admit(&mut self, join: &JoinRequest<'_>, roles: Roles) -> Response {
        let slot = self.manager.join().unwrap();
        let personal_key = self.manager.personal_key(slot).unwrap();
        self.next_sid += 1;
        let sid = Sid::from_slice(&[roles.bits(), 0, self.next_sid]).unwrap();
        let (producer, rs, producer_key) = self.producer;
        let creds = [Ccs {
            subject: Some(AccountId {
                chain: 0,
                address: rs,
            }),
            key: producer_key,
        }];
        let peers = [producer];
        let beacon = self.manager.beacon().unwrap();
        let broadcasts = [self.manager.event(), &beacon];
        let gid = if self.lie == Lie::OtherGroup {
            [8; 4]
        } else {
            [7; 4]
        };
        let signer = match self.lie {
            Lie::OtherKey => SigningKey::from_bytes(SignAlg::Es256k, &[0x52; 32]).unwrap(),
            _ => key(),
        };
        let cnonce = if self.lie == Lie::OtherNonce {
            &[1; 16]
        } else {
            join.cnonce
        };
        let response = JoinResponse {
            key_map: KeyMap {
                gid: Gid::new(gid),
                sid,
                suite: Suite::DEFAULT,
                grace: 60,
                access_keys: None,
                server_secret: roles.is_producer().then(|| iotchain::Secret::new([9; 32])),
                boot_salt: None,
            },
            session: self.manager.session().unwrap(),
            expires_at: clock::now().saturating_add(1000),
            expires_in: 1000,
            creds: List::new(&creds),
            peer_roles: List::new(&[Roles::PRODUCER]),
            peer_identifiers: List::new(&peers),
            policies: Some(GroupPolicies {
                check_interval: 60,
                expiration_delta: 5,
                pre_issue: 0,
            }),
            key_server: signer.public(),
            kdc_nonce: &[3; 8],
            kdc_proof: kdc_proof(&signer, cnonce, &[3; 8]).unwrap(),
            personal_key: &personal_key,
            control_uri: None,
            broadcasts: if self.lie == Lie::NoBroadcasts {
                List::EMPTY
            } else {
                List::new(&broadcasts)
            },
            next_personal_key: None,
        };
        let mut out = vec![0; JoinResponse::MAX_LEN];
        let len = response.encode(&mut out).unwrap();
        let node = sid.to_string();
        Response::new(Code::CREATED)
            .body(content_format::ACE_GROUPCOMM, &out[..len])
            .location(&["ace-group", GNAME, "nodes", &node])
    }
}

fn binding(request: &Request<'_>) -> ChannelBinding {
    ChannelBinding::Exporter(request.peer.association.as_ref().unwrap().exporter)
}

fn refuse(error: Error) -> Response {
    let problem = ProblemDetails::new(error, "no");
    let mut out = [0; 128];
    let len = problem.encode(&mut out).unwrap();
    Response::new(Code(problem.code()))
        .body(content_format::PROBLEM_DETAILS, &out[..len])
        .max_age(1)
}
